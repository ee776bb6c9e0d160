"""The sweep of timers: by state, every second, in batches. A worker that was away finds everything that fell due."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.dispatch.db.timers import tickets_with_due_timers
from services.dispatch.use_cases.fire_timers import fire_due_timers
from shared.db.engine import Database, is_database_trouble
from shared.messaging.process import repeat

log = structlog.get_logger(__name__)

_SET_ASIDE = timedelta(minutes=1)
_MOST_SET_ASIDE = 1_000


class TimerSweep:
    """Fires due timers. Any number may run at once; a ticket that cannot be fired is set aside and stops no other."""

    def __init__(self, database: Database, *, batch: int) -> None:
        self._database = database
        self._batch = batch
        self._aside: dict[UUID, datetime] = {}

    @property
    def set_aside(self) -> Mapping[UUID, datetime]:
        """Tickets whose timers failed, and until when they are left alone."""
        return self._aside

    async def run(self, every: timedelta, stop: asyncio.Event) -> None:
        """Sweep until `stop`."""
        await repeat("timer-sweep", every, self.sweep, stop)

    async def sweep(self) -> bool:
        """Fire one batch; returns whether there may be more."""
        without = self._still_aside()
        try:
            fired = await self._database.transact(lambda uow: fire_due_timers(uow, limit=self._batch, without=without))
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("timers.batch_failed", error=type(error).__name__)
            return await self._one_by_one(without)
        return len(fired) > 0

    async def _one_by_one(self, without: list[UUID]) -> bool:
        """Find out which ticket spoils the batch, and set it aside."""
        candidates = await self._database.transact(
            lambda uow: tickets_with_due_timers(uow, self._batch, without), read_only=True
        )
        for ticket_id in candidates:
            try:
                await self._fire_one(ticket_id)
            except Exception as error:
                if is_database_trouble(error):
                    raise
                log.error("timers.ticket_failed", ticket_id=str(ticket_id), error=type(error).__name__)
                self._aside[ticket_id] = self._database.clock.now() + _SET_ASIDE
        return len(candidates) > 0

    async def _fire_one(self, ticket_id: UUID) -> None:
        await self._database.transact(lambda uow: fire_due_timers(uow, limit=1, only=ticket_id))

    def _still_aside(self) -> list[UUID]:
        now = self._database.clock.now()
        latest = sorted(self._aside.items(), key=lambda item: item[1])[-_MOST_SET_ASIDE:]
        self._aside = {ticket_id: until for ticket_id, until in latest if until > now}
        return list(self._aside)
