"""The express lane: appeals of concurrent requests are written by one statement and one commit, replies kept with them.

Each request is answered after the commit that holds its own appeal. Whatever is not plain (a key used before, a
reference on record, a number drawn twice) is refused here without effect, for the ordinary path to decide.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from asyncpg.exceptions import PostgresError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.registration import APPEAL_PARTS, COLUMNS, NewAppeal, row_of
from shared.contracts.events import AppealAccepted
from shared.contracts.topology import consumers_of
from shared.db.engine import Database, sqlstate_of
from shared.ids import uuid7
from shared.messaging.wake import Wake, relay_topic
from shared.vocabulary import Service

_LARGEST_BATCH: Final = 64
_REMEMBERED_KEYS: Final = 20_000
# Classes of SQLSTATE that say the statement itself was refused: data, a rule of the tables, a race.
_WITHOUT_EFFECT: Final = frozenset({"22", "23", "40"})


class NotPlain(Exception):
    """Nothing was written; the ordinary path is to decide."""


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply to be kept under an idempotency key, its body sealed."""

    id: bytes
    request_sha256: bytes
    status: int
    headers: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One appeal on the lane: the appeal, the event's payload if it is accepted, the reply if there is a key."""

    new: NewAppeal
    payload: str | None
    traceparent: str | None
    reply: KeptReply | None


class ExpressLane:
    """Writes what has gathered while the statement before was under way."""

    def __init__(self, database: Database, wake: Wake, *, lanes: int = 1) -> None:
        self._database = database
        self._wake = wake
        self._lanes = lanes
        self._waiting: deque[tuple[Entry, asyncio.Future[None]]] = deque()
        self._something = asyncio.Event()
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._is_open = False

    async def register(self, entry: Entry) -> None:
        """Return once the appeal is committed.

        Raises NotPlain when nothing was written and the ordinary path is to decide; anything else that goes wrong with
        the database is raised as it is, and then whether the appeal is stored is not known.
        """
        if not self._is_open or self._is_known(entry.reply):
            raise NotPlain
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._something.set()
        await done

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the lane open; at the end what is waiting is still written."""
        self._is_open = True
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._lanes):
                tasks.create_task(self._serve())
            try:
                yield
            finally:
                self._is_open = False
                self._something.set()

    def _is_known(self, reply: KeptReply | None) -> bool:
        """Remember the key; a key that this process has seen is a repetition, which the ordinary path answers."""
        if reply is None:
            return False
        if reply.id in self._known:
            return True
        self._known[reply.id] = None
        if len(self._known) > _REMEMBERED_KEYS:
            self._known.popitem(last=False)
        return False

    async def _serve(self) -> None:
        while self._is_open or self._waiting:
            if not self._waiting:
                self._something.clear()
                await self._something.wait()
                continue
            size = min(len(self._waiting), _LARGEST_BATCH)
            await self._write([self._waiting.popleft() for _ in range(size)])

    async def _write(self, batch: Sequence[tuple[Entry, asyncio.Future[None]]]) -> None:
        try:
            async with self._database.engine.connect() as connection:
                await _execute(connection, [entry for entry, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            refused = (sqlstate_of(error) or "")[:2] in _WITHOUT_EFFECT
            failure = NotPlain() if refused else error
            for _, done in batch:
                if not done.done():
                    done.set_exception(failure)
            return
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        if any(entry.payload is not None for entry, _ in batch):
            self._wake.signal(relay_topic(Service.INTAKE.value))


async def _execute(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Send the statement straight to the driver: outside a transaction block it is a transaction by itself."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    try:
        await driver.fetch(_STATEMENT, *_arguments(entries))
    except PostgresError:
        raise
    except BaseException:
        await connection.invalidate()
        raise


_MORE: Final[tuple[tuple[str, str], ...]] = (
    ("payload", "jsonb"),
    ("traceparent", "text"),
    ("reply_id", "bytea"),
    ("request_sha256", "bytea"),
    ("reply_status", "smallint"),
    ("reply_headers", "jsonb"),
    ("reply_body", "bytea"),
)
_ALL: Final = (*COLUMNS, *_MORE)
_CONSUMERS: Final = tuple(consumer.value for consumer in consumers_of(Service.INTAKE, AppealAccepted))
_NO_REPLY: Final = (None, None, None, None, None)


def _arguments(entries: Sequence[Entry]) -> list[list[Any]]:
    rows = [(*row_of(entry.new), entry.payload, entry.traceparent, *_reply_of(entry.reply)) for entry in entries]
    columns = [list(column) for column in zip(*rows, strict=True)]
    subjects = [entry.new.id for entry in entries if entry.payload is not None for _ in _CONSUMERS]
    consumers = [consumer for entry in entries if entry.payload is not None for consumer in _CONSUMERS]
    return [*columns, consumers, [uuid7() for _ in subjects], subjects]


def _reply_of(reply: KeptReply | None) -> tuple[Any, ...]:
    if reply is None:
        return _NO_REPLY
    return (reply.id, reply.request_sha256, reply.status, reply.headers, reply.body)


def _statement() -> str:
    arrays = ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(_ALL, start=1))
    names = ", ".join(name for name, _ in _ALL)
    first = len(_ALL) + 1
    return f"""
WITH input AS MATERIALIZED (SELECT * FROM unnest({arrays}) AS t({names})),
sent AS MATERIALIZED (
    SELECT * FROM unnest(${first}::text[], ${first + 1}::uuid[], ${first + 2}::uuid[]) AS t(consumer, event_id, subject)
), k AS (
    INSERT INTO intake.idempotency_keys (id, request_sha256, status, headers, body, created_at)
    SELECT reply_id, request_sha256, reply_status, reply_headers, reply_body, created_at
    FROM input WHERE reply_id IS NOT NULL
), {APPEAL_PARTS}, q AS (
    INSERT INTO intake.outbox_position (consumer, subject, last_sequence) SELECT consumer, subject, 1 FROM sent
)
INSERT INTO intake.outbox
    (consumer, event_id, type, version, subject, sequence, occurred_at, traceparent, data, created_at, due_at)
SELECT sent.consumer, sent.event_id, '{AppealAccepted.TYPE}', {AppealAccepted.VERSION}, sent.subject, 1,
       input.created_at, input.traceparent, input.payload, input.created_at, input.created_at
FROM sent JOIN input ON input.id = sent.subject
"""  # noqa: S608 - names and numbers of our own


_STATEMENT: Final = _statement()
