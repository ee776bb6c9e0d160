"""Changing the master key: every data key is wrapped anew, and what only hashes can find stays findable.

Set the new key as master key and the old one as an earlier key, restart, rotate; then the old one may go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from services.intake.db.vault import Vault
from services.intake.db.vault_rows import (
    SEALED_TABLES,
    RetiredKey,
    SealedTable,
    count_by_key,
    read_retired,
    save_retired,
    save_wrapped,
    sealed_otherwise,
)
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class TableStatus:
    """How many records of one table are under the current master key, and how many under each other one."""

    table: str
    current: int
    others: dict[str, int]


async def learn_retired_keys(uow: UnitOfWork, vault: Vault) -> None:
    """Have a vault find what was hashed under master keys that are no longer configured.

    Raises VaultError when one of them was sealed under a master key that is not configured either.
    """
    for key in await read_retired(uow.connection):
        vault.learn_search_keys(key.key_id, key.sealed_with, key.sealed)


async def retire_earlier_keys(uow: UnitOfWork, vault: Vault) -> None:
    """Keep the search keys of every earlier master key under the current one; those retired before move along."""
    await learn_retired_keys(uow, vault)
    sealed = [RetiredKey(keys.id, vault.key_id, vault.seal_search_keys(keys)) for keys in vault.former_search_keys]
    await save_retired(uow.connection, sealed, uow.now)


async def rotate_table(database: Database, vault: Vault, where: SealedTable, *, batch: int = 500) -> int:
    """Wrap every data key of a table under the current master key; return how many. Safe to break off and repeat.

    Raises VaultError for a record whose master key is not configured: nothing of its batch is changed.
    """
    rotated = 0
    after: tuple[Any, ...] | None = None
    while True:
        done = await database.transact(partial(_rotate_batch, vault=vault, where=where, after=after, limit=batch))
        rotated += len(done)
        if len(done) < batch:
            return rotated
        after = done[-1]


async def _rotate_batch(
    uow: UnitOfWork, *, vault: Vault, where: SealedTable, after: tuple[Any, ...] | None, limit: int
) -> Sequence[tuple[Any, ...]]:
    found = await sealed_otherwise(uow.connection, where, vault.key_id, after=after, limit=limit)
    if found:
        anew = [replace(row, record=vault.rewrap(row.bound_to, row.record)) for row in found]
        await save_wrapped(uow.connection, where, anew)
    return [row.identity for row in found]


async def vault_status(uow: UnitOfWork, vault: Vault) -> list[TableStatus]:
    """Return, table by table, which master keys are in use."""
    status = []
    for where in SEALED_TABLES:
        counted = await count_by_key(uow.connection, where)
        others = {key_id: count for key_id, count in counted.items() if key_id != vault.key_id}
        status.append(TableStatus(where.table.name, counted.get(vault.key_id, 0), others))
    return status
