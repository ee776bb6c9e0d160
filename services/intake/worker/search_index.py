"""The loop that keeps the search index: it looks for new and changed appeals twice a second, and checks all in turn."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

from services.intake.use_cases.index_appeals import check_index, has_work, index_appeals, sample_terms
from shared.db.engine import Database
from shared.messaging.process import ProcessContext, repeat

EVERY = timedelta(milliseconds=500)
BATCH = 100
CHECK_BATCH = 2_000
CHECK_EVERY_SECONDS = 3_600.0
SAMPLE_EVERY_SECONDS = 300.0
# While much is to be done, this share of the time goes to it, the rest to those who wait for an answer.
BUSY_SHARE = 0.2


class SearchIndexer:
    """One per worker; any number may run, one of them writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._check_from: UUID | None = UUID(int=0)
        self._next_check = 0.0
        self._next_sample = 0.0
        self._counted = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Index until `stop`."""
        await repeat("search-index", EVERY, self.step, stop)

    async def step(self) -> bool:
        """Do what is due; returns whether there is more to do at once."""
        began = time.monotonic()
        if await has_work(self._database):
            written = await self._database.transact(lambda uow: index_appeals(uow, limit=BATCH))
            if written >= BATCH:
                spent = time.monotonic() - began
                await asyncio.sleep(spent / BUSY_SHARE - spent)
                return True
        await self._check(began)
        await self._sample(began)
        return False

    async def _check(self, now: float) -> None:
        if self._check_from is None:
            if now < self._next_check:
                return
            self._check_from = UUID(int=0)
        after = self._check_from
        self._check_from, _ = await self._database.transact(
            lambda uow: check_index(uow, after=after, limit=CHECK_BATCH)
        )
        if self._check_from is None:
            self._next_check = now + CHECK_EVERY_SECONDS

    async def _sample(self, now: float) -> None:
        if now < self._next_sample:
            return
        self._next_sample = now + SAMPLE_EVERY_SECONDS
        counted = self._counted
        self._counted = await self._database.transact(lambda uow: sample_terms(uow, counted=counted))


async def keep_search_index(context: ProcessContext, stop: asyncio.Event) -> None:
    """The loop as the worker runs it."""
    await SearchIndexer(context.database).run(stop)
