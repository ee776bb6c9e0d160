"""What an appeal is about and whether it is ours: accepting it, classifying it anew, what is decided too late."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from services.intake.api.dependencies import Reader, TheDesk
from services.intake.api.moving import MOVE_PROBLEMS
from services.intake.api.schemas import CategoryCode
from services.intake.api.staff import TheStaffMove
from services.intake.api.views import AppealView, appeal_view
from services.intake.use_cases.accept_appeal import AcceptAppeal, accept_appeal
from services.intake.use_cases.recategorize_appeal import RecategorizeAppeal, recategorize_appeal
from services.intake.use_cases.sweep_terms import list_overdue
from shared.errors import FieldProblem, InvalidInput
from shared.http.dependencies import Db, Page, PageQuery
from shared.http.text import Input, Line, Paragraph
from shared.vocabulary import AppealType, HandlingMode, Urgency

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


class RecategorizeIn(Input):
    """What is to be changed, and why; what is left out stays. At least one of the four."""

    category_code: CategoryCode | None = None
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    type: AppealType | None = None
    reason: Annotated[str, Line(500)] | None = Field(
        default=None, description="Needed unless it only gives a registered appeal its first category."
    )

    def to_command(self, appeal_id: UUID) -> RecategorizeAppeal:
        """Raises InvalidInput when nothing is to be changed."""
        if self.category_code is None and self.urgency is None and self.mode is None and self.type is None:
            problem = FieldProblem("/category_code", "is required, or urgency, mode or type")
            raise InvalidInput("There is nothing to change.", [problem])
        return RecategorizeAppeal(appeal_id, self.reason or "", self.category_code, self.urgency, self.mode, self.type)


class AcceptIn(Input):
    """A note for the record."""

    note: Annotated[str, Paragraph(1_000, min_length=0)] = ""


@router.post(
    "/{appeal_id}/recategorize",
    operation_id="recategorize_appeal",
    summary="Change the category, urgency, mode or type of an open appeal",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def recategorize(appeal_id: UUID, change: RecategorizeIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T43, with a reason on record. Accepts a registered appeal when that was all that was missing (T10)."""
    command = change.to_command(appeal_id)
    return await move.run(lambda uow, mover: recategorize_appeal(uow, desk, command, mover))


@router.post(
    "/{appeal_id}/accept",
    operation_id="accept_appeal",
    summary="Accept an appeal that waits on the review list",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def accept(appeal_id: UUID, note: AcceptIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T10: it is ours, complete enough, and goes to a department. An advisory matter is referred instead."""
    command = AcceptAppeal(appeal_id, note.note)
    return await move.run(lambda uow, mover: accept_appeal(uow, desk, command, mover))


@router.get(
    "/overdue",
    operation_id="list_overdue_appeals",
    summary="Appeals whose scope was not decided in time",
    response_model=Page[AppealView],
)
async def read_overdue(db: Db, page: PageQuery, principal: Reader) -> Page[AppealView]:
    """Past T_ACCEPT and still on the review list, the longest overdue first. No department has them yet."""
    if principal.department_code is not None:
        return Page(items=[], next_cursor=None)
    rows, following = await db.transact(
        lambda uow: list_overdue(uow, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[appeal_view(row) for row in rows], next_cursor=following)
