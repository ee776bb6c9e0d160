"""The express lane: appeals of concurrent requests are written by one statement and one commit, replies kept with them.

Each request is answered after the commit that holds its own appeal. Whatever is not plain (a key used before, a
reference on record, a number drawn twice) is refused here without effect, for the ordinary path to decide.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
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

# A statement is prepared for each size of batch, so sizes are few and parameters stay far below the protocol's limit.
_LARGEST_BATCH: Final = 16
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

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._waiting: deque[tuple[Entry, asyncio.Future[None]]] = deque()
        self._something = asyncio.Event()
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._is_open = False
        self._connection: AsyncConnection | None = None

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
        try:
            while self._is_open or self._waiting:
                if not self._waiting:
                    self._something.clear()
                    await self._something.wait()
                    continue
                size = min(len(self._waiting), _LARGEST_BATCH)
                await self._write([self._waiting.popleft() for _ in range(size)])
        finally:
            await self._hang_up()

    async def _write(self, batch: Sequence[tuple[Entry, asyncio.Future[None]]]) -> None:
        try:
            await self._execute([entry for entry, _ in batch])
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

    async def _execute(self, entries: Sequence[Entry]) -> None:
        """Send the statement straight to the driver: outside a transaction block it is a transaction by itself."""
        driver = await self._driver()
        arguments = [value for entry in entries for value in _arguments(entry)]
        try:
            await driver.fetch(_statement(len(entries)), *arguments)
        except PostgresError:
            raise
        except BaseException:
            await self._hang_up()
            raise

    async def _driver(self) -> Any:
        """Return the lane's own connection, a new one when the last was lost."""
        if self._connection is not None:
            driver: Any = (await self._connection.get_raw_connection()).driver_connection
            if not driver.is_closed():
                return driver
            await self._hang_up()
        self._connection = await self._database.engine.connect()
        return (await self._connection.get_raw_connection()).driver_connection

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()


_CONSUMERS: Final = tuple(consumer.value for consumer in consumers_of(Service.INTAKE, AppealAccepted))
_ALL: Final[tuple[tuple[str, str], ...]] = (
    *COLUMNS,
    ("payload", "jsonb"),
    ("traceparent", "text"),
    ("reply_id", "bytea"),
    ("request_sha256", "bytea"),
    ("reply_status", "smallint"),
    ("reply_headers", "jsonb"),
    ("reply_body", "bytea"),
    *((f"event_for_{consumer}", "uuid") for consumer in _CONSUMERS),
)
_NO_REPLY: Final = (None, None, None, None, None)


def _arguments(entry: Entry) -> tuple[Any, ...]:
    reply = entry.reply
    return (
        *row_of(entry.new),
        entry.payload,
        entry.traceparent,
        *((reply.id, reply.request_sha256, reply.status, reply.headers, reply.body) if reply else _NO_REPLY),
        *(uuid7() for _ in _CONSUMERS),
    )


@lru_cache(maxsize=_LARGEST_BATCH)
def _statement(rows: int) -> str:
    """Return the statement for so many appeals: everything each of them owes, in one."""
    width = len(_ALL)
    values = ", ".join(
        "(" + ", ".join(f"${row * width + index}::{kind}" for index, (_, kind) in enumerate(_ALL, start=1)) + ")"
        for row in range(rows)
    )
    events = ", ".join(f"('{consumer}', event_for_{consumer})" for consumer in _CONSUMERS)
    return f"""
WITH input ({", ".join(name for name, _ in _ALL)}) AS MATERIALIZED (VALUES {values}),
sent AS MATERIALIZED (
    SELECT e.consumer, e.event_id, input.id AS subject, input.created_at, input.traceparent, input.payload
    FROM input CROSS JOIN LATERAL (VALUES {events}) AS e(consumer, event_id) WHERE input.payload IS NOT NULL
), k AS (
    INSERT INTO intake.idempotency_keys (id, request_sha256, status, headers, body, created_at)
    SELECT reply_id, request_sha256, reply_status, reply_headers, reply_body, created_at
    FROM input WHERE reply_id IS NOT NULL
), {APPEAL_PARTS}, q AS (
    INSERT INTO intake.outbox_position (consumer, subject, last_sequence) SELECT consumer, subject, 1 FROM sent
)
INSERT INTO intake.outbox
    (consumer, event_id, type, version, subject, sequence, occurred_at, traceparent, data, created_at, due_at)
SELECT consumer, event_id, '{AppealAccepted.TYPE}', {AppealAccepted.VERSION}, subject, 1,
       created_at, traceparent, payload, created_at, created_at
FROM sent
"""  # noqa: S608 - names and numbers of our own
