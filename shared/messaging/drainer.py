"""Applies in the background what has been stored: storing and acknowledging never wait for slow handlers.

So a backlog waits in the inbox, where it is durable and acknowledged, and not in Redis, where it would be sent again.
"""

import asyncio
from collections.abc import Iterable

import structlog

from shared.db.engine import is_database_trouble
from shared.messaging.drain import Drain, Stream

log = structlog.get_logger(__name__)

_BATCH = 200
_MOST_WAITING = 10_000
_SWEEP_LIMIT = 500
_TROUBLE_PAUSE_SECONDS = 0.2


class Drainer:
    """One lane that drains the streams it is offered, and a sweep for those that nobody offers any more.

    While one wave is applied the next one gathers, so waves grow with the load and the cost of each event falls. What
    is offered is only a reminder: it may be dropped, when there is too much of it or the database is away, for the
    sweep finds it in the inbox.
    """

    def __init__(self, drain: Drain, *, sweep_seconds: float = 1.0) -> None:
        self._drain = drain
        self._sweep_seconds = sweep_seconds
        self._waiting: dict[Stream, None] = {}
        self._offered = asyncio.Event()

    async def offer(self, streams: Iterable[Stream]) -> None:
        """Have these streams drained soon."""
        for stream in streams:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting[stream] = None
        self._offered.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Drain until `stop` is set; trouble with the database is waited out, anything else is a defect and raised."""
        stopped = asyncio.create_task(stop.wait(), name="drainer-stop")
        lane = asyncio.create_task(self._drain_forever(), name="drainer-lane")
        sweep = asyncio.create_task(self._sweep_forever(), name="drainer-sweep")
        try:
            await asyncio.wait({stopped, sweep, lane}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _finish(stopped, sweep, lane)

    async def _drain_forever(self) -> None:
        while True:
            await self._offered.wait()
            batch = [stream for stream, _ in zip(self._waiting, range(_BATCH), strict=False)]
            if not batch:
                self._offered.clear()
                continue
            for stream in batch:
                del self._waiting[stream]
            try:
                await self._drain.drain(batch)
            except Exception as error:
                if not is_database_trouble(error):
                    raise
                await _wait_out(error)

    async def _sweep_forever(self) -> None:
        while True:
            try:
                if not self._waiting:
                    await self.offer(await self._drain.ready_streams(_SWEEP_LIMIT))
            except Exception as error:
                if not is_database_trouble(error):
                    raise
                await _wait_out(error)
            await asyncio.sleep(self._sweep_seconds)


async def _wait_out(error: Exception) -> None:
    log.warning("drainer.database_trouble", error=type(error).__name__)
    await asyncio.sleep(_TROUBLE_PAUSE_SECONDS)


async def _finish(*tasks: asyncio.Task[object]) -> None:
    """Cancel what runs; a transaction under way is rolled back and found again. Raises what a task has raised."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
