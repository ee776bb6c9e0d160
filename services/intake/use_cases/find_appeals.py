"""Reading appeals: one, a page of them, and the timeline a citizen is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.intake.db import appeals as rows
from services.intake.db.appeals import AppealFilter, Row
from services.intake.domain import people, receipts
from services.intake.domain.machine import Move
from services.intake.domain.own_steps import Step, lines_of
from services.intake.domain.timeline import Entry, EntryCode
from services.intake.use_cases.desk import Desk
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput, NotFound
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


async def search_appeals(
    uow: UnitOfWork, wanted: AppealFilter, *, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of appeals, newest first, and where the next one starts.

    Raises InvalidInput for a cursor that is not of this list.
    """
    position = decode_cursor(cursor, (datetime, UUID)) if cursor is not None else None
    after = (position[0], position[1]) if position is not None else None
    if wanted.receipt_number is not None:
        wanted = replace(wanted, receipt_number=receipts.normalise_receipt_number(wanted.receipt_number))
    found = await rows.list_appeals(uow.connection, wanted, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return page, encode_cursor(page[-1]["created_at"], page[-1]["id"]) if more else None


def hashes_of(desk: Desk, phone: str) -> Sequence[bytes]:
    """Return what a person's appeals are found by. Raises InvalidInput when it is no phone number."""
    number = people.normalise_phone(phone)
    if number is None:
        raise InvalidInput("That is not a phone number.", [FieldProblem("/phone", "is not a phone number")])
    return desk.vault.phone_hashes(number)


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
