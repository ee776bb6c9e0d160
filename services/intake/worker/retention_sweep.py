"""The sweep that forgets people, and later their words, when the period is over."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from services.intake.domain.retention import RetentionPolicy
from services.intake.settings import Settings
from services.intake.use_cases.apply_retention import Pass, shred_due_bodies, shred_due_people, shred_due_recordings
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.process import Background, ProcessContext, repeat

log = structlog.get_logger(__name__)


Batch = Callable[[UnitOfWork, UUID | None], Coroutine[Any, Any, Pass]]


def retention_sweep_of(settings: Settings) -> Background:
    """Return the loop of a worker with these settings."""

    async def run(context: ProcessContext, stop: asyncio.Event) -> None:
        sweep = RetentionSweep(context.database, settings.retention)
        await sweep.run(timedelta(seconds=settings.retention_sweep_seconds), stop)

    return run


class RetentionSweep:
    """Goes through the record in batches; any number may run at once, each skipping what another has in hand."""

    def __init__(self, database: Database, policy: RetentionPolicy) -> None:
        self._database = database
        self._policy = policy

    async def run(self, every: timedelta, stop: asyncio.Event) -> None:
        """Sweep until `stop`."""
        await repeat("retention-sweep", every, lambda: self.sweep(stop), stop)

    async def sweep(self, stop: asyncio.Event | None = None) -> None:
        """Destroy everything that is due, batch after batch; a batch that is broken off leaves nothing half done."""
        people = await self._through(lambda uow, after: shred_due_people(uow, self._policy, after=after), stop)
        recordings = await self._through(lambda uow, after: shred_due_recordings(uow, self._policy, after=after), stop)
        bodies = await self._through(lambda uow, after: shred_due_bodies(uow, self._policy, after=after), stop)
        if people or recordings or bodies:
            log.info("retention.shredded", people=people, recordings=recordings, bodies=bodies)

    async def _through(
        self,
        batch: Batch,
        stop: asyncio.Event | None,
    ) -> int:
        shredded, after = 0, None
        while stop is None or not stop.is_set():
            done = await self._database.transact(partial(_from, batch, after))
            shredded, after = shredded + done.shredded, done.after
            if after is None:
                break
        return shredded


async def _from(batch: Batch, after: UUID | None, uow: UnitOfWork) -> Pass:
    return await batch(uow, after)
