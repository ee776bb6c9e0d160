"""Registering appeals over the API, one or many."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.intake.api.dependencies import TheDesk, TheLane, Writer, run_sealed
from services.intake.api.express import NO_STORE, created_reply, register_express
from services.intake.api.schemas import AppealIn, BatchIn, problems_with_items
from services.intake.api.views import (
    BatchItem,
    BatchResult,
    CreatedAppeal,
    ItemProblem,
    created_view,
)
from services.intake.db.registration import NewAppeal
from services.intake.use_cases.register_appeals import Outcome, RegisterAppeal, register_appeal, register_appeals
from shared.db.unit_of_work import UnitOfWork
from shared.errors import DomainError
from shared.http.dependencies import Db, Idempotency
from shared.http.problems import problem_documentation, problem_of
from shared.identity.principal import Principal

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

    With a category it is accepted at once (T10). It waits on the review list without one, when an agent wants to answer
    it (`immediate`) or ask for papers (`supplement`), and when it is not the city's to handle (`advisory`).
    """
    command = _command(submission, principal)
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
    items = [read_item(item, principal) for item in batch.items]

    async def work(uow: UnitOfWork) -> list[Outcome]:
        return await register_appeals(uow, desk, [item for item in items if isinstance(item, RegisterAppeal)])

    return await run_sealed(
        idem, db, desk.vault, work, status=200, render=lambda outcomes: (batch_view(items, outcomes), NO_STORE)
    )


def _command(submission: AppealIn, principal: Principal) -> RegisterAppeal:
    """Who may read appeals is staff: told of an earlier one, and trusted with urgency and mode."""
    is_staff = principal.has("appeals:read")
    return RegisterAppeal(submission.to_domain(), principal.actor, may_read=is_staff, may_classify=is_staff)


def read_item(item: Any, principal: Principal) -> RegisterAppeal | ItemProblem:
    """Read one item of a batch, or tell what is wrong with it."""
    try:
        return _command(AppealIn.model_validate(item), principal)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return item_problem(RequestValidationError(problems_with_items(list(found))))


def item_problem(error: Exception) -> ItemProblem:
    """Return what a problem document would say."""
    document = orjson.loads(problem_of(error).body)
    return ItemProblem(**{name: document[name] for name in ItemProblem.model_fields if name in document})


def batch_view(items: Sequence[RegisterAppeal | ItemProblem], outcomes: Sequence[Outcome]) -> BatchResult:
    """Tell what became of each item; `outcomes` are those of the items that could be read."""
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
    problem = item_problem(outcome) if isinstance(outcome, DomainError) else outcome
    return BatchItem(index=index, status="rejected", problem=problem)
