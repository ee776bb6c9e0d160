"""Sessions of campaigns, monthly building reports, and the motions that appeals led to: what was held and reported."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables_entry import (
    appeal_motions,
    building_reports,
    campaign_sessions,
    campaigns,
    informants,
)
from services.intake.domain.entry import Role, next_month

Row = dict[str, Any]

_MOST: Final = 5_000


async def insert_session(connection: AsyncConnection, row: Row) -> bool:
    """Write a session; return False when its date has one already."""
    statement = postgresql.insert(campaign_sessions).values(row).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def find_session(connection: AsyncConnection, id_: UUID, *, lock: bool = False) -> Row | None:
    """Return one session, or None."""
    statement = sa.select(campaign_sessions).where(campaign_sessions.c.id == id_)
    if lock:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def update_session(connection: AsyncConnection, id_: UUID, values: Row) -> None:
    """Store what a session is after a change; its row must be locked."""
    await connection.execute(sa.update(campaign_sessions).where(campaign_sessions.c.id == id_).values(values))


async def list_sessions(
    connection: AsyncConnection, code: str, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return a campaign's sessions, newest date first."""
    table = campaign_sessions
    statement = (
        sa.select(table)
        .where(table.c.campaign_code == code)
        .order_by(table.c.occurrence_at.desc(), table.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(table.c.occurrence_at, table.c.id) < sa.tuple_(*after))
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def dates_with_session(
    connection: AsyncConnection, codes: Sequence[str], since: datetime
) -> dict[str, frozenset[datetime]]:
    """Return, for each campaign, the dates since then for which a session is on record, cancelled ones included."""
    table = campaign_sessions
    statement = sa.select(table.c.campaign_code, sa.func.array_agg(table.c.occurrence_at).label("dates")).where(
        table.c.campaign_code.in_(codes), table.c.occurrence_at >= since
    )
    rows = await connection.execute(statement.group_by(table.c.campaign_code))
    return {row.campaign_code: frozenset(row.dates) for row in rows}


async def campaigns_in_use(connection: AsyncConnection, since: datetime, *, most: int) -> list[Row]:
    """Return the campaigns that were not retired before this moment, in the order of their codes."""
    table = campaigns
    in_use = sa.or_(table.c.retired_at.is_(None), table.c.retired_at > since)
    statement = sa.select(table).where(in_use).order_by(table.c.code).limit(most)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def insert_building_report(connection: AsyncConnection, row: Row) -> bool:
    """Write a monthly report; return False when the chief has reported for that month."""
    statement = postgresql.insert(building_reports).values(row).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def list_building_reports(
    connection: AsyncConnection, month: date, *, after: UUID | None, limit: int
) -> list[Row]:
    """Return the reports for a month, oldest first."""
    table = building_reports
    statement = sa.select(table).where(table.c.month == month).order_by(table.c.id).limit(limit)
    if after is not None:
        statement = statement.where(table.c.id > after)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def chiefs_without_report(
    connection: AsyncConnection, month: date, ends_at: datetime, *, after: str | None, limit: int
) -> list[Row]:
    """Return the building chiefs who owed a report for a month and gave none, in the order of their codes.

    `ends_at` is when the month ends in the city: whoever took up the post later, or left before, owes none.
    """
    table, reports = informants, building_reports
    reported = sa.select(reports.c.id).where(reports.c.informant_code == table.c.code, reports.c.month == month)
    statement = (
        sa.select(table.c.code, table.c.team, table.c.grid_codes, table.c.households)
        .where(
            table.c.role == Role.BUILDING_CHIEF,
            sa.or_(table.c.retired_at.is_(None), table.c.retired_at >= ends_at),
            sa.or_(table.c.active_from.is_(None), table.c.active_from < next_month(month)),
            ~reported.exists(),
        )
        .order_by(table.c.code)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(table.c.code > after)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def insert_motion(connection: AsyncConnection, row: Row) -> bool:
    """Write that an appeal led to a motion; return False when that is on record."""
    statement = postgresql.insert(appeal_motions).values(row).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def list_motions(connection: AsyncConnection, appeal_id: UUID) -> list[Row]:
    """Return the motions an appeal led to, oldest first."""
    statement = sa.select(appeal_motions).where(appeal_motions.c.appeal_id == appeal_id)
    statement = statement.order_by(appeal_motions.c.submitted_at, appeal_motions.c.id).limit(_MOST)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]
