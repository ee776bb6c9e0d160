"""The sweep of intake's terms: by state, every few seconds. A worker that was away finds everything that fell due."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from services.intake.db.supplements import appeals_to_expire, appeals_to_remind
from services.intake.settings import Settings
from services.intake.use_cases.sweep_terms import count_overdue, expire_papers, mark_overdue, remind_of_papers
from shared.db.engine import Database, is_database_trouble
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.process import Background, ProcessContext, repeat
from shared.observability.metrics import REGISTRY, TIMER_LAG_SECONDS, register_gauges

log = structlog.get_logger(__name__)

OVERDUE_ACCEPTANCE: Final = "minqing_overdue_acceptance"
_COUNTED_AT_MOST: Final = 100_000
_SET_ASIDE: Final = timedelta(minutes=1)
_TERMS: Final = Counter(
    "minqing_intake_terms_total",
    "Terms of intake that ran out: scope not decided, papers reminded of, papers given up.",
    ("term",),
    registry=REGISTRY,
)

Find = Callable[..., Awaitable[Sequence[UUID]]]
Act = Callable[[UnitOfWork, UUID], Awaitable[bool]]


class TermSweep:
    """Any number may run at once; an appeal that cannot be dealt with is set aside and stops no other."""

    def __init__(self, database: Database, *, batch: int, zone: ZoneInfo) -> None:
        self._database = database
        self._batch = batch
        self._zone = zone
        self._aside: dict[UUID, datetime] = {}

    async def sweep(self) -> bool:
        """Do what is due, a batch of each; returns whether there may be more."""
        late = await self._database.transact(lambda uow: mark_overdue(uow, limit=self._batch))
        for lateness in late:
            TIMER_LAG_SECONDS.labels("T_ACCEPT").observe(lateness.total_seconds())
        _TERMS.labels("acceptance_overrun").inc(len(late))
        reminded = await self._each("papers_reminded", appeals_to_remind, partial(remind_of_papers, zone=self._zone))
        expired = await self._each("papers_expired", appeals_to_expire, expire_papers)
        return len(late) == self._batch or reminded or expired

    async def _each(self, term: str, find: Find, act: Act) -> bool:
        """Deal with one appeal after the other, each in a transaction of its own; tells whether any was dealt with."""
        now = self._database.clock.now()
        self._aside = {appeal_id: until for appeal_id, until in self._aside.items() if until > now}
        limit = self._batch + len(self._aside)

        async def due(uow: UnitOfWork) -> Sequence[UUID]:
            return await find(uow.connection, uow.now, limit=limit)

        found = await self._database.transact(due, read_only=True)
        done = 0
        for appeal_id in found:
            if appeal_id not in self._aside:
                done += await self._one(appeal_id, act)
        _TERMS.labels(term).inc(done)
        return done > 0

    async def _one(self, appeal_id: UUID, act: Act) -> bool:
        try:
            return await self._database.transact(lambda uow: act(uow, appeal_id))
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("terms.appeal_failed", appeal_id=str(appeal_id), error=type(error).__name__)
            self._aside[appeal_id] = self._database.clock.now() + _SET_ASIDE
            return False


def term_sweep_of(settings: Settings) -> Background:
    """Return the loop of the worker that sweeps until it is told to stop."""

    async def run(context: ProcessContext, stop: asyncio.Event) -> None:
        database = context.database
        sweep = TermSweep(database, batch=settings.term_sweep_batch, zone=settings.zone)

        async def overdue() -> dict[tuple[str, ...], float]:
            found = await database.transact(lambda uow: count_overdue(uow, at_most=_COUNTED_AT_MOST), read_only=True)
            return {(): float(found)}

        register_gauges(
            OVERDUE_ACCEPTANCE, overdue, help_text="Appeals whose scope is undecided past T_ACCEPT, 100000 at most."
        )
        await repeat("term-sweep", settings.term_sweep_every, sweep.sweep, stop)

    return run
