"""The relay: takes due outbox rows under a lease and sends them as hints, until the consumer has acknowledged them.

A row is never "sent": it is acknowledged or it is due again when its lease ends. So a lost job, a lost ack, a flushed
Redis and a dead worker are all the same case. Any number of relays may run; SKIP LOCKED keeps them apart.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
import structlog
from sqlalchemy import Row, text

from shared.contracts.topology import edges
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
    filling Redis is `max_backlog`, the number of batches that may wait for it.
    """

    batch_size: int = 100
    first_lease: timedelta = timedelta(seconds=2)
    longest_lease: timedelta = timedelta(seconds=5)
    idle_poll: timedelta = timedelta(seconds=1)
    max_backlog: int = 200
    trouble_pause: timedelta = timedelta(milliseconds=200)
    consumers: Sequence[Service] | None = field(default=None)


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
        self._listener = wake.listen(relay_topic(service.value))
        self._claim = text(_CLAIM.format(schema=service.value))
        self._full: set[Service] = set()
        self._release = text(_RELEASE.format(schema=service.value))

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set. Trouble with the database or the transport is logged and waited out;
        anything else is a defect and ends the process, visibly."""
        while not stop.is_set():
            try:
                sent = await self.send_due()
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
            if not sent:
                await self._listener.wait(self._settings.idle_poll.total_seconds())

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
        rows = await self._database.transact(lambda uow: self._claim_rows(uow, consumer))
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
        full = await self._transport.backlog(consumer) >= self._settings.max_backlog
        (self._full.add if full else self._full.discard)(consumer)
        return full

    async def _claim_rows(self, uow: UnitOfWork, consumer: Service) -> Sequence[Row[tuple[object, ...]]]:
        # Losing this lease in a crash only sends the rows again, so it need not wait for the disk.
        await uow.connection.execute(_NO_WAIT_FOR_DISK)
        result = await uow.connection.execute(
            self._claim,
            {
                "consumer": consumer.value,
                "now": uow.now,
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


_NO_WAIT_FOR_DISK = text("SET LOCAL synchronous_commit = off")

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
