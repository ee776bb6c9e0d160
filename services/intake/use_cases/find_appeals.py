"""Reading appeals: one, a page of them, and the timeline a citizen is shown."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.db import appeals as rows
from services.intake.db.appeals import Row
from services.intake.domain.machine import Move
from services.intake.domain.own_steps import Step, lines_of
from services.intake.domain.timeline import Entry, EntryCode
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealStatus, AppealType


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a timeline with its moment."""

    at: datetime
    entry: Entry


async def get_appeal(uow: UnitOfWork, appeal_id: UUID, *, department_code: str | None = None) -> Row:
    """Return one appeal. Raises NotFound, also when it is another department's than the caller's."""
    row = await rows.find_appeal(uow.connection, appeal_id)
    if row is None or department_code not in {None, row["department_code"]}:
        raise NotFound("There is no such appeal.")
    return row


async def get_timeline(uow: UnitOfWork, appeal_id: UUID, *, department_code: str | None = None) -> list[Line]:
    """Return an appeal's timeline, oldest first. Raises NotFound as get_appeal does.

    What was written to the reporter of a report is not for departments (section 9): one may be the reported party.
    """
    row = await get_appeal(uow, appeal_id, department_code=department_code)
    for_the_citizen = department_code is None or row["type"] != AppealType.REPORT
    return await timeline_of(uow, appeal_id, with_words=for_the_citizen)


async def timeline_of(uow: UnitOfWork, appeal_id: UUID, *, with_words: bool = True) -> list[Line]:
    """Return what intake itself did and what the other services told, in the order in which it happened."""
    history = await rows.read_history(uow.connection, appeal_id)
    own = [Line(step["at"], line) for step in history for line in lines_of(_step_of(step, with_words=with_words))]
    return sorted([*own, *await told_lines(uow, appeal_id)], key=lambda line: line.at)


async def told_lines(uow: UnitOfWork, appeal_id: UUID) -> list[Line]:
    """Return what the other services told about an appeal, oldest first."""
    return [_told_line(row) for row in await rows.read_entries(uow.connection, appeal_id)]


def _step_of(row: Row, *, with_words: bool) -> Step:
    return Step(
        move=Move(row["move"]),
        rules=tuple(row["rules"]),
        from_status=AppealStatus(row["from_status"]),
        to_status=AppealStatus(row["to_status"]),
        details=row["details"],
        with_words=with_words,
    )


def _told_line(row: Row) -> Line:
    status = AppealStatus(row["status"])
    return Line(row["at"], Entry(EntryCode(row["code"]), status, row["round"], row["text_en"], row["text_zh"]))
