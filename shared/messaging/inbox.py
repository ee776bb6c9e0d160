"""Receiving: every envelope is stored once, durably, before it is acknowledged; acks mark the producer's outbox."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text

from shared.contracts.envelope import Envelope
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.transport import Ack
from shared.vocabulary import Service


async def store_envelopes(uow: UnitOfWork, envelopes: Sequence[Envelope]) -> None:
    """Put envelopes into the inbox; one already there, or already settled and cleaned away, is left as it is.

    The position decides what is settled, so a duplicate is recognised however long ago the original was cleaned up.
    """
    ordered = sorted(envelopes, key=lambda e: (e.subject, e.source, e.sequence))
    await uow.connection.execute(
        text(_STORE.format(schema=uow.schema)),
        {
            "producers": [e.source.value for e in ordered],
            "subjects": [e.subject for e in ordered],
            "sequences": [e.sequence for e in ordered],
            "event_ids": [e.id for e in ordered],
            "types": [e.type for e in ordered],
            "versions": [e.version for e in ordered],
            "times": [e.time for e in ordered],
            "traceparents": [e.traceparent for e in ordered],
            "data": [orjson.dumps(e.data).decode() for e in ordered],
            "now": uow.now,
        },
    )


async def mark_acknowledged(uow: UnitOfWork, ack: Ack) -> None:
    """Note that a consumer has stored these events; unknown or already marked ones are left alone."""
    await uow.connection.execute(text("SET LOCAL synchronous_commit = off"))
    await uow.connection.execute(
        text(_ACKNOWLEDGE.format(schema=uow.schema)),
        {"consumer": ack.consumer.value, "event_ids": sorted(ack.event_ids), "now": uow.now},
    )


def acks_for(consumer: Service, envelopes: Sequence[Envelope]) -> dict[Service, Ack]:
    """Return what each producer is to be told after these envelopes have been stored."""
    ids: dict[Service, list[UUID]] = defaultdict(list)
    for envelope in envelopes:
        ids[envelope.source].append(envelope.id)
    return {producer: Ack(consumer, event_ids) for producer, event_ids in ids.items()}


_STORE = """
WITH e AS (
    SELECT * FROM unnest(
        CAST(:producers AS text[]), CAST(:subjects AS uuid[]), CAST(:sequences AS bigint[]), CAST(:event_ids AS uuid[]),
        CAST(:types AS text[]), CAST(:versions AS smallint[]), CAST(:times AS timestamptz[]),
        CAST(:traceparents AS text[]), CAST(:data AS jsonb[])
    ) WITH ORDINALITY
      AS t(producer, subject, sequence, event_id, type, version, occurred_at, traceparent, data, ord)
), first_seen AS (
    INSERT INTO {schema}.inbox_position (producer, subject, last_sequence, settled_count)
    SELECT DISTINCT producer, subject, 0, 0 FROM e ORDER BY subject, producer
    ON CONFLICT (producer, subject) DO NOTHING
)
INSERT INTO {schema}.inbox
    (producer, subject, sequence, event_id, type, version, occurred_at, traceparent, data, received_at, next_attempt_at)
SELECT e.producer, e.subject, e.sequence, e.event_id, e.type, e.version, e.occurred_at, e.traceparent, e.data,
       :now, :now
FROM e LEFT JOIN {schema}.inbox_position p USING (producer, subject)
WHERE e.sequence > coalesce(p.last_sequence, 0)
ORDER BY e.ord
ON CONFLICT DO NOTHING
"""

_ACKNOWLEDGE = """
UPDATE {schema}.outbox SET acked_at = :now
WHERE consumer = :consumer AND event_id = ANY(CAST(:event_ids AS uuid[])) AND acked_at IS NULL
"""
