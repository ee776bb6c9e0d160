"""Sessions: a date of a campaign that was held, or cancelled with a reason; many appeals may come of one (LZ-06)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.intake.db.entry import CAMPAIGNS, Row, list_appeals_by_detail
from services.intake.db.sessions import find_session, insert_session, list_sessions, update_session
from services.intake.domain.campaigns import Campaign
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_registry import get_registered
from services.intake.use_cases.plan_campaigns import campaign_of
from services.intake.use_cases.recurrence import occurrence_at, occurrences
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, InvalidInput, NotFound
from shared.ids import uuid7

_AHEAD: Final = timedelta(days=1)
_NEAR: Final = timedelta(days=45)
_MOST_APPEALS: Final = 200


class SessionOnRecord(Conflict):
    """The date has a session already."""

    code = "session_on_record"
    title = "The session of this date is on record already"


@dataclass(frozen=True, slots=True)
class RecordSession:
    """A session of a campaign as it was held or why it was not."""

    campaign_code: str
    occurrence_at: datetime
    values: Mapping[str, Any]
    actor: str


async def record_session(uow: UnitOfWork, desk: Desk, command: RecordSession) -> Row:
    """Put a session on record; return it. Raises NotFound, InvalidInput, SessionOnRecord.

    It may be opened from the day before on, so that the appeals of the day can name it.
    """
    plan = await get_registered(uow, CAMPAIGNS, command.campaign_code)
    campaign = campaign_of(plan)
    if occurrence_at(campaign, desk.zone, command.occurrence_at) is None:
        raise _not_a_date(campaign, desk, command.occurrence_at)
    latest = uow.now.astimezone(desk.zone).date() + _AHEAD
    if command.values["cancelled_reason"] is None and command.occurrence_at.astimezone(desk.zone).date() > latest:
        raise InvalidInput(
            "The session cannot be recorded yet.",
            [FieldProblem("/occurrence_at", "is later than tomorrow; only a cancellation is told that early")],
        )
    row = {
        "id": uuid7(),
        "campaign_code": command.campaign_code,
        "occurrence_at": command.occurrence_at,
        **_completed(command.values, plan, command.occurrence_at, uow.now),
        "recorded_by": command.actor,
        "recorded_at": uow.now,
        "version": 1,
    }
    if not await insert_session(uow.connection, row):
        raise SessionOnRecord("Change the one that is on record.")
    return row


def _not_a_date(campaign: Campaign, desk: Desk, moment: datetime) -> InvalidInput:
    near = occurrences(campaign, desk.zone, start=moment - _NEAR, end=moment + _NEAR)
    near.sort(key=lambda date: abs(date.starts_at - moment))
    dates = [date.starts_at.astimezone(desk.zone).isoformat() for date in near[:3]]
    problem = FieldProblem("/occurrence_at", "is no date of this campaign; those nearest are told", dates)
    return InvalidInput("The session does not fit the plan.", [problem])


def _completed(values: Mapping[str, Any], plan: Row, date: datetime, now: datetime) -> dict[str, Any]:
    """Return a session's values, what is left out as the plan has it. Raises InvalidInput."""
    is_cancelled = values["cancelled_reason"] is not None
    if is_cancelled and any(values[name] is not None for name in ("held_at", "visitors", "attendance")):
        problem = FieldProblem("/cancelled_reason", "a session that was cancelled has no visitors and no held_at")
        raise InvalidInput("The session is not valid.", [problem])
    held_at = None if is_cancelled else values["held_at"] or date
    if held_at is not None and held_at > max(now, date):
        raise InvalidInput("The session is not valid.", [FieldProblem("/held_at", "lies in the future")])
    return {
        **values,
        "held_at": held_at,
        "leader": values["leader"] or plan["leader"],
        "place": values["place"] or plan["place"],
    }


async def change_session(
    uow: UnitOfWork, id_: UUID, values: Mapping[str, Any], *, check_version: Callable[[int], None]
) -> Row:
    """Complete or correct a session: its visitors, who received them. Raises NotFound, InvalidInput, StaleVersion."""
    stored = await find_session(uow.connection, id_, lock=True)
    if stored is None:
        raise NotFound("There is no such session.")
    check_version(stored["version"])
    plan = await get_registered(uow, CAMPAIGNS, stored["campaign_code"])
    completed = _completed(values, plan, stored["occurrence_at"], uow.now)
    if all(stored[name] == value for name, value in completed.items()):
        return stored
    changed = {**completed, "version": stored["version"] + 1}
    await update_session(uow.connection, id_, changed)
    return {**stored, **changed}


@dataclass(frozen=True, slots=True)
class SessionWithAppeals:
    """A session and the appeals that came from it, newest first."""

    session: Row
    appeals: list[Row]


async def get_session(uow: UnitOfWork, id_: UUID, *, department_code: str | None) -> SessionWithAppeals:
    """Return a session with its appeals; a department sees those it is in charge of. Raises NotFound."""
    session = await find_session(uow.connection, id_)
    if session is None:
        raise NotFound("There is no such session.")
    found = await list_appeals_by_detail(
        uow.connection, "session_id", str(id_), department_code=department_code, limit=_MOST_APPEALS
    )
    return SessionWithAppeals(session, found)


async def page_sessions(uow: UnitOfWork, code: str, *, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Return a page of a campaign's sessions, newest date first. Raises NotFound, InvalidInput."""
    await get_registered(uow, CAMPAIGNS, code)
    after: tuple[datetime, UUID] | None = None
    if cursor is not None:
        date, id_ = decode_cursor(cursor, (datetime, UUID))
        after = (date, id_)
    rows = await list_sessions(uow.connection, code, after=after, limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], encode_cursor(last["occurrence_at"], last["id"]) if last is not None else None
