"""Reading appeals, and changing the few things of one that intake may change after it is registered."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import (
    appeal_events,
    appeals,
    categories,
    pii_access_log,
    pii_vault,
    progress,
    timeline_entries,
)
from services.intake.db.tables_entry import demand_classes
from services.intake.db.tables_groups import memberships
from services.intake.db.vault import Sealed
from services.intake.domain.machine import Move
from shared.ids import uuid7
from shared.vocabulary import AppealStatus

Row = dict[str, Any]

MOST_ENTRIES: Final = 1_000
# HZ-01: of the category itself, else of the one above it.
_DEMAND_CLASS: Final = (
    sa.select(demand_classes.c.demand_class)
    .where(demand_classes.c.category_code.in_((appeals.c.category_code, categories.c.parent_code)))
    .order_by((demand_classes.c.category_code == appeals.c.category_code).desc())
    .limit(1)
    .correlate(appeals, categories)
    .scalar_subquery()
)
SHOWN: Final = (
    appeals,
    categories.c.name.label("category_name"),
    categories.c.name_zh.label("category_name_zh"),
    progress.c.status.label("seen_status"),
    progress.c.round,
    progress.c.as_of,
    progress.c.department_code,
    progress.c.department_name,
    progress.c.promised_by,
    progress.c.held,
    progress.c.released_at,
    (appeals.c.version + progress.c.version - 1).label("shown_version"),
    _DEMAND_CLASS.label("demand_class"),
)
JOINED: Final = appeals.join(progress, progress.c.appeal_id == appeals.c.id).outerjoin(
    categories, categories.c.code == appeals.c.category_code
)


async def find_appeal(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return one appeal with what the citizen sees of it, or None."""
    statement = sa.select(*SHOWN).select_from(JOINED).where(appeals.c.id == appeal_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def lock_appeal(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return what `find_appeal` returns, for a change; others wait until the transaction ends."""
    statement = (
        sa.select(*SHOWN).select_from(JOINED).where(appeals.c.id == appeal_id).with_for_update(of=[appeals, progress])
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def lock_appeals(connection: AsyncConnection, appeal_ids: Sequence[UUID]) -> None:
    """Lock several appeals in the order of their ids, so that two who want the same ones never wait for each other."""
    statement = (
        sa.select(appeals.c.id)
        .join(progress, progress.c.appeal_id == appeals.c.id)
        .where(appeals.c.id.in_(appeal_ids))
        .order_by(appeals.c.id)
        .with_for_update(of=[appeals, progress])
    )
    await connection.execute(statement)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of intake's own history."""

    appeal_id: UUID
    move: Move
    rules: tuple[str, ...]
    from_status: AppealStatus
    to_status: AppealStatus
    actor: str
    at: datetime
    details: Mapping[str, Any]


async def append_history(connection: AsyncConnection, entry: HistoryEntry) -> None:
    """Add to an appeal's history; the appeal's row must be locked, so that the numbers have no gaps."""
    last = (
        sa.select(sa.func.coalesce(sa.func.max(appeal_events.c.sequence), 0) + 1)
        .where(appeal_events.c.appeal_id == entry.appeal_id)
        .scalar_subquery()
    )
    await connection.execute(
        sa.insert(appeal_events).values(
            appeal_id=entry.appeal_id,
            sequence=last,
            move=entry.move,
            rules=list(entry.rules),
            from_status=entry.from_status,
            to_status=entry.to_status,
            actor=entry.actor,
            at=entry.at,
            details=dict(entry.details),
        )
    )


async def read_vault(connection: AsyncConnection, appeal_id: UUID) -> Sealed | None:
    """Return an appeal's sealed personal data, or None when there is none."""
    columns = (pii_vault.c.key_id, pii_vault.c.wrapped_key, pii_vault.c.sealed)
    row = (await connection.execute(sa.select(*columns).where(pii_vault.c.appeal_id == appeal_id))).one_or_none()
    return Sealed(row.key_id, bytes(row.wrapped_key), bytes(row.sealed)) if row is not None else None


async def write_vault(connection: AsyncConnection, appeal_id: UUID, record: Sealed) -> None:
    """Store an appeal's sealed personal data in place of what was there; the hash it is found by stays."""
    values = {"key_id": record.key_id, "wrapped_key": record.wrapped_key, "sealed": record.sealed}
    statement = postgresql.insert(pii_vault).values(appeal_id=appeal_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["appeal_id"], set_=values))


@dataclass(frozen=True, slots=True)
class AccessLogEntry:
    """Somebody asked for personal data: leaving this trace is the point (section 9)."""

    appeal_id: UUID
    actor: str
    principal_id: str
    reason: str
    granted: bool
    at: datetime
    kind: str = "reveal"


async def log_access(connection: AsyncConnection, *entries: AccessLogEntry) -> None:
    """Add to the access log."""
    if entries:
        rows = [{"id": uuid7(), **asdict(entry)} for entry in entries]
        await connection.execute(sa.insert(pii_access_log), rows)


async def read_history(connection: AsyncConnection, appeal_id: UUID) -> list[Row]:
    """Return intake's own history of an appeal, oldest first."""
    statement = (
        sa.select(appeal_events)
        .where(appeal_events.c.appeal_id == appeal_id)
        .order_by(appeal_events.c.sequence)
        .limit(MOST_ENTRIES)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def read_entries(connection: AsyncConnection, appeal_id: UUID) -> list[Row]:
    """Return what the other services told about an appeal, oldest first."""
    statement = (
        sa.select(timeline_entries)
        .where(timeline_entries.c.appeal_id == appeal_id)
        .order_by(timeline_entries.c.at, timeline_entries.c.event_id)
        .limit(MOST_ENTRIES)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


_TRACKED: Final = sa.select(
    appeals.c.id,
    appeals.c.receipt_number,
    appeals.c.access_hash,
    progress.c.status,
    progress.c.round,
    progress.c.as_of,
    progress.c.promised_by,
    progress.c.department_code,
    progress.c.department_name,
).join(progress, progress.c.appeal_id == appeals.c.id)


async def find_tracked(connection: AsyncConnection, receipt_number: str) -> Any:
    """Return the row that tracking needs, its access hash included, or None."""
    statement = _TRACKED.where(appeals.c.receipt_number == receipt_number)
    return (await connection.execute(statement)).one_or_none()


async def find_tracked_master(connection: AsyncConnection, appeal_id: UUID) -> Any:
    """Return the tracking row of the appeal that this one is attached to, or None."""
    statement = _TRACKED.join(memberships, memberships.c.master_id == appeals.c.id).where(
        memberships.c.appeal_id == appeal_id, memberships.c.detached_at.is_(None)
    )
    return (await connection.execute(statement)).one_or_none()
