"""One transaction: the connection to write through, the events to publish with it, the hints to give after it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock
from shared.contracts.envelope import EventData


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that will be in the outbox when its transaction commits."""

    subject: UUID
    data: EventData
    traceparent: str | None = None


class EventSink(Protocol):
    """Writes pending events where the transaction can carry them; `shared.messaging.outbox` is the one that does."""

    async def write(self, uow: "UnitOfWork", events: list[PendingEvent]) -> None: ...

    def traceparent(self) -> str | None:
        """The trace context the current code runs in, or None."""


class UnitOfWork:
    """What a use case gets: it may read, write and publish, and it may not commit.

    `now` is fixed for the whole attempt, so that everything one transaction stamps carries the same moment. `traces`
    holds the trace context of each appeal whose events are being applied, so that what follows from them carries it on.
    """

    __slots__ = ("_after_commit", "_pending", "_sink", "clock", "connection", "now", "schema", "traces")

    def __init__(self, connection: AsyncConnection, clock: Clock, schema: str, sink: EventSink | None = None) -> None:
        self.connection = connection
        self.schema = schema
        self.clock = clock
        self.now: datetime = clock.now()
        self.traces: dict[UUID, str] = {}
        self._sink = sink
        self._pending: list[PendingEvent] = []
        self._after_commit: list[Callable[[], None]] = []

    def publish(self, event: EventData, *, subject: UUID) -> None:
        """Hand an event about appeal `subject` to every subscribed service; it leaves only if this commits."""
        trace = self.traces.get(subject) or (self._sink.traceparent() if self._sink else None)
        self._pending.append(PendingEvent(subject, event, trace))

    def restore_pending(self, events: list[PendingEvent]) -> None:
        """Put events that were taken back at the front, in their order."""
        self._pending = [*events, *self._pending]

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run `hook` once the commit has succeeded. For hints only: it may never run if the process dies."""
        self._after_commit.append(hook)

    def take_pending(self) -> list[PendingEvent]:
        """Return and forget the events published so far; for the sink, and for code that writes them itself."""
        taken, self._pending = self._pending, []
        return taken

    def take_hooks(self) -> list[Callable[[], None]]:
        """Return and forget the after-commit hooks."""
        taken, self._after_commit = self._after_commit, []
        return taken
