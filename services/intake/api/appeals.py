"""Registering appeals over the API, one or many, and setting the category of one on the review list."""

from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.intake.api.dependencies import TheDesk, TheLane, Writer, run_sealed
from services.intake.api.express import NO_STORE, created_reply, register_express
from services.intake.api.schemas import AppealIn, BatchIn, RecategorizeIn, problems_with_items
from services.intake.api.views import (
    AppealView,
    BatchItem,
    BatchResult,
    CreatedAppeal,
    ItemProblem,
    appeal_view,
    created_view,
)
from services.intake.db.registration import NewAppeal
from services.intake.use_cases.recategorize_appeal import RecategorizeAppeal, recategorize_appeal
from services.intake.use_cases.register_appeals import Outcome, RegisterAppeal, register_appeal, register_appeals
from shared.db.unit_of_work import UnitOfWork
from shared.errors import DomainError
from shared.http.dependencies import Db, Idempotency, IfMatch, etag_of
from shared.http.preconditions import expect
from shared.http.problems import problem_documentation, problem_of

BATCH_BODY_LIMIT = 16 * 1024 * 1024

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


@router.post(
    "",
    operation_id="create_appeal",
    summary="Register an appeal",
    status_code=201,
    response_model=CreatedAppeal,
    responses=problem_documentation([409]),
)
async def create_appeal(
    submission: AppealIn, db: Db, desk: TheDesk, lane: TheLane, idem: Idempotency, principal: Writer
) -> Response:
    """The answer comes after the commit: what has a receipt number is never lost.

    Without a category it is registered and waits on the review list; with one it is accepted at once (T10).
    """
    command = RegisterAppeal(submission.to_domain(), principal.actor, may_read=principal.has("appeals:read"))
    reply = await register_express(lane, desk, command, idem.identity, db)
    if reply is not None:
        return reply.response()
    return await run_sealed(
        idem, db, desk.vault, lambda uow: register_appeal(uow, desk, command), status=201, render=created_reply
    )


@router.post(
    "/batch",
    operation_id="create_appeals",
    summary="Register up to 500 appeals in one transaction",
    response_model=BatchResult,
    responses=problem_documentation([409]),
    max_body_size=BATCH_BODY_LIMIT,
)
async def create_appeals(batch: BatchIn, db: Db, desk: TheDesk, idem: Idempotency, principal: Writer) -> Response:
    """Each item is judged by itself: those that are refused tell why, the others are registered together."""
    may_read = principal.has("appeals:read")
    items = [_read_item(item, principal.actor, may_read=may_read) for item in batch.items]

    async def work(uow: UnitOfWork) -> list[Outcome]:
        return await register_appeals(uow, desk, [item for item in items if isinstance(item, RegisterAppeal)])

    return await run_sealed(
        idem, db, desk.vault, work, status=200, render=lambda outcomes: (_batch_view(items, outcomes), NO_STORE)
    )


@router.post(
    "/{appeal_id}/recategorize",
    operation_id="recategorize_appeal",
    summary="Set the category of a registered appeal",
    response_model=AppealView,
    responses=problem_documentation([404, 409, 412]),
)
async def recategorize(  # noqa: PLR0913, PLR0917 - each one a dependency
    appeal_id: UUID,
    change: RecategorizeIn,
    db: Db,
    desk: TheDesk,
    idem: Idempotency,
    expected: IfMatch,
    principal: Writer,
) -> Response:
    """Accepts the appeal when nothing else is missing (T10); an accepted one is recategorised by its dispatcher."""
    command = RecategorizeAppeal(appeal_id, change.category_code, change.reason or "", principal.actor)

    async def work(uow: UnitOfWork) -> dict[str, Any]:
        return await recategorize_appeal(uow, desk, command, check_version=lambda version: expect(expected, version))

    return await idem.run(
        db, work, status=200, render=lambda row: (appeal_view(row), {"ETag": etag_of(row["shown_version"])})
    )


def _read_item(item: Any, actor: str, *, may_read: bool) -> RegisterAppeal | ItemProblem:
    try:
        return RegisterAppeal(AppealIn.model_validate(item).to_domain(), actor, may_read=may_read)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return _problem(RequestValidationError(problems_with_items(list(found))))


def _problem(error: Exception) -> ItemProblem:
    document = orjson.loads(problem_of(error).body)
    return ItemProblem(**{name: document[name] for name in ItemProblem.model_fields if name in document})


def _batch_view(items: list[RegisterAppeal | ItemProblem], outcomes: list[Outcome]) -> BatchResult:
    following = iter(outcomes)
    results: list[BatchItem] = []
    for index, item in enumerate(items):
        outcome = item if isinstance(item, ItemProblem) else next(following)
        results.append(_item_view(index, outcome))
    created = sum(result.status == "created" for result in results)
    return BatchResult.model_construct(created=created, rejected=len(results) - created, items=results)


def _item_view(index: int, outcome: Outcome | ItemProblem) -> BatchItem:
    if isinstance(outcome, NewAppeal):
        return BatchItem(
            index=index,
            status="created",
            id=outcome.id,
            receipt_number=outcome.receipt_number,
            access_code=outcome.access_code,
            appeal=created_view(outcome),
        )
    problem = _problem(outcome) if isinstance(outcome, DomainError) else outcome
    return BatchItem(index=index, status="rejected", problem=problem)
