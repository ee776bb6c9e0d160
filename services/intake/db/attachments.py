"""The rows of attachments, and of objects in the storage that nobody may need any more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals
from services.intake.db.tables_attachments import attachment_leftovers, attachments
from services.intake.db.vault import Sealed
from services.intake.domain.attachments import MOST_EVER_PER_APPEAL, MediaKind, Purpose, Source, WithdrawReason

Row = dict[str, Any]

_SHOWN: Final = [column for column in attachments.c if column.name not in {"key_id", "wrapped_key", "sealed"}]


@dataclass(frozen=True, slots=True)
class Held:
    """How many attachments an appeal has: those that count, and all that there ever were."""

    now: int
    ever: int


async def count_attachments(connection: AsyncConnection, appeal_id: UUID) -> Held:
    """Count an appeal's attachments; for a decision, with the appeal's row locked."""
    counts = sa.select(
        sa.func.count().filter(attachments.c.withdrawn_at.is_(None)).label("held"), sa.func.count().label("ever")
    ).where(attachments.c.appeal_id == appeal_id)
    row = (await connection.execute(counts)).one()
    return Held(row.held, row.ever)


async def insert_attachments(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows of attachments."""
    await connection.execute(sa.insert(attachments), [dict(row) for row in rows])


async def list_attachments(
    connection: AsyncConnection, appeal_id: UUID, *, sources: Collection[Source] | None = None
) -> list[Row]:
    """Return what is shown of an appeal's attachments, in the order they came; with `sources`, only of these."""
    statement = (
        sa.select(*_SHOWN, appeals.c.receipt_number)
        .join(appeals, appeals.c.id == attachments.c.appeal_id)
        .where(attachments.c.appeal_id == appeal_id)
        .order_by(attachments.c.sequence)
        .limit(MOST_EVER_PER_APPEAL)
    )
    if sources is not None:
        statement = statement.where(attachments.c.source.in_(sources), attachments.c.withdrawn_at.is_(None))
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def find_attachment(
    connection: AsyncConnection, appeal_id: UUID, attachment_id: UUID, *, lock: bool = False
) -> Row | None:
    """Return one attachment of this appeal with its sealed record, or None."""
    statement = (
        sa.select(attachments, appeals.c.receipt_number)
        .join(appeals, appeals.c.id == attachments.c.appeal_id)
        .where(attachments.c.id == attachment_id, attachments.c.appeal_id == appeal_id)
    )
    if lock:
        statement = statement.with_for_update(of=attachments)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


def sealed_of(row: Mapping[str, Any]) -> Sealed | None:
    """The sealed record of a row, or None when it was shredded."""
    if row["sealed"] is None:
        return None
    return Sealed(row["key_id"], bytes(row["wrapped_key"]), bytes(row["sealed"]))


async def mark_withdrawn(
    connection: AsyncConnection, attachment_id: UUID, *, reason: WithdrawReason, actor: str, at: datetime
) -> None:
    """Write down that an attachment does not count any more."""
    await connection.execute(
        sa.update(attachments)
        .where(attachments.c.id == attachment_id)
        .values(withdrawn_reason=reason, withdrawn_by=actor, withdrawn_at=at)
    )


async def shred_rows(
    connection: AsyncConnection, appeal_id: UUID, *, kinds: Collection[MediaKind], at: datetime
) -> list[str]:
    """Destroy the keys and the words of an appeal's attachments; returns the storage keys of their objects."""
    statement = (
        sa.update(attachments)
        .where(
            attachments.c.appeal_id == appeal_id,
            attachments.c.kind.in_([kind.value for kind in kinds]),
            attachments.c.shredded_at.is_(None),
        )
        .values(key_id=None, wrapped_key=None, sealed=None, note="", distance_metres=None, shredded_at=at)
        .returning(attachments.c.storage_key, attachments.c.clean_key)
    )
    return [key for row in await connection.execute(statement) for key in row if key is not None]


async def first_photos(connection: AsyncConnection, appeal_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the first photograph that may be public of each appeal that may show one: appeal to attachment."""
    statement = (
        sa.select(attachments.c.appeal_id, attachments.c.id)
        .ext(distinct_on(attachments.c.appeal_id))
        .join(appeals, appeals.c.id == attachments.c.appeal_id)
        .where(attachments.c.appeal_id.in_(appeal_ids), *_MAY_BE_PUBLIC)
        .order_by(attachments.c.appeal_id, attachments.c.sequence)
    )
    return {row.appeal_id: row.id for row in await connection.execute(statement)}


async def find_public_photo(connection: AsyncConnection, attachment_id: UUID) -> Row | None:
    """Return a photograph that may be public, with its sealed record, or None."""
    statement = (
        sa.select(attachments, appeals.c.receipt_number)
        .join(appeals, appeals.c.id == attachments.c.appeal_id)
        .where(attachments.c.id == attachment_id, *_MAY_BE_PUBLIC)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


# What shows the matter, drawn anew, of an appeal that nobody asked to keep to themselves (section 9).
_MAY_BE_PUBLIC: Final = (
    attachments.c.kind == MediaKind.PHOTO,
    attachments.c.purpose == Purpose.MATTER,
    attachments.c.source.in_([Source.CITIZEN, Source.OFFICE]),
    attachments.c.clean_key.is_not(None),
    attachments.c.withdrawn_at.is_(None),
    attachments.c.shredded_at.is_(None),
    appeals.c.type != "report",
    appeals.c.confidential.is_(False),
)


async def note_leftovers(connection: AsyncConnection, keys: Collection[str], *, remove_after: datetime) -> None:
    """Write down objects that are to go after a moment, unless they are taken off the list before."""
    rows = [{"storage_key": key, "remove_after": remove_after} for key in keys]
    if rows:
        await connection.execute(postgresql.insert(attachment_leftovers).on_conflict_do_nothing(), rows)


async def forget_leftovers(connection: AsyncConnection, keys: Collection[str]) -> int:
    """Take objects off the list; returns how many were on it."""
    if not keys:
        return 0
    statement = sa.delete(attachment_leftovers).where(attachment_leftovers.c.storage_key.in_(keys))
    return (await connection.execute(statement)).rowcount


async def due_leftovers(connection: AsyncConnection, now: datetime, *, limit: int) -> list[str]:
    """Return up to `limit` objects whose moment has come, and put their moment off while somebody removes them."""
    due = (
        sa.select(attachment_leftovers.c.storage_key)
        .where(attachment_leftovers.c.remove_after <= now)
        .order_by(attachment_leftovers.c.remove_after)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        sa.update(attachment_leftovers)
        .where(attachment_leftovers.c.storage_key.in_(due.scalar_subquery()))
        .values(remove_after=now + _REMOVAL_TAKES)
        .returning(attachment_leftovers.c.storage_key)
    )
    return [row.storage_key for row in await connection.execute(statement)]


async def listed_leftovers(connection: AsyncConnection, keys: Collection[str]) -> list[str]:
    """Which of these objects are on the list."""
    statement = sa.select(attachment_leftovers.c.storage_key).where(attachment_leftovers.c.storage_key.in_(keys))
    return [row.storage_key for row in await connection.execute(statement)]


_REMOVAL_TAKES: Final = timedelta(minutes=10)
