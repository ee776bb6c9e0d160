"""Reading and writing inbound sources and their deliveries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import pii_vault
from services.intake.db.tables_inbound import inbound_deliveries, inbound_sources
from services.intake.db.vault import Sealed
from shared.ids import uuid7

Row = dict[str, Any]


async def find_source(connection: AsyncConnection, code: str, *, lock: bool = False) -> Row | None:
    """Return one source, or None."""
    statement = sa.select(inbound_sources).where(inbound_sources.c.code == code)
    if lock:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def list_sources(connection: AsyncConnection) -> list[Row]:
    """Return every source by its code."""
    statement = sa.select(inbound_sources).order_by(inbound_sources.c.code).limit(500)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def save_source(connection: AsyncConnection, values: Row) -> None:
    """Insert a source, or replace the one with its id."""
    statement = postgresql.insert(inbound_sources).values(values)
    changed = {name: statement.excluded[name] for name in values if name not in {"id", "code"}}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))


async def claim_delivery(connection: AsyncConnection, source: str, delivery_id: str, now: datetime) -> Row:
    """Return the row of a delivery, locked; made now when it is the first time. Two at once wait for each other."""
    columns = inbound_deliveries.c
    statement = (
        postgresql.insert(inbound_deliveries)
        .values(id=uuid7(), source=source, delivery_id=delivery_id, first_at=now, last_at=now, outcome="ignored")
        .on_conflict_do_nothing(index_elements=["source", "delivery_id"])
        .returning(inbound_deliveries)
    )
    new = (await connection.execute(statement)).mappings().one_or_none()
    if new is not None:
        return {**new, "is_new": True}
    found = (
        sa.select(inbound_deliveries)
        .where(columns.source == source, columns.delivery_id == delivery_id)
        .with_for_update()
    )
    return {**(await connection.execute(found)).mappings().one(), "is_new": False}


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of a delivery; `sealed` keeps what was rejected."""

    outcome: str
    appeal_id: UUID | None = None
    problems: list[dict[str, Any]] | None = None
    sealed: Sealed | None = None


async def save_outcome(connection: AsyncConnection, delivery_id: UUID, outcome: DeliveryOutcome, now: datetime) -> None:
    """Store what became of a delivery; its row is locked."""
    columns = inbound_deliveries.c
    await connection.execute(
        sa.update(inbound_deliveries)
        .where(columns.id == delivery_id)
        .values(
            outcome=outcome.outcome,
            appeal_id=outcome.appeal_id,
            problems=outcome.problems if outcome.problems is not None else sa.null(),
            key_id=outcome.sealed.key_id if outcome.sealed else None,
            wrapped_key=outcome.sealed.wrapped_key if outcome.sealed else None,
            sealed=outcome.sealed.sealed if outcome.sealed else None,
            last_at=now,
            attempts=sa.case((columns.last_at == now, columns.attempts), else_=columns.attempts + 1),
        )
    )


async def list_deliveries(
    connection: AsyncConnection,
    source: str,
    *,
    outcome: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """Return a source's deliveries, the newest first."""
    columns = inbound_deliveries.c
    statement = sa.select(inbound_deliveries).where(columns.source == source)
    if outcome is not None:
        statement = statement.where(columns.outcome == outcome)
    if after is not None:
        statement = statement.where(sa.tuple_(columns.last_at, columns.id) < sa.tuple_(*after))
    statement = statement.order_by(columns.last_at.desc(), columns.id.desc()).limit(limit)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def find_delivery(connection: AsyncConnection, source: str, id_: UUID) -> Row | None:
    """Return one delivery of a source, or None."""
    columns = inbound_deliveries.c
    statement = sa.select(inbound_deliveries).where(columns.id == id_, columns.source == source)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def find_email_hash(connection: AsyncConnection, appeal_id: UUID) -> bytes | None:
    """Return what the reporter's e-mail address is found by, or None."""
    statement = sa.select(pii_vault.c.email_hash).where(pii_vault.c.appeal_id == appeal_id)
    found = (await connection.execute(statement)).scalar_one_or_none()
    return bytes(found) if found is not None else None
