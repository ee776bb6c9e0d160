"""An API process knows the search keys of former master keys before it says that it is ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from services.intake.db.vault import Vault, VaultError
from services.intake.use_cases.rotate_vault import learn_retired_keys
from shared.db.engine import Database, is_database_trouble

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 1.0


class FormerKeys:
    """Learns the former search keys at start, waiting for the database if it must; until then tracking could miss."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._problem: str | None = "not read yet"

    async def check(self) -> None:
        """Raise RuntimeError while they are not known: the readiness check named `vault`."""
        if self._problem is not None:
            raise RuntimeError(f"the search keys of former master keys are missing: {self._problem}")

    @asynccontextmanager
    async def learning(self, database: Database) -> AsyncIterator[None]:
        """Learn beside the running application."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._learn(database), name="former-keys")
            try:
                yield
            finally:
                task.cancel()

    async def _learn(self, database: Database) -> None:
        while self._problem is not None:
            try:
                await database.transact(lambda uow: learn_retired_keys(uow, self._vault), read_only=True)
            except VaultError as error:
                self._problem = str(error)
                log.error("vault.former_keys_sealed", problem=self._problem)
                return
            except Exception as error:
                if not is_database_trouble(error):
                    raise
                self._problem = type(error).__name__
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._problem = None
