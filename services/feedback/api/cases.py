"""Cases with their whole history, and the ledger of those that stay unsolved."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, Security

from services.feedback.api.callbacks import Agent, DepartmentCode
from services.feedback.api.schemas import CaseSummary, CaseView, GroupFeedbackRequest, GroupFeedbackView
from services.feedback.use_cases import read_cases
from services.feedback.use_cases.give_group_feedback import GiveGroupFeedback, give_group_feedback
from shared.http.dependencies import Db, Idempotency, Page, PageQuery, require
from shared.http.problems import problem_documentation
from shared.http.text import Moment
from shared.identity.principal import Principal

Reader = Annotated[Principal, Security(require("cases:read"))]

router = APIRouter(prefix="/v1", tags=["cases"])


@router.get(
    "/cases/{appeal_id}",
    operation_id="get_case",
    summary="A case with its rounds, callbacks and evaluations",
    response_model=CaseView,
    responses=problem_documentation([404]),
)
async def get_case(principal: Reader, appeal_id: UUID, db: Db) -> CaseView:
    """A department sees the cases it had a turn in."""
    file = await db.transact(
        lambda uow: read_cases.read_case(uow, appeal_id, principal.department_code), read_only=True
    )
    return CaseView.of(file)


@router.post(
    "/cases/{appeal_id}/group-feedback",
    operation_id="give_group_feedback",
    summary="One feedback to all who share the matter (LZ-16)",
    status_code=201,
    response_model=GroupFeedbackView,
    responses=problem_documentation([404, 409, 422]),
)
async def give_feedback(
    principal: Agent, appeal_id: UUID, request: GroupFeedbackRequest, db: Db, idem: Idempotency
) -> Response:
    """It reaches the appeal and everybody handled with it now, each once; their own callbacks are still owed."""
    command = GiveGroupFeedback(appeal_id, request.mode, request.note, request.at, principal.actor)
    return await idem.run(
        db,
        lambda uow: give_group_feedback(uow, command),
        status=201,
        render=lambda given: (GroupFeedbackView.model_validate(given), {}),
    )


@router.get(
    "/ledger",
    operation_id="list_ledger",
    summary="Unsolved cases, by review date",
    response_model=Page[CaseSummary],
)
async def list_ledger(
    principal: Reader,
    db: Db,
    page: PageQuery,
    department_code: DepartmentCode | None = None,
    review_before: Moment | None = None,
) -> Page[CaseSummary]:
    """The next to be reviewed first. A department sees its own."""
    query = read_cases.LedgerQuery(department_code, review_before, principal.department_code)
    found = await db.transact(
        lambda uow: read_cases.list_ledger(uow, query, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[CaseSummary.model_validate(case) for case in found.items], next_cursor=found.next_cursor)
