"""The registries of entry: one way to read, list and save them, each version kept; and what they are checked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, categories, pii_vault, progress
from services.intake.db.tables_entry import (
    campaign_sessions,
    campaigns,
    demand_classes,
    entry_points,
    informants,
    registry_history,
    service_items,
    surveys,
)
from services.intake.db.vault import Sealed
from services.intake.domain.entry import plain
from shared.db.engine import RetryTransaction

Row = dict[str, Any]

_MOST_VERSIONS: Final = 200
_MOST_CODES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Registry:
    """A table of things with a code; `kept_apart` names columns its history leaves out."""

    name: str
    table: sa.Table
    title: str


ENTRY_POINTS: Final = Registry("entry_points", entry_points, "entry point")
SERVICE_ITEMS: Final = Registry("service_items", service_items, "service item")
INFORMANTS: Final = Registry("informants", informants, "informant")
CAMPAIGNS: Final = Registry("campaigns", campaigns, "campaign")
SURVEYS: Final = Registry("surveys", surveys, "survey")


async def find_registered(
    connection: AsyncConnection, registry: Registry, code: str, *, lock: bool = False
) -> Row | None:
    """Return one row of a registry, or None; with `lock`, others who change it wait."""
    statement = sa.select(registry.table).where(registry.table.c.code == code)
    if lock:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def list_registered(
    connection: AsyncConnection,
    registry: Registry,
    wanted: Mapping[str, Any],
    *,
    after: str | None,
    limit: int,
) -> list[Row]:
    """Return up to `limit` rows after the code `after`, in the order of codes; None in `wanted` asks for nothing.

    For a column that is a list, a wanted value must be among it.
    """
    table = registry.table
    statement = sa.select(table).order_by(table.c.code).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            column = table.c[name]
            is_list = isinstance(column.type, postgresql.ARRAY)
            statement = statement.where(column.contains([value]) if is_list else column == value)
    if after is not None:
        statement = statement.where(table.c.code > after)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def save_registered(connection: AsyncConnection, registry: Registry, row: Row, *, actor: str) -> None:
    """Write a new row, or a new version of one that is locked, and keep the version.

    Raises RetryTransaction when another transaction made one with this code meanwhile.
    """
    table = registry.table
    if row["version"] == 1:
        statement = postgresql.insert(table).values(row).on_conflict_do_nothing(index_elements=["code"])
        if (await connection.execute(statement)).rowcount != 1:
            raise RetryTransaction
    else:
        await connection.execute(sa.update(table).where(table.c.code == row["code"]).values(row))
    content = plain({name: value for name, value in row.items() if name not in {"id", "version", "updated_at"}})
    await connection.execute(
        sa.insert(registry_history).values(
            registry=registry.name,
            code=row["code"],
            version=row["version"],
            content=content,
            actor=actor,
            at=row["updated_at"],
        )
    )


async def read_versions(connection: AsyncConnection, registry: Registry, code: str) -> list[Row]:
    """Return the versions of one entry, newest first."""
    table = registry_history
    statement = (
        sa.select(table.c.version, table.c.content, table.c.actor, table.c.at)
        .where(table.c.registry == registry.name, table.c.code == code)
        .order_by(table.c.version.desc())
        .limit(_MOST_VERSIONS)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def known_codes(connection: AsyncConnection, registry: Registry, codes: Sequence[str]) -> dict[str, Row]:
    """Return the rows of these codes."""
    table = registry.table
    statement = sa.select(table).where(table.c.code.in_(codes)).limit(_MOST_CODES)
    return {row["code"]: dict(row) for row in (await connection.execute(statement)).mappings()}


async def known_sessions(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[str, str]:
    """Return, for each of these sessions that exists, what kind of campaign it belongs to."""
    statement = (
        sa.select(campaign_sessions.c.id, campaigns.c.kind)
        .join(campaigns, campaigns.c.code == campaign_sessions.c.campaign_code)
        .where(campaign_sessions.c.id.in_(ids))
        .limit(_MOST_CODES)
    )
    return {str(row.id): row.kind for row in await connection.execute(statement)}


async def known_categories(connection: AsyncConnection, codes: Sequence[str]) -> frozenset[str]:
    """Return which of these categories exist."""
    statement = sa.select(categories.c.code).where(categories.c.code.in_(codes)).limit(_MOST_CODES)
    return frozenset((await connection.execute(statement)).scalars())


async def seal_person(connection: AsyncConnection, id_: UUID, sealed: Sealed | None, phone_hash: bytes | None) -> None:
    """Put somebody's name and number into the vault in place of what was there, or take them out."""
    await connection.execute(sa.delete(pii_vault).where(pii_vault.c.appeal_id == id_))
    if sealed is not None:
        await connection.execute(
            sa.insert(pii_vault).values(
                appeal_id=id_,
                key_id=sealed.key_id,
                wrapped_key=sealed.wrapped_key,
                sealed=sealed.sealed,
                phone_hash=phone_hash,
            )
        )


async def list_appeals_by_detail(
    connection: AsyncConnection,
    field: str,
    value: str,
    *,
    department_code: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Return the appeals whose channel details name this session or informant, newest first."""
    statement = (
        sa.select(
            appeals.c.id,
            appeals.c.receipt_number,
            appeals.c.type,
            appeals.c.title,
            appeals.c.channel_details,
            appeals.c.created_at,
            progress.c.status,
            progress.c.as_of,
            progress.c.department_name,
        )
        .join(progress, progress.c.appeal_id == appeals.c.id)
        .where(appeals.c.channel_details[field].astext == value)
        .order_by(appeals.c.created_at.desc(), appeals.c.id.desc())
        .limit(limit)
    )
    if department_code is not None:
        statement = statement.where(progress.c.department_code == department_code)
    if after is not None:
        statement = statement.where(sa.tuple_(appeals.c.created_at, appeals.c.id) < sa.tuple_(*after))
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def read_demand_classes(connection: AsyncConnection) -> list[Row]:
    """Return the table of demand classes, in the order of the categories' codes."""
    table = demand_classes
    statement = sa.select(table.c.category_code, table.c.demand_class).order_by(table.c.category_code)
    return [dict(row) for row in (await connection.execute(statement.limit(_MOST_CODES))).mappings()]


async def lock_demand_classes(connection: AsyncConnection) -> None:
    """Have others who want to change the table wait until this transaction ends."""
    await connection.execute(sa.text("LOCK TABLE demand_classes IN SHARE ROW EXCLUSIVE MODE"))


async def version_of_demand_classes(connection: AsyncConnection) -> int:
    """Return a number that grows with every change of the table: the microseconds of the last one, 1 when empty."""
    changed_at = (await connection.execute(sa.select(sa.func.max(demand_classes.c.updated_at)))).scalar_one()
    return int(changed_at.timestamp() * 1_000_000) if changed_at is not None else 1


async def replace_demand_classes(connection: AsyncConnection, rows: Sequence[Row], now: datetime) -> None:
    """Put a whole table of demand classes in place of the present one; it is locked."""
    await connection.execute(sa.delete(demand_classes))
    if rows:
        await connection.execute(sa.insert(demand_classes), [{**row, "updated_at": now} for row in rows])
