"""Where sealed records lie, for changing the master key: each table is gone through by id, a batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import pii_vault
from services.intake.db.tables_attachments import attachments
from services.intake.db.tables_groups import signatory_lists
from services.intake.db.tables_inbound import inbound_deliveries, inbound_sources
from services.intake.db.tables_privacy import retired_master_keys
from services.intake.db.vault import Sealed


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table of sealed records: the columns its rows are found by, and the one that each record is bound to."""

    table: sa.Table
    identity: tuple[str, ...]
    bound_to: str = "appeal_id"


SEALED_TABLES: Final = (
    SealedTable(pii_vault, ("appeal_id",)),
    SealedTable(signatory_lists, ("appeal_id", "version")),
    SealedTable(attachments, ("id",), bound_to="id"),
    SealedTable(inbound_sources, ("id",), bound_to="id"),
    SealedTable(inbound_deliveries, ("id",), bound_to="id"),
)


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One record with what finds it again."""

    identity: tuple[Any, ...]
    bound_to: UUID
    record: Sealed


async def sealed_otherwise(
    connection: AsyncConnection, where: SealedTable, key_id: str, *, after: tuple[Any, ...] | None, limit: int
) -> list[SealedRow]:
    """Return records that another master key than this one seals, in the order of their ids, locked."""
    columns = where.table.c
    identity = [columns[name] for name in where.identity]
    statement = sa.select(*identity, columns[where.bound_to].label("bound_to"), columns.key_id, columns.wrapped_key)
    statement = statement.where(columns.key_id != key_id)
    if after is not None:
        statement = statement.where(sa.tuple_(*identity) > sa.tuple_(*after))
    statement = statement.order_by(*identity).limit(limit).with_for_update(of=[where.table])
    width = len(identity)
    return [
        SealedRow(tuple(row[:width]), row.bound_to, Sealed(row.key_id, bytes(row.wrapped_key), b""))
        for row in await connection.execute(statement)
    ]


async def save_wrapped(connection: AsyncConnection, where: SealedTable, rows: Sequence[SealedRow]) -> None:
    """Store new wrapped keys; what is sealed is not touched."""
    columns = where.table.c
    update = (
        sa.update(where.table)
        .where(*(columns[name] == sa.bindparam(f"found_{name}") for name in where.identity))
        .values(key_id=sa.bindparam("new_key_id"), wrapped_key=sa.bindparam("new_wrapped_key"))
    )
    await connection.execute(
        update,
        [
            {
                **{f"found_{name}": value for name, value in zip(where.identity, row.identity, strict=True)},
                "new_key_id": row.record.key_id,
                "new_wrapped_key": row.record.wrapped_key,
            }
            for row in rows
        ],
    )


async def count_by_key(connection: AsyncConnection, where: SealedTable) -> dict[str, int]:
    """How many records each master key seals."""
    key_id = where.table.c.key_id
    statement = sa.select(key_id, sa.func.count()).where(key_id.is_not(None)).group_by(key_id)
    return {row[0]: row[1] for row in await connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """The sealed search keys of a master key that went out of use."""

    key_id: str
    sealed_with: str
    sealed: bytes


async def save_retired(connection: AsyncConnection, keys: Sequence[RetiredKey], now: datetime) -> None:
    """Store search keys, or store them anew when they are sealed under another master key now."""
    for key in keys:
        statement = postgresql.insert(retired_master_keys).values(
            key_id=key.key_id, sealed_with=key.sealed_with, sealed=key.sealed, retired_at=now
        )
        statement = statement.on_conflict_do_update(
            index_elements=["key_id"],
            set_={"sealed_with": statement.excluded.sealed_with, "sealed": statement.excluded.sealed},
        )
        await connection.execute(statement)


async def read_retired(connection: AsyncConnection) -> list[RetiredKey]:
    """Return the search keys of every master key that went out of use."""
    rows = await connection.execute(sa.select(retired_master_keys).limit(1_000))
    return [RetiredKey(row.key_id, row.sealed_with, bytes(row.sealed)) for row in rows]
