"""The connection to one service's database: pooled, bounded in time, the one place where a transaction is retried."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.clock import Clock, SystemClock
from shared.db.unit_of_work import EventSink, UnitOfWork
from shared.db.urls import async_url

T = TypeVar("T")

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
_RETRYABLE = frozenset({SERIALIZATION_FAILURE, DEADLOCK_DETECTED})
_MAX_ATTEMPTS = 5
_FIRST_PAUSE = 0.005


class RetryTransaction(Exception):
    """Raised inside a transaction to have it rolled back and run again, e.g. after losing a race on a unique key."""


def sqlstate_of(error: BaseException) -> str | None:
    """Return the five-character SQLSTATE behind an exception, or None if it did not come from PostgreSQL."""
    origin = getattr(error, "orig", error)
    state = getattr(origin, "sqlstate", None) or getattr(getattr(origin, "__cause__", None), "sqlstate", None)
    return state if isinstance(state, str) else None


# Connection exceptions, transaction rollback after all retries, insufficient resources, system and internal errors.
_TROUBLE_CLASSES = frozenset({"08", "40", "53", "58", "XX"})
# admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction_session_timeout
_TROUBLE_STATES = frozenset({"57P01", "57P02", "57P03", "25P03"})


def is_database_trouble(error: BaseException) -> bool:
    """Tell whether the database is away or overloaded, as opposed to having refused what it was asked."""
    # The driver's InternalClientError is a connection that was cut in the middle of a reply.
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError | asyncpg.InternalClientError):
        return True
    if not isinstance(error, DBAPIError | asyncpg.PostgresError | asyncpg.InterfaceError):
        return False
    if getattr(error, "connection_invalidated", False):
        return True
    state = sqlstate_of(error)
    if state is not None:
        return state[:2] in _TROUBLE_CLASSES or state in _TROUBLE_STATES
    cause = error if isinstance(error, asyncpg.InterfaceError) else getattr(error.orig, "__cause__", None)
    if isinstance(cause, asyncpg.InternalClientError):
        return True
    # The driver's own complaint about an argument is an InterfaceError too; that one is a ValueError as well.
    return isinstance(cause, OSError | asyncpg.InterfaceError) and not isinstance(cause, ValueError)


def _plain(value: Any) -> str:
    if isinstance(value, UUID):  # the driver's own subclass
        return str(value)
    raise TypeError(type(value).__name__)


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=_plain).decode()


class Database:
    """One service's database. `transact` is the only way to write; it commits before it returns."""

    def __init__(self, engine: AsyncEngine, *, schema: str, clock: Clock, sink: EventSink | None = None) -> None:
        self.engine = engine
        self.schema = schema
        self.clock = clock
        self._sink = sink

    @classmethod
    def connect(  # noqa: PLR0913 - all keyword-only, each one setting
        cls,
        url: str,
        *,
        schema: str,
        application_name: str,
        clock: Clock | None = None,
        sink: EventSink | None = None,
        statement_timeout: timedelta = timedelta(seconds=5),
        pool_size: int = 10,
        max_overflow: int = 0,
        pool_timeout: timedelta = timedelta(seconds=5),
        waits_for_disk: bool = True,
    ) -> "Database":
        """Prepare the pool; no connection is made yet.

        `waits_for_disk` false lets commits return before they are durable: for what may be lost, like leases.

        `statement_timeout` bounds each statement and, doubled, an idle transaction; lock waits are bounded by it too.
        """
        timeout_ms = str(int(statement_timeout.total_seconds() * 1000))
        engine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=pool_timeout.total_seconds(),
            pool_pre_ping=False,
            pool_recycle=1800,
            pool_use_lifo=True,
            hide_parameters=True,  # an error's text must not carry what somebody typed
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": statement_timeout.total_seconds() + 5,
                "server_settings": {
                    "application_name": application_name,
                    "search_path": schema,
                    "statement_timeout": timeout_ms,
                    "idle_in_transaction_session_timeout": str(int(timeout_ms) * 2),
                    "timezone": "UTC",
                    "jit": "off",
                    "synchronous_commit": "on" if waits_for_disk else "off",
                },
            },
        )
        return cls(engine, schema=schema, clock=clock or SystemClock(), sink=sink)

    async def transact(
        self,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        read_only: bool = False,
    ) -> T:
        """Run `work` in one transaction, write its events to the outbox, commit, then run its after-commit hooks.

        A serialisation failure, a deadlock or RetryTransaction rolls back and runs `work` again, at most five times
        in all with a growing random pause; so `work` must have no effect outside the database. Anything else that it
        raises rolls back and passes through. When this returns, the commit is done: only then may a reply be sent.
        """
        pause = _FIRST_PAUSE
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return await self._attempt(work, read_only=read_only)
            except RetryTransaction:
                if attempt == _MAX_ATTEMPTS:
                    raise
            except DBAPIError as error:
                if attempt == _MAX_ATTEMPTS or sqlstate_of(error) not in _RETRYABLE:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause *= 2
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, work: Callable[[UnitOfWork], Awaitable[T]], *, read_only: bool) -> T:
        async with self.engine.connect() as connection:
            if read_only:
                await connection.execution_options(postgresql_readonly=True)
            async with connection.begin():
                uow = UnitOfWork(connection, self.clock, self.schema, self._sink)
                result = await work(uow)
                pending = uow.take_pending()
                if pending:
                    if self._sink is None:
                        raise RuntimeError("this database has no outbox to publish to")
                    await self._sink.write(uow, pending)
        for hook in uow.take_hooks():
            hook()
        return result

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is its own transaction: one round trip where one statement is enough.

        Nothing can be published on it, and nothing is retried.
        """
        async with self.engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def dispose(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()
