"""The relay: takes due outbox rows under a lease and sends them as hints, until the consumer has acknowledged them.

A row is never "sent": it is acknowledged or it is due again when its lease ends. So a lost job, a lost ack, a flushed
Redis and a dead worker are all the same case. Any number of relays may run; SKIP LOCKED keeps them apart.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

import orjson
import structlog
from sqlalchemy import Row, text

from shared.contracts.topology import PACES, edges
from shared.db.engine import Database, is_database_trouble
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.transport import Transport, TransportDown
from shared.messaging.wake import Wake, relay_topic
from shared.vocabulary import Service

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How the relay paces itself.

    The lease is how long a lost hint goes unnoticed, so it stays short; what keeps a long outage of a consumer from
    filling Redis is `max_backlog`, the number of batches that may wait for it, asked for every `backlog_check`.
    """

    batch_size: int = 100
    first_lease: timedelta = timedelta(seconds=2)
    longest_lease: timedelta = timedelta(seconds=5)
    idle_poll: timedelta = timedelta(seconds=1)
    max_backlog: int = 200
    backlog_check: timedelta = timedelta(seconds=1)
    trouble_pause: timedelta = timedelta(milliseconds=200)
    consumers: Sequence[Service] | None = field(default=None)


@dataclass(slots=True)
class _Queue:
    """What is known of one consumer's part of the outbox between two sends, in monotonic seconds."""

    consumer: Service
    pace: float
    has_more: bool = True
    next_at: float = 0.0

    def may_send(self, now: float) -> bool:
        return self.has_more and now >= self.next_at

    def sent(self, rows: int, batch_size: int) -> None:
        """Note a send: a full batch means there is more, which need not wait for the pace."""
        self.has_more = rows >= batch_size
        self.next_at = time.monotonic() + (0.0 if self.has_more else self.pace)


class Relay:
    """Moves one service's outbox to its consumers."""

    def __init__(
        self,
        database: Database,
        service: Service,
        transport: Transport,
        wake: Wake,
        settings: RelaySettings | None = None,
    ) -> None:
        self._database = database
        self._service = service
        self._transport = transport
        self._settings = settings or RelaySettings()
        chosen = self._settings.consumers
        self._consumers = [c for p, c in edges() if p is service] if chosen is None else list(chosen)
        self._check_seconds = self._settings.backlog_check.total_seconds()
        self._listener = wake.listen(relay_topic(service.value))
        self._claim = text(_CLAIM.format(schema=service.value))
        self._full: set[Service] = set()
        self._asked_at: dict[Service, float] = {}
        self._release = text(_RELEASE.format(schema=service.value))

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set. Trouble with the database or the transport is logged and waited out;
        anything else is a defect and ends the process, visibly."""
        queues = [_Queue(consumer, PACES[(self._service, consumer)].total_seconds()) for consumer in self._consumers]
        while not stop.is_set():
            try:
                for queue in queues:
                    if queue.may_send(time.monotonic()):
                        queue.sent(await self._send_to(queue.consumer), self._settings.batch_size)
            except TransportDown as error:
                log.warning("relay.transport_down", service=self._service, error=str(error))
                await asyncio.sleep(self._settings.trouble_pause.total_seconds())
                continue
            except Exception as error:
                if not is_database_trouble(error):
                    raise
                log.warning("relay.database_trouble", service=self._service, error=type(error).__name__)
                await asyncio.sleep(self._settings.trouble_pause.total_seconds())
                continue
            await self._wait(queues)

    async def _wait(self, queues: Sequence["_Queue"]) -> None:
        """Wait for a hint, for the end of a pace with something left to send, or for the idle poll."""
        now = time.monotonic()
        idle = self._settings.idle_poll.total_seconds()
        until = min([queue.next_at for queue in queues if queue.has_more], default=now + idle)
        woken = await self._listener.wait(max(0.0, until - now))
        if woken or time.monotonic() >= now + idle:
            for queue in queues:
                queue.has_more = True

    async def send_due(self) -> int:
        """Send one batch to every consumer that has due rows and room; return how many rows were sent.

        Raises TransportDown after giving the batch's lease back, so that nothing waits for a lease that sent nothing.
        """
        sent = 0
        for consumer in self._consumers:
            sent += await self._send_to(consumer)
        return sent

    async def _send_to(self, consumer: Service) -> int:
        if consumer in self._full and await self._is_full(consumer):
            return 0
        rows = await self._claim_rows(consumer)
        if not rows:
            return 0
        try:
            if await self._is_full(consumer):
                await self._give_back(consumer, rows, self._settings.trouble_pause)
                return 0
            await self._transport.deliver(consumer, [self._envelope(row) for row in rows])
        except TransportDown:
            await self._give_back(consumer, rows, self._settings.trouble_pause)
            raise
        return len(rows)

    async def _is_full(self, consumer: Service) -> bool:
        """Ask whether enough waits for `consumer`; while it does, its rows are not even claimed."""
        now = time.monotonic()
        if consumer not in self._full and now < self._asked_at.get(consumer, -inf) + self._check_seconds:
            return False
        self._asked_at[consumer] = now
        full = await self._transport.backlog(consumer) >= self._settings.max_backlog
        (self._full.add if full else self._full.discard)(consumer)
        return full

    async def _claim_rows(self, consumer: Service) -> Sequence[Row[tuple[object, ...]]]:
        """One statement that commits by itself. Losing the lease in a crash only sends the rows again."""
        async with self._database.autocommit() as connection:
            result = await connection.execute(
                self._claim,
                {
                    "consumer": consumer.value,
                    "now": self._database.clock.now(),
                    "limit": self._settings.batch_size,
                    "lease": self._settings.first_lease,
                    "longest": self._settings.longest_lease,
                },
            )
        return sorted(result.all(), key=lambda row: (row.subject, row.sequence))

    async def _give_back(self, consumer: Service, rows: Sequence[Row[tuple[object, ...]]], after: timedelta) -> None:
        async def release(uow: UnitOfWork) -> None:
            parameters = {
                "consumer": consumer.value,
                "event_ids": [row.event_id for row in rows],
                "due_at": uow.now + after,
            }
            await uow.connection.execute(self._release, parameters)

        await self._database.transact(release)

    def _envelope(self, row: Row[tuple[object, ...]]) -> bytes:
        return orjson.dumps(
            {
                "id": str(row.event_id),
                "type": row.type,
                "version": row.version,
                "source": self._service.value,
                "subject": str(row.subject),
                "time": row.occurred_at,
                "sequence": row.sequence,
                "traceparent": row.traceparent,
                "data": row.data,
            }
        )


_CLAIM = """
UPDATE {schema}.outbox AS o
SET due_at = CAST(:now AS timestamptz)
        + least(CAST(:longest AS interval), CAST(:lease AS interval) * power(2, least(o.sends, 10))),
    sends = o.sends + 1
FROM (
    SELECT consumer, event_id FROM {schema}.outbox
    WHERE consumer = :consumer AND acked_at IS NULL AND due_at <= :now
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
) AS due
WHERE o.consumer = due.consumer AND o.event_id = due.event_id
RETURNING o.event_id, o.type, o.version, o.subject, o.sequence, o.occurred_at, o.traceparent, o.data
"""

_RELEASE = """
UPDATE {schema}.outbox SET due_at = :due_at, sends = greatest(sends - 1, 0)
WHERE consumer = :consumer AND event_id = ANY(CAST(:event_ids AS uuid[])) AND acked_at IS NULL
"""
