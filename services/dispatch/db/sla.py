"""Reading and writing versions of SLA policies and calendars; a version that exists is never changed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.dispatch.db.tables_registry import calendars, sla_policies
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.calendar_document import calendar_from_document, calendar_to_document
from services.dispatch.domain.sla import SlaPolicy
from services.dispatch.domain.sla_document import policy_from_document, policy_to_document
from shared.db.unit_of_work import UnitOfWork

# --- policies -------------------------------------------------------------------------------------------------------


async def all_policies(connection: AsyncConnection) -> list[SlaPolicy]:
    """Every version of every policy, oldest first."""
    rows = await connection.execute(sa.select(sla_policies).order_by(sla_policies.c.code, sla_policies.c.version))
    return [_policy(row) for row in rows]


async def policy_codes(connection: AsyncConnection) -> frozenset[str]:
    """The codes of all policies."""
    return frozenset((await connection.execute(sa.select(sla_policies.c.code).distinct())).scalars())


async def find_policy(connection: AsyncConnection, code: str, version: int | None = None) -> SlaPolicy | None:
    """One version, the newest if none is named."""
    query = sa.select(sla_policies).where(sla_policies.c.code == code)
    if version is not None:
        query = query.where(sla_policies.c.version == version)
    row = (await connection.execute(query.order_by(sla_policies.c.version.desc()).limit(1))).one_or_none()
    return None if row is None else _policy(row)


async def page_policies(connection: AsyncConnection, *, after: str | None, limit: int) -> Sequence[SlaPolicy]:
    """The newest version of each policy, by code."""
    query = (
        sa.select(sla_policies)
        .ext(distinct_on(sla_policies.c.code))
        .order_by(sla_policies.c.code, sla_policies.c.version.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(sla_policies.c.code > after)
    return [_policy(row) for row in await connection.execute(query)]


async def insert_policy(uow: UnitOfWork, policy: SlaPolicy, actor: str) -> None:
    await uow.connection.execute(
        sa.insert(sla_policies).values(
            code=policy.code,
            version=policy.version,
            document=policy_to_document(policy),
            created_at=uow.now,
            created_by=actor,
        )
    )


def _policy(row: Any) -> SlaPolicy:
    return policy_from_document(row.document, row.version)


# --- calendars ------------------------------------------------------------------------------------------------------


async def all_calendars(connection: AsyncConnection) -> list[WorkCalendar]:
    """Every version of every calendar, oldest first."""
    rows = await connection.execute(sa.select(calendars).order_by(calendars.c.code, calendars.c.version))
    return [_calendar(row) for row in rows]


async def default_calendar_code(connection: AsyncConnection) -> str | None:
    code: str | None = await connection.scalar(sa.select(calendars.c.code).where(calendars.c.is_default))
    return code


async def find_calendar(connection: AsyncConnection, code: str, version: int | None = None) -> WorkCalendar | None:
    """One version, the newest if none is named."""
    query = sa.select(calendars).where(calendars.c.code == code)
    if version is not None:
        query = query.where(calendars.c.version == version)
    row = (await connection.execute(query.order_by(calendars.c.version.desc()).limit(1))).one_or_none()
    return None if row is None else _calendar(row)


async def page_calendars(connection: AsyncConnection, *, after: str | None, limit: int) -> Sequence[WorkCalendar]:
    """The newest version of each calendar, by code."""
    query = (
        sa.select(calendars)
        .ext(distinct_on(calendars.c.code))
        .order_by(calendars.c.code, calendars.c.version.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(calendars.c.code > after)
    return [_calendar(row) for row in await connection.execute(query)]


async def insert_calendar(uow: UnitOfWork, calendar: WorkCalendar, actor: str) -> None:
    await uow.connection.execute(
        sa.insert(calendars).values(
            code=calendar.code,
            version=calendar.version,
            document=calendar_to_document(calendar),
            is_default=False,
            created_at=uow.now,
            created_by=actor,
        )
    )


async def set_default_calendar(uow: UnitOfWork, code: str) -> None:
    """Make one calendar, by code, the city's; its newest version carries the mark."""
    await uow.connection.execute(sa.update(calendars).where(calendars.c.is_default).values(is_default=False))
    newest = sa.select(sa.func.max(calendars.c.version)).where(calendars.c.code == code).scalar_subquery()
    await uow.connection.execute(
        sa.update(calendars).where(calendars.c.code == code, calendars.c.version == newest).values(is_default=True)
    )


def _calendar(row: Any) -> WorkCalendar:
    return calendar_from_document(row.document, row.version)
