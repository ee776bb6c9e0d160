"""Reading and writing who is attached to whom, sealed lists of signatories, and group alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, progress
from services.intake.db.tables_groups import group_alarms, memberships, signatory_lists
from services.intake.db.vault import Sealed
from services.intake.domain.groups import Contribution, Risk
from shared.ids import uuid7

Row = dict[str, Any]

MOST_MEMBERS: Final = 2_000
_PRESENT: Final = memberships.c.detached_at.is_(None)


async def master_of(connection: AsyncConnection, appeal_id: UUID) -> UUID | None:
    """Return which appeal this one is attached to now."""
    statement = sa.select(memberships.c.master_id).where(memberships.c.appeal_id == appeal_id, _PRESENT)
    found: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return found


async def count_members(connection: AsyncConnection, master_id: UUID) -> int:
    """How many appeals are attached to this one now."""
    statement = sa.select(sa.func.count()).where(memberships.c.master_id == master_id, _PRESENT)
    return int((await connection.execute(statement)).scalar_one())


async def members_of(connection: AsyncConnection, master_id: UUID) -> list[Row]:
    """Return the appeals attached to this one now, in the order in which they were attached."""
    statement = (
        sa.select(
            memberships.c.appeal_id,
            memberships.c.attached_at,
            memberships.c.reason,
            appeals.c.receipt_number,
            appeals.c.channel,
            appeals.c.created_at,
            appeals.c.received_at,
            appeals.c.households,
            appeals.c.signatories,
            progress.c.status,
        )
        .join(appeals, appeals.c.id == memberships.c.appeal_id)
        .join(progress, progress.c.appeal_id == memberships.c.appeal_id)
        .where(memberships.c.master_id == master_id, _PRESENT)
        .order_by(memberships.c.attached_at, memberships.c.appeal_id)
        .limit(MOST_MEMBERS)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


@dataclass(frozen=True, slots=True)
class Membership:
    """One appeal joins another."""

    appeal_id: UUID
    master_id: UUID
    at: datetime
    actor: str
    reason: str


async def add_member(connection: AsyncConnection, membership: Membership) -> None:
    """Record that an appeal is attached."""
    await connection.execute(
        sa.insert(memberships).values(
            id=uuid7(),
            appeal_id=membership.appeal_id,
            master_id=membership.master_id,
            attached_at=membership.at,
            attached_by=membership.actor,
            reason=membership.reason,
        )
    )


async def end_membership(
    connection: AsyncConnection, appeal_id: UUID, *, at: datetime, actor: str, reason: str
) -> UUID | None:
    """Record that an appeal goes its own way again; return from which it was parted, or None when it was free."""
    statement = (
        sa.update(memberships)
        .where(memberships.c.appeal_id == appeal_id, _PRESENT)
        .values(detached_at=at, detached_by=actor, detach_reason=reason)
        .returning(memberships.c.master_id)
    )
    found: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return found


@dataclass(frozen=True, slots=True)
class SealedList:
    """One version of a list of signatories as it is stored."""

    appeal_id: UUID
    version: int
    households: int
    persons: int
    representatives: int
    seal: bytes
    sealed: Sealed
    actor: str
    reason: str
    at: datetime


async def add_lists(connection: AsyncConnection, lists: Sequence[SealedList]) -> None:
    """Store versions of lists. Raises IntegrityError when the version exists."""
    if not lists:
        return
    await connection.execute(
        sa.insert(signatory_lists),
        [
            {
                "appeal_id": item.appeal_id,
                "version": item.version,
                "households": item.households,
                "persons": item.persons,
                "representatives": item.representatives,
                "seal": item.seal,
                "key_id": item.sealed.key_id,
                "wrapped_key": item.sealed.wrapped_key,
                "sealed": item.sealed.sealed,
                "actor": item.actor,
                "reason": item.reason,
                "at": item.at,
            }
            for item in lists
        ],
    )


async def read_lists(connection: AsyncConnection, appeal_id: UUID) -> list[Row]:
    """Return every version of an appeal's list of signatories, the first one first."""
    statement = (
        sa.select(signatory_lists)
        .where(signatory_lists.c.appeal_id == appeal_id)
        .order_by(signatory_lists.c.version)
        .limit(1_000)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def save_counts(connection: AsyncConnection, appeal_id: UUID, *, households: int, persons: int) -> None:
    """Store how many households and persons stand behind an appeal; its row is locked by the caller."""
    await connection.execute(
        sa.update(appeals)
        .where(appeals.c.id == appeal_id)
        .values(households=households, signatories=persons, version=appeals.c.version + 1)
    )


async def contributions_of(connection: AsyncConnection, master_id: UUID, since: datetime) -> list[Contribution]:
    """Return what has gathered on a cause since a moment: the master itself and what is attached to it."""
    belongs = sa.select(memberships.c.appeal_id).where(memberships.c.master_id == master_id, _PRESENT)
    statement = (
        sa.select(appeals.c.created_at, appeals.c.signatories, appeals.c.households)
        .where(sa.or_(appeals.c.id == master_id, appeals.c.id.in_(belongs)), appeals.c.created_at > since)
        .limit(MOST_MEMBERS)
    )
    rows = await connection.execute(statement)
    return [Contribution(row.created_at, row.signatories, row.households) for row in rows]


async def raise_alarm(connection: AsyncConnection, appeal_id: UUID, risk: Risk, at: datetime) -> bool:
    """Record an alarm; return False when this cause has this alarm already."""
    statement = (
        postgresql.insert(group_alarms)
        .values(
            id=uuid7(),
            appeal_id=appeal_id,
            reason=risk.reason,
            appeals=risk.appeals,
            persons=risk.persons,
            households=risk.households,
            raised_at=at,
        )
        .on_conflict_do_nothing(index_elements=["appeal_id", "reason"])
        .returning(group_alarms.c.id)
    )
    return (await connection.execute(statement)).scalar_one_or_none() is not None


async def list_alarms(
    connection: AsyncConnection, *, acknowledged: bool | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return alarms, the newest first."""
    conditions: list[sa.ColumnElement[bool]] = []
    if acknowledged is not None:
        is_acknowledged = group_alarms.c.acknowledged_at.is_not(None)
        conditions.append(is_acknowledged if acknowledged else ~is_acknowledged)
    if after is not None:
        conditions.append(sa.tuple_(group_alarms.c.raised_at, group_alarms.c.id) < sa.tuple_(*after))
    statement = (
        sa.select(group_alarms, appeals.c.receipt_number, appeals.c.category_code, appeals.c.grid_code)
        .join(appeals, appeals.c.id == group_alarms.c.appeal_id)
        .where(*conditions)
        .order_by(group_alarms.c.raised_at.desc(), group_alarms.c.id.desc())
        .limit(limit)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def acknowledge_alarm(
    connection: AsyncConnection, alarm_id: UUID, *, at: datetime, actor: str, note: str
) -> Row | None:
    """Record that somebody has taken an alarm up, the first one only; return the alarm, or None if there is none."""
    await connection.execute(
        sa.update(group_alarms)
        .where(group_alarms.c.id == alarm_id, group_alarms.c.acknowledged_at.is_(None))
        .values(acknowledged_at=at, acknowledged_by=actor, note=note)
    )
    statement = (
        sa.select(group_alarms, appeals.c.receipt_number, appeals.c.category_code, appeals.c.grid_code)
        .join(appeals, appeals.c.id == group_alarms.c.appeal_id)
        .where(group_alarms.c.id == alarm_id)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None
