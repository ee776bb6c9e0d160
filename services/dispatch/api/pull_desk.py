"""Where pullers wait: one line per department, and only the first in line asks the database, when something came.

A hint wakes the first; whoever has taken something wakes the next. A lost hint costs one poll of a single statement for
all departments that wait, so hundreds of waiting pullers cost the database no more than one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.dispatch.db.pull import departments_with_offers
from services.dispatch.use_cases.pull_tickets import Pulled, pull_tickets
from services.dispatch.use_cases.workplace import offers_topic
from shared.db.engine import Database, is_database_trouble
from shared.messaging.wake import Listener, Wake

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PullWish:
    """What one puller wants, and how long it will wait for it."""

    department_code: str
    limit: int
    lease_for: timedelta
    wait_seconds: float


class _Place:
    """One puller's place in a line. `was_called` until it has looked and found nothing: then others need not look."""

    __slots__ = ("is_first", "was_called")

    def __init__(self) -> None:
        self.is_first = asyncio.Event()
        self.was_called = False


class _Line:
    """Those who wait for one department's tickets, in the order in which they came."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._waiting: OrderedDict[_Place, None] = OrderedDict()

    def join(self) -> _Place:
        place = _Place()
        self._waiting[place] = None
        self._tell_first()
        return place

    def leave(self, place: _Place) -> None:
        """Go; who was called and may have left something passes the call on to the next."""
        del self._waiting[place]
        self._tell_first()
        if place.was_called:
            self.listener.notify()

    def __len__(self) -> int:
        return len(self._waiting)

    async def called(self, place: _Place, timeout_seconds: float) -> bool:
        """Return True once this place is first and something may be on offer, False after the time-out."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await place.is_first.wait()
                place.was_called = await self.listener.wait(timeout_seconds)
        except TimeoutError:
            return False
        return place.was_called

    def _tell_first(self) -> None:
        if self._waiting:
            next(iter(self._waiting)).is_first.set()


class PullDesk:
    """One per process. `run` must be running for hints that are lost to be made good."""

    def __init__(self, database: Database, wake: Wake, poll_every: timedelta = timedelta(seconds=1)) -> None:
        self._database = database
        self._wake = wake
        self._poll_seconds = poll_every.total_seconds()
        self._lines: dict[str, _Line] = {}
        self._closing = False

    async def pull(self, wish: PullWish, is_gone: Callable[[], Awaitable[bool]]) -> list[Pulled]:
        """Return what could be leased at once or within the wait; nothing is leased for a caller who has gone."""
        if wish.wait_seconds <= 0:
            return await self._take(wish)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wish.wait_seconds
        async with self._place(wish.department_code) as (line, place):
            # In line before the first look, so that what comes in between is not missed.
            pulled = await self._take(wish)
            while not pulled and not self._closing and (remaining := deadline - loop.time()) > 0:
                if not await line.called(place, remaining) or self._closing or await is_gone():
                    break
                pulled = await self._take(wish)
                place.was_called = len(pulled) > 0
            return pulled

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, look once per interval whether anybody waits for something that is there."""
        while not stop.is_set():
            try:
                await self._poll()
            except Exception as error:
                if not is_database_trouble(error):
                    raise
                log.warning("pull.poll_failed", error=type(error).__name__)
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await stop.wait()
            except TimeoutError:
                continue

    def close(self) -> None:
        """Answer everybody who waits with nothing, and let nobody wait any more: the process is going."""
        self._closing = True
        for line in self._lines.values():
            line.listener.notify()

    async def _poll(self) -> None:
        if not self._lines:
            return
        departments = sorted(self._lines)
        offered = await self._database.transact(lambda uow: departments_with_offers(uow, departments), read_only=True)
        for department in offered:
            line = self._lines.get(department)
            if line is not None:
                line.listener.notify()

    async def _take(self, wish: PullWish) -> list[Pulled]:
        return await self._database.transact(
            lambda uow: pull_tickets(
                uow, department_code=wish.department_code, limit=wish.limit, lease_for=wish.lease_for
            )
        )

    @asynccontextmanager
    async def _place(self, department: str) -> AsyncIterator[tuple[_Line, _Place]]:
        line = self._lines.get(department)
        if line is None:
            line = self._lines[department] = _Line(self._wake.listen(offers_topic(department)))
        place = line.join()
        try:
            yield line, place
        finally:
            line.leave(place)
            if not line:
                line.listener.close()
                del self._lines[department]
