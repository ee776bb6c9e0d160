"""Reading appeals, and changing the few things of one that intake may change after it is registered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
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
from services.intake.db.tables_groups import memberships
from services.intake.db.vault import Sealed
from services.intake.domain.appeals import Classification
from services.intake.domain.machine import Move
from shared.ids import uuid7
from shared.vocabulary import AppealStatus

Row = dict[str, Any]

MOST_ENTRIES: Final = 1_000
_SHOWN: Final = (
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
)
_JOINED: Final = appeals.join(progress, progress.c.appeal_id == appeals.c.id).outerjoin(
    categories, categories.c.code == appeals.c.category_code
)


@dataclass(frozen=True, slots=True)
class AppealFilter:
    """What a search asks for; every given condition must hold."""

    receipt_number: str | None = None
    external: tuple[str, str] | None = None
    category_code: str | None = None
    status: AppealStatus | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    phone_hashes: Sequence[bytes] = ()
    department_code: str | None = None


async def find_appeal(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return one appeal with what the citizen sees of it, or None."""
    statement = sa.select(*_SHOWN).select_from(_JOINED).where(appeals.c.id == appeal_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def list_appeals(
    connection: AsyncConnection, wanted: AppealFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return up to `limit` appeals, newest first, that come after the position `after`."""
    in_progress = wanted.status is not None or wanted.department_code is not None
    created = progress.c.registered_at if in_progress else appeals.c.created_at
    id_ = progress.c.appeal_id if in_progress else appeals.c.id
    conditions = [*_conditions(wanted)]
    if wanted.created_from is not None:
        conditions.append(created >= wanted.created_from)
    if wanted.created_to is not None:
        conditions.append(created < wanted.created_to)
    if after is not None:
        conditions.append(sa.tuple_(created, id_) < sa.tuple_(*after))
    statement = (
        sa.select(*_SHOWN).select_from(_JOINED).where(*conditions).order_by(created.desc(), id_.desc()).limit(limit)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


def _conditions(wanted: AppealFilter) -> Iterator[sa.ColumnElement[bool]]:
    equal = (
        (progress.c.status, wanted.status),
        (appeals.c.receipt_number, wanted.receipt_number),
        (appeals.c.category_code, wanted.category_code),
        (progress.c.department_code, wanted.department_code),
    )
    for column, value in equal:
        if value is not None:
            yield column == value
    if wanted.external is not None:
        yield appeals.c.external_system == wanted.external[0]
        yield appeals.c.external_id == wanted.external[1]
    if wanted.phone_hashes:
        found = sa.select(pii_vault.c.appeal_id).where(pii_vault.c.phone_hash.in_(wanted.phone_hashes))
        yield appeals.c.id.in_(found)


async def lock_appeal(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return what `find_appeal` returns, for a change; others wait until the transaction ends."""
    statement = (
        sa.select(*_SHOWN).select_from(_JOINED).where(appeals.c.id == appeal_id).with_for_update(of=[appeals, progress])
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
class Reclassified:
    """An appeal after its category was set (T43), and perhaps accepted by that (T10)."""

    appeal_id: UUID
    classification: Classification
    status: AppealStatus
    confidential: bool
    title: str
    at: datetime
    accepted_at: datetime | None


async def save_reclassified(connection: AsyncConnection, changed: Reclassified) -> None:
    """Store the new classification and state, and what the citizen sees of it."""
    classification = changed.classification
    await connection.execute(
        sa.update(appeals)
        .where(appeals.c.id == changed.appeal_id)
        .values(
            category_code=classification.category.code if classification.category else None,
            urgency=classification.urgency,
            mode=classification.mode,
            status=changed.status,
            confidential=changed.confidential,
            title=changed.title,
            reporter_hint=sa.case((sa.literal(changed.confidential), sa.null()), else_=appeals.c.reporter_hint),
            accepted_at=changed.accepted_at,
            version=appeals.c.version + 1,
        )
    )
    await connection.execute(
        sa.update(progress)
        .where(progress.c.appeal_id == changed.appeal_id)
        .values(status=changed.status, as_of=sa.func.greatest(progress.c.as_of, changed.at))
    )


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


@dataclass(frozen=True, slots=True)
class AccessLogEntry:
    """Somebody asked for personal data: leaving this trace is the point (section 9)."""

    appeal_id: UUID
    actor: str
    principal_id: str
    reason: str
    granted: bool
    at: datetime


async def log_access(connection: AsyncConnection, entry: AccessLogEntry) -> None:
    """Add to the access log."""
    await connection.execute(
        sa.insert(pii_access_log).values(
            id=uuid7(),
            appeal_id=entry.appeal_id,
            actor=entry.actor,
            principal_id=entry.principal_id,
            reason=entry.reason,
            granted=entry.granted,
            at=entry.at,
        )
    )


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
