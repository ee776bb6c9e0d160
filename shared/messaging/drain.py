"""Applying: per appeal, in the producer's order; effect, inbox mark and position in one transaction (ADR 3 and 5)."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import Row, text

from shared.contracts.envelope import Envelope
from shared.db.engine import Database, RetryTransaction, is_database_trouble, sqlstate_of
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.subscriptions import Subscriptions
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
_FIRST_BACKOFF = timedelta(milliseconds=250)
_LONGEST_BACKOFF = timedelta(seconds=60)
_MAX_EVENTS_PER_STREAM = 50

Stream = tuple[Service, UUID]


class DrainObserver:
    """Sees what a drain does; this one looks away. Nothing it does may fail the drain."""

    def span(self, envelope: Envelope) -> contextlib.AbstractContextManager[object]:  # noqa: ARG002
        """Wrap the application of one event."""
        return contextlib.nullcontext()

    def applied(self, envelopes: Sequence[Envelope], at: datetime) -> None:
        """These have taken effect: their transaction has committed, which began at `at`."""

    def failed(self, event_type: str, *, dead: bool) -> None:
        """One more attempt at an event has failed; `dead` when it was the last."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What one drain did: how many events took effect, and the streams that were left because of an error."""

    events: int
    failed: tuple[Stream, ...] = ()


class Drain:
    """Applies a consumer's pending inbox rows."""

    def __init__(self, database: Database, subscriptions: Subscriptions, observer: DrainObserver | None = None) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._observer = observer or DrainObserver()
        schema = database.schema
        self._lock = text(_LOCK.format(schema=schema))
        self._pending = text(_PENDING.format(schema=schema))
        self._settle = text(_SETTLE.format(schema=schema))
        self._fail = text(_FAIL.format(schema=schema))
        self._ready = text(_READY.format(schema=schema))

    async def ready_streams(self, limit: int = 200) -> list[Stream]:
        """Return streams whose next event is stored, pending and due: what a crash or a back-off left behind."""

        async def read(uow: UnitOfWork) -> list[Stream]:
            result = await uow.connection.execute(self._ready, {"now": uow.now, "limit": limit})
            return [(Service(row.producer), row.subject) for row in result]

        return await self._database.transact(read)

    async def drain(self, streams: Iterable[Stream]) -> Applied:
        """Apply what is ready in these streams: all in one transaction, or, if that fails, each stream by itself.

        Raises nothing for a poisoned event: it is counted against the event, which blocks only its own appeal.
        Trouble with the database itself is raised, and nothing has happened.
        """
        wanted = sorted(set(streams), key=lambda stream: (stream[1], stream[0]))
        if not wanted:
            return Applied(0)
        try:
            return Applied(await self._database.transact(lambda uow: self._apply_wave(uow, wanted)))
        except Exception as error:  # noqa: BLE001 - told apart below; each stream is then tried alone
            _raise_if_trouble(error)
            log.info("drain.batch_failed", consumer=self._subscriptions.consumer, error=type(error).__name__)
        return await self._drain_each(wanted)

    async def _drain_each(self, streams: Sequence[Stream]) -> Applied:
        events = 0
        failed = []
        for stream in streams:
            try:
                events += await self._database.transact(partial(self._apply_stream, stream=stream))
            except Exception as error:  # noqa: BLE001 - told apart: trouble passes, the rest counts against the event
                _raise_if_trouble(error)
                failed.append(stream)
                failure = _describe(error)
                await self._database.transact(partial(self._record_failure, stream=stream, failure=failure))
        return Applied(events, tuple(failed))

    async def _apply_wave(self, uow: UnitOfWork, streams: Sequence[Stream]) -> int:
        queues = await self._load(uow, streams)
        done: list[Envelope] = []
        while wave := _next_wave(queues):
            if len(wave) == 1:
                with self._observer.span(wave[0]):
                    await self._subscriptions.apply(uow, wave[0])
            else:
                await self._subscriptions.apply_many(uow, wave)
            done.extend(wave)
        await self._mark(uow, done)
        return len(done)

    async def _apply_stream(self, uow: UnitOfWork, *, stream: Stream) -> int:
        """Apply events of one stream until it ends or one fails; what was applied before a failure is kept.

        A failure of the first event is raised, so that the caller counts it; a later one is met again as the first.
        """
        envelopes = (await self._load(uow, [stream])).get(stream, [])
        done: list[Envelope] = []
        for envelope in envelopes:
            published = uow.take_pending()
            savepoint = await uow.connection.begin_nested()
            try:
                with self._observer.span(envelope):
                    await self._subscriptions.apply(uow, envelope)
            except Exception as error:
                _raise_if_trouble(error)
                if not done:
                    raise
                await savepoint.rollback()
                uow.take_pending()
                uow.restore_pending(published)
                break
            await savepoint.commit()
            uow.restore_pending(published)
            done.append(envelope)
        await self._mark(uow, done)
        return len(done)

    async def _load(self, uow: UnitOfWork, streams: Sequence[Stream]) -> dict[Stream, list[Envelope]]:
        keys = {"producers": [s[0].value for s in streams], "subjects": [s[1] for s in streams]}
        locked = await uow.connection.execute(self._lock, keys)
        positions = {(Service(row.producer), row.subject): row.last_sequence for row in locked}
        rows = await uow.connection.execute(
            self._pending, {**keys, "now": uow.now, "limit": _MAX_EVENTS_PER_STREAM * len(streams)}
        )
        queues = _consecutive(rows.all(), positions)
        for queue in queues.values():
            uow.traces.update({e.subject: e.traceparent for e in queue if e.traceparent})
        return queues

    async def _mark(self, uow: UnitOfWork, done: Sequence[Envelope]) -> None:
        if not done:
            return
        uow.after_commit(lambda: self._observer.applied(done, uow.now))
        last: dict[Stream, int] = {}
        count: dict[Stream, int] = {}
        for envelope in done:
            stream = (envelope.source, envelope.subject)
            last[stream] = envelope.sequence
            count[stream] = count.get(stream, 0) + 1
        await uow.connection.execute(
            self._settle,
            {
                "event_ids": [e.id for e in done],
                "now": uow.now,
                "producers": [stream[0].value for stream in last],
                "subjects": [stream[1] for stream in last],
                "sequences": list(last.values()),
                "counts": [count[stream] for stream in last],
            },
        )

    async def _record_failure(self, uow: UnitOfWork, *, stream: Stream, failure: str) -> None:
        result = await uow.connection.execute(
            self._fail,
            {
                "producer": stream[0].value,
                "subject": stream[1],
                "error": failure,
                "max_attempts": MAX_ATTEMPTS,
                "now": uow.now,
                "first": _FIRST_BACKOFF,
                "longest": _LONGEST_BACKOFF,
            },
        )
        for row in result:
            log.warning(
                "drain.event_failed",
                consumer=self._subscriptions.consumer,
                event_id=str(row.event_id),
                event_type=row.type,
                attempts=row.attempts,
                state=row.state,
                error=failure,
            )
            self._observer.failed(row.type, dead=row.state == "dead")


def _describe(error: BaseException) -> str:
    """Name an error without its text, which may hold personal data."""
    code = sqlstate_of(error) or getattr(error, "code", None)
    return f"{type(error).__name__} [{code}]" if isinstance(code, str) else type(error).__name__


def _raise_if_trouble(error: Exception) -> None:
    """Pass on what is the database's or the runner's doing; an event is blamed only for its own errors."""
    if isinstance(error, RetryTransaction) or is_database_trouble(error):
        raise error


def _next_wave(queues: dict[Stream, list[Envelope]]) -> list[Envelope]:
    """Take the next event of each appeal: never two of one appeal in a wave, whichever producer they come from."""
    wave: list[Envelope] = []
    subjects: set[UUID] = set()
    for (_, subject), queue in queues.items():
        if queue and subject not in subjects:
            subjects.add(subject)
            wave.append(queue.pop(0))
    return wave


def _consecutive(rows: Iterable[Row[tuple[object, ...]]], positions: dict[Stream, int]) -> dict[Stream, list[Envelope]]:
    """Keep, per stream, the events that follow the position without a gap; an early one waits for its predecessor."""
    queues: dict[Stream, list[Envelope]] = {stream: [] for stream in positions}
    expected = {stream: last + 1 for stream, last in positions.items()}
    for row in rows:
        stream = (Service(row.producer), row.subject)
        if expected.get(stream) != row.sequence or not row.is_due:
            expected.pop(stream, None)
            continue
        expected[stream] += 1
        queues[stream].append(_envelope(row))
    return queues


def _envelope(row: Row[tuple[object, ...]]) -> Envelope:
    return Envelope.model_construct(
        id=row.event_id,
        type=row.type,
        version=row.version,
        source=Service(row.producer),
        subject=row.subject,
        time=row.occurred_at,
        sequence=row.sequence,
        traceparent=row.traceparent,
        data=row.data,
    )


_KEYS = "SELECT * FROM unnest(CAST(:producers AS text[]), CAST(:subjects AS uuid[])) AS k(producer, subject)"

# All positions of an appeal in one order, whoever asks: two drains of the same appeal queue up instead of deadlocking.
_LOCK = f"""
SELECT p.producer, p.subject, p.last_sequence
FROM {{schema}}.inbox_position p JOIN ({_KEYS}) AS k USING (producer, subject)
ORDER BY p.subject, p.producer
FOR UPDATE OF p
"""  # noqa: S608 - put together from constants

_PENDING = f"""
SELECT i.producer, i.subject, i.sequence, i.event_id, i.type, i.version, i.occurred_at, i.traceparent, i.data,
       i.state = 'pending' AND i.next_attempt_at <= :now AS is_due
FROM {{schema}}.inbox i JOIN ({_KEYS}) AS k USING (producer, subject)
WHERE i.state IN ('pending', 'dead')
ORDER BY i.subject, i.producer, i.sequence
LIMIT :limit
"""  # noqa: S608 - put together from constants

_SETTLE = """
WITH settled AS (
    UPDATE {schema}.inbox SET state = 'applied', settled_at = :now, attempts = attempts + 1, last_error = NULL
    WHERE event_id = ANY(CAST(:event_ids AS uuid[])) AND state = 'pending'
)
UPDATE {schema}.inbox_position p
SET last_sequence = v.sequence, settled_count = p.settled_count + v.count
FROM unnest(
    CAST(:producers AS text[]), CAST(:subjects AS uuid[]), CAST(:sequences AS bigint[]), CAST(:counts AS bigint[])
) AS v(producer, subject, sequence, count)
WHERE p.producer = v.producer AND p.subject = v.subject
"""

_FAIL = """
UPDATE {schema}.inbox i
SET attempts = i.attempts + 1,
    last_error = :error,
    state = CASE WHEN i.attempts + 1 >= :max_attempts THEN 'dead' ELSE i.state END,
    next_attempt_at = CAST(:now AS timestamptz)
        + least(CAST(:longest AS interval), CAST(:first AS interval) * power(2, i.attempts))
FROM {schema}.inbox_position p
WHERE p.producer = :producer AND p.subject = :subject
  AND i.producer = p.producer AND i.subject = p.subject AND i.sequence = p.last_sequence + 1 AND i.state = 'pending'
RETURNING i.event_id, i.type, i.attempts, i.state
"""

_READY = """
SELECT i.producer, i.subject
FROM {schema}.inbox i JOIN {schema}.inbox_position p USING (producer, subject)
WHERE i.state = 'pending' AND i.next_attempt_at <= :now AND i.sequence = p.last_sequence + 1
ORDER BY i.next_attempt_at
LIMIT :limit
"""
