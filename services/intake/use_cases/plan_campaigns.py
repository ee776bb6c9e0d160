"""Recurring campaigns: their plans, the dates these give, and the dates that nobody held (LZ-03 to LZ-06, AR-06)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from services.intake.db.entry import CAMPAIGNS, ENTRY_POINTS, Row, find_registered
from services.intake.db.sessions import campaigns_in_use, dates_with_session
from services.intake.domain.campaigns import Campaign, CampaignKind, Occurrence
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_registry import VersionCheck, get_registered, put_registered
from services.intake.use_cases.recurrence import check_plan, occurrences, unheld
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput

LOOK_BACK: Final = timedelta(days=90)
_MOST_CAMPAIGNS: Final = 500
_PLAN: Final = ("rule", "starts_at")


def campaign_of(row: Mapping[str, Any]) -> Campaign:
    """Return the campaign of a row."""
    return Campaign(
        code=row["code"],
        kind=CampaignKind(row["kind"]),
        rule=row["rule"],
        starts_at=row["starts_at"],
        duration=timedelta(minutes=row["duration_minutes"]),
        rule_since=row["rule_since"],
        retired_at=row["retired_at"],
    )


async def put_campaign(
    uow: UnitOfWork, values: Mapping[str, Any], *, actor: str, check_version: VersionCheck
) -> tuple[Row, bool]:
    """Create, change or retire a campaign; return it and whether it is new.

    Raises InvalidInput for a rule that cannot be planned or never comes up, StaleVersion.
    """
    check_plan(values["rule"], values["starts_at"])
    place = values["entry_point_code"]
    if place is not None and await find_registered(uow.connection, ENTRY_POINTS, place) is None:
        problem = FieldProblem("/entry_point_code", "there is no such entry point")
        raise InvalidInput("The campaign is not valid.", [problem])
    stored = await find_registered(uow.connection, CAMPAIGNS, values["code"], lock=True)
    is_same_plan = stored is not None and all(stored[name] == values[name] for name in _PLAN)
    since = stored["rule_since"] if stored is not None and is_same_plan else uow.now
    return await put_registered(
        uow, CAMPAIGNS, {**values, "rule_since": since}, actor=actor, check_version=check_version
    )


async def list_occurrences(
    uow: UnitOfWork, desk: Desk, code: str, *, start: datetime, end: datetime
) -> list[Occurrence]:
    """Return a campaign's dates that begin in [start, end). Raises NotFound, InvalidInput for too long a time."""
    campaign = campaign_of(await get_registered(uow, CAMPAIGNS, code))
    if campaign.retired_at is not None:
        end = min(end, campaign.retired_at)
    return occurrences(campaign, desk.zone, start=start, end=end) if start < end else []


@dataclass(frozen=True, slots=True)
class Overdue:
    """A date that is past and has no session."""

    campaign: Row
    date: Occurrence


async def list_overdue(uow: UnitOfWork, desk: Desk, *, grace: timedelta, limit: int) -> list[Overdue]:
    """Return the dates of the last 90 days that ended more than `grace` ago and have no session, oldest first.

    One that was cancelled with a reason has a session on record, and so is not among them.
    """
    since = uow.now - LOOK_BACK
    rows = await campaigns_in_use(uow.connection, since, most=_MOST_CAMPAIGNS)
    held = await dates_with_session(uow.connection, [row["code"] for row in rows], since)
    found = [
        Overdue(row, date)
        for row in rows
        for date in _missed(campaign_of(row), desk.zone, held.get(row["code"], frozenset()), since, uow.now - grace)
    ]
    return sorted(found, key=lambda overdue: (overdue.date.starts_at, overdue.campaign["code"]))[:limit]


def _missed(
    campaign: Campaign, zone: tzinfo, held: frozenset[datetime], since: datetime, until: datetime
) -> list[Occurrence]:
    return [date for date in unheld(campaign, zone, held=held, since=since, until=until) if date.ends_at <= until]
