"""The record of registry changes, and the stamps by which readers notice that what they keep in memory is old."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.dispatch.db.tables_registry import registry_changes, registry_stamps
from services.dispatch.domain.registry import PART_OF, RegistryChange, RegistryPart
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7

_STAMPS = sa.select(registry_stamps.c.part, registry_stamps.c.stamp)


async def read_stamps(connection: AsyncConnection) -> Mapping[RegistryPart, UUID]:
    """The current stamp of every part; one small query."""
    rows = (await connection.execute(_STAMPS)).all()
    return {RegistryPart(row.part): row.stamp for row in rows}


async def lock_parts(uow: UnitOfWork, parts: Iterable[RegistryPart]) -> None:
    """Let one writer at a time change these parts, always locked in the same order."""
    await uow.connection.execute(
        sa.select(registry_stamps.c.part)
        .where(registry_stamps.c.part.in_(sorted(set(parts))))
        .order_by(registry_stamps.c.part)
        .with_for_update()
    )


async def record_changes(uow: UnitOfWork, actor: str, changes: Sequence[RegistryChange]) -> None:
    """Append to the record who changed what, from what, to what, and give the touched parts a fresh stamp."""
    if not changes:
        return
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "at": uow.now,
            "actor": actor,
            "kind": change.kind,
            "code": change.code,
            "action": change.action,
            "before": change.before,
            "after": change.after,
        }
        for change in changes
    ]
    await uow.connection.execute(sa.insert(registry_changes), rows)
    for part in sorted({PART_OF[change.kind] for change in changes}):
        await uow.connection.execute(
            sa.update(registry_stamps).where(registry_stamps.c.part == part).values(stamp=uuid7())
        )
