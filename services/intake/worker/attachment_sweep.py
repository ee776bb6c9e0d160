"""The sweep of attachments: objects of none, or of shredded ones, and what dead processes left in staging."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

import structlog

from services.intake.settings import Settings
from services.intake.storage.choice import open_staging, open_storage
from services.intake.storage.port import ObjectStore, StorageError
from services.intake.storage.staging import Staging
from services.intake.use_cases.shred_attachments import due_objects, objects_removed
from shared.db.engine import Database
from shared.messaging.process import Background, ProcessContext, repeat

log = structlog.get_logger(__name__)

_BATCH: Final = 100
_ARRIVING_TAKES_AT_MOST: Final = timedelta(hours=6)


class AttachmentSweep:
    """Removes what nobody needs. Any number may run at once; what the storage does not remove comes up again."""

    def __init__(self, database: Database, store: ObjectStore, staging: Staging) -> None:
        self._database = database
        self._store = store
        self._staging = staging

    async def sweep(self) -> bool:
        """Remove one batch; returns whether there may be more."""
        await asyncio.to_thread(self._staging.sweep, older_than_seconds=_ARRIVING_TAKES_AT_MOST.total_seconds())
        due = await self._database.transact(lambda uow: due_objects(uow, limit=_BATCH))
        removed = []
        for key in due:
            try:
                await self._store.delete(key)
            except StorageError as error:
                log.warning("attachments.not_removed", error=str(error))
            else:
                removed.append(key)
        if removed:
            await self._database.transact(lambda uow: objects_removed(uow, removed))
        return len(due) == _BATCH == len(removed)


def attachment_sweep_of(settings: Settings) -> Background:
    """The loop for the worker."""

    def run(context: ProcessContext, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        sweep = AttachmentSweep(context.database, open_storage(settings), open_staging(settings))
        every = timedelta(seconds=settings.attachment_sweep_seconds)
        return repeat("attachment-sweep", every, sweep.sweep, stop)

    return run
