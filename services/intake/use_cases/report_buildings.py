"""The monthly report of a building chief 楼长 (HZ-08): figures of the building, due every month; no appeal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from services.intake.db.entry import INFORMANTS, Row, find_registered
from services.intake.db.sessions import chiefs_without_report, insert_building_report, list_building_reports
from services.intake.domain import texts
from services.intake.domain.entry import Role, next_month, report_due_at
from services.intake.use_cases.desk import Desk
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, InvalidInput
from shared.ids import uuid7


class MonthReported(Conflict):
    """The chief has reported for this month."""

    code = "month_reported"
    title = "The report for this month is on record already"


@dataclass(frozen=True, slots=True)
class ReportBuilding:
    """A month's figures of one building chief; `month` is its first day."""

    informant_code: str
    month: date
    values: Mapping[str, Any]
    actor: str


async def report_building(uow: UnitOfWork, desk: Desk, command: ReportBuilding) -> Row:
    """Put a monthly report on record; return it. Raises InvalidInput, MonthReported."""
    chief = await find_registered(uow.connection, INFORMANTS, command.informant_code)
    if chief is None or chief["role"] != Role.BUILDING_CHIEF:
        problem = FieldProblem("/informant_id", "there is no such building chief")
        raise InvalidInput("The report is not valid.", [problem])
    if command.month > uow.now.astimezone(desk.zone).date():
        raise InvalidInput("The report is not valid.", [FieldProblem("/month", "has not begun")])
    row = {
        "id": uuid7(),
        "informant_code": command.informant_code,
        "month": command.month,
        **command.values,
        "note": texts.mask_person(command.values["note"]),
        "reported_by": command.actor,
        "reported_at": uow.now,
    }
    if not await insert_building_report(uow.connection, row):
        raise MonthReported("A month is reported once.")
    return row


async def page_reports(uow: UnitOfWork, month: date, *, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Return a page of a month's reports, oldest first. Raises InvalidInput for a cursor that is none."""
    after = decode_cursor(cursor, (UUID,))[0] if cursor is not None else None
    rows = await list_building_reports(uow.connection, month, after=after, limit=limit + 1)
    return rows[:limit], encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None


@dataclass(frozen=True, slots=True)
class MissingReports:
    """Who owes a month's report; nobody is late before `due_at`."""

    month: date
    due_at: datetime
    is_due: bool
    chiefs: list[Row]
    next_cursor: str | None


async def list_missing_reports(
    uow: UnitOfWork, desk: Desk, month: date | None, *, due_day: int, cursor: str | None, limit: int
) -> MissingReports:
    """Return the chiefs without a report for a month; without one, for the last month that is due.

    Raises InvalidInput for a cursor that is none.
    """
    wanted = month or _last_due(desk, uow.now, due_day)
    due_at = report_due_at(wanted, due_day).replace(tzinfo=desk.zone)
    ends_at = datetime.combine(next_month(wanted), time(0), tzinfo=desk.zone)
    after = decode_cursor(cursor, (str,))[0] if cursor is not None else None
    rows = await chiefs_without_report(uow.connection, wanted, ends_at, after=after, limit=limit + 1)
    following = encode_cursor(rows[limit - 1]["code"]) if len(rows) > limit else None
    return MissingReports(wanted, due_at, uow.now >= due_at, rows[:limit], following)


def _last_due(desk: Desk, now: datetime, due_day: int) -> date:
    month = now.astimezone(desk.zone).date().replace(day=1)
    while report_due_at(month, due_day).replace(tzinfo=desk.zone) > now:
        month = (month - timedelta(days=1)).replace(day=1)
    return month
