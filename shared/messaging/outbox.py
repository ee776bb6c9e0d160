"""Publishing: one outbox row per subscribed consumer, in the transaction that did the thing (ADR 2)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text

from shared.contracts.envelope import EventData
from shared.contracts.topology import consumers_of
from shared.db.unit_of_work import PendingEvent, UnitOfWork
from shared.ids import uuid7
from shared.messaging.wake import Wake, relay_topic
from shared.vocabulary import Service

TraceSource = Callable[[], str | None]


def _no_trace() -> str | None:
    return None


class Outbox:
    """Writes a service's events to its outbox, numbered per consumer and appeal without gaps."""

    def __init__(self, service: Service, wake: Wake | None = None, trace: TraceSource = _no_trace) -> None:
        self._service = service
        self._wake = wake
        self.traceparent = trace
        self._insert = text(_INSERT.format(schema=service.value))

    async def write(self, uow: UnitOfWork, events: Sequence[PendingEvent]) -> None:
        """Store the events in order, in one statement; the relay is woken after the commit."""
        rows = [
            (consumer.value, uuid7(), event)
            for event in events
            for consumer in consumers_of(self._service, type(event.data))
        ]
        if not rows:
            return
        await uow.connection.execute(self._insert, self._parameters(rows, uow.now))
        self.wake_after(uow)

    def wake_after(self, uow: UnitOfWork) -> None:
        """Have the relay woken once this unit of work has committed."""
        wake = self._wake
        if wake is not None:
            topic = relay_topic(self._service.value)
            uow.after_commit(lambda: wake.signal(topic))

    def _parameters(self, rows: Sequence[tuple[str, UUID, PendingEvent]], now: datetime) -> dict[str, object]:
        return {
            "consumers": [row[0] for row in rows],
            "event_ids": [row[1] for row in rows],
            "types": [row[2].data.TYPE for row in rows],
            "versions": [row[2].data.VERSION for row in rows],
            "subjects": [row[2].subject for row in rows],
            "data": [payload_of(row[2].data) for row in rows],
            "traceparents": [row[2].traceparent for row in rows],
            "now": now,
        }


def payload_of(event: EventData) -> str:
    """Return an event's payload as the JSON text that is stored and sent."""
    return orjson.dumps(event.model_dump(mode="json")).decode()


# Positions are locked in sorted order: two transactions that publish about the same appeals do not deadlock here.
_INSERT = """
WITH e AS (
    SELECT * FROM unnest(
        CAST(:consumers AS text[]), CAST(:event_ids AS uuid[]), CAST(:types AS text[]), CAST(:versions AS smallint[]),
        CAST(:subjects AS uuid[]), CAST(:data AS jsonb[]), CAST(:traceparents AS text[])
    ) WITH ORDINALITY AS t(consumer, event_id, type, version, subject, data, traceparent, ord)
), p AS (
    INSERT INTO {schema}.outbox_position AS position (consumer, subject, last_sequence)
    SELECT consumer, subject, count(*) FROM e GROUP BY consumer, subject ORDER BY consumer, subject
    ON CONFLICT (consumer, subject) DO UPDATE
        SET last_sequence = position.last_sequence + excluded.last_sequence
    RETURNING consumer, subject, last_sequence
)
INSERT INTO {schema}.outbox
    (consumer, event_id, type, version, subject, sequence, occurred_at, traceparent, data, created_at, due_at)
SELECT e.consumer, e.event_id, e.type, e.version, e.subject,
       p.last_sequence - count(*) OVER w + row_number() OVER (PARTITION BY e.consumer, e.subject ORDER BY e.ord),
       :now, e.traceparent, e.data, :now, :now
FROM e JOIN p USING (consumer, subject)
WINDOW w AS (PARTITION BY e.consumer, e.subject)
"""
