"""The mains of the two kinds of background process every service has: the relay and the worker."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from redis.asyncio import Redis

from shared.clock import Clock, SystemClock
from shared.db.engine import Database, is_database_trouble
from shared.messaging.acks import GatheringAcks
from shared.messaging.arq_transport import ArqTransport, run_arq_worker, worker_topic
from shared.messaging.connections import connect_database, connect_redis
from shared.messaging.consumer import Consumer
from shared.messaging.drain import Drain
from shared.messaging.drainer import Drainer
from shared.messaging.housekeeping import Retention, clean
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.telemetry import EventTelemetry
from shared.messaging.wake import RedisWake, Wake, relay_topic
from shared.observability.logging import configure_logging
from shared.observability.metrics import serve_metrics
from shared.observability.tracing import configure_tracing, stop_tracing
from shared.settings import ServiceSettings
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

_HOUSEKEEPING_SECONDS = 600
_WORKER_POOL = 8


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a background loop of a service works with."""

    service: Service
    settings: ServiceSettings
    database: Database
    redis: Redis
    wake: Wake
    clock: Clock


Background = Callable[[ProcessContext, asyncio.Event], Coroutine[Any, Any, None]]


@asynccontextmanager
async def process_context(
    settings: ServiceSettings, *, process: str, pool_size: int, receives: str
) -> AsyncIterator[ProcessContext]:
    """Open what a background process of a service needs, and close it again in reverse order."""
    redis = connect_redis(settings)
    wake = RedisWake(redis, [receives])
    clock = SystemClock()
    database = connect_database(
        settings,
        process=process,
        wake=wake,
        clock=clock,
        statement_timeout=settings.worker_statement_timeout,
        pool_size=pool_size,
        waits_for_disk=process != "relay",
    )
    wake.start()
    try:
        yield ProcessContext(settings.SERVICE, settings, database, redis, wake, clock)
    finally:
        await wake.stop()
        await database.dispose()
        await redis.aclose(close_connection_pool=True)


def relay_main(settings: ServiceSettings) -> None:
    """Run a service's relay until SIGTERM or SIGINT."""
    _run(settings, "relay", _relay)


def worker_main(settings: ServiceSettings, subscriptions: Subscriptions, background: Sequence[Background] = ()) -> None:
    """Run a service's worker, its sweep, its housekeeping and its own background loops until SIGTERM or SIGINT.

    Raises RuntimeError at once when the service is sent an event it has no handler for.
    """
    if missing := subscriptions.missing():
        raise RuntimeError(f"{settings.SERVICE.value} has no handler for: {', '.join(missing)}")

    async def main(settings: ServiceSettings, stop: asyncio.Event) -> None:
        await _worker(settings, subscriptions, background, stop)

    _run(settings, "worker", main)


async def repeat(name: str, every: timedelta, action: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Do `action` again and again, `every` apart, until `stop`; trouble with the database is logged and waited out.

    When `action` returns something true there is more to do, and it is done again at once.
    """
    while not stop.is_set():
        try:
            if await action():
                continue
        except Exception as error:
            if not is_database_trouble(error):
                raise
            log.warning("process.database_trouble", loop=name, error=type(error).__name__)
        try:
            async with asyncio.timeout(every.total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue


def _run(
    settings: ServiceSettings, process: str, main: Callable[[ServiceSettings, asyncio.Event], Awaitable[None]]
) -> None:
    import uvloop

    configure_logging(f"{settings.SERVICE.value}-{process}", level=settings.log_level)
    configure_tracing(f"minqing-{settings.SERVICE.value}-{process}", settings.otlp_endpoint)

    async def until_signalled() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        log.info("process.started", process=process)
        deadline = asyncio.create_task(_end_at_the_latest(stop, settings.shutdown_grace_seconds), name="deadline")
        try:
            await main(settings, stop)
        finally:
            deadline.cancel()
        log.info("process.stopped", process=process)

    try:
        uvloop.run(until_signalled())
    except Exception as error:
        log.critical("process.failed", process=process, exc_info=error)
        raise SystemExit(1) from None
    finally:
        stop_tracing()


async def _end_at_the_latest(stop: asyncio.Event, grace_seconds: float) -> None:
    """Let nothing keep a process that was told to stop: after the grace it says what still runs, and ends.

    Everything a background process does is safe to break off at any point, or killing it would lose something.
    """
    await stop.wait()
    await asyncio.sleep(grace_seconds)
    running = [f"{task.get_name()}: {_place_of(task)}" for task in asyncio.all_tasks() if not task.done()]
    log.error("process.did_not_stop", grace_seconds=grace_seconds, running=sorted(running))
    os._exit(1)


def _place_of(task: asyncio.Task[object]) -> str:
    """Name the innermost frame a task waits in."""
    frames = task.get_stack(limit=1)
    return f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "nowhere"


async def _relay(settings: ServiceSettings, stop: asyncio.Event) -> None:
    async with process_context(
        settings, process="relay", pool_size=2, receives=relay_topic(settings.SERVICE)
    ) as context:
        transport = ArqTransport(settings.redis_url.get_secret_value(), context.wake)
        try:
            await Relay(context.database, context.service, transport, context.wake).run(stop)
        finally:
            await transport.close()


async def _worker(
    settings: ServiceSettings, subscriptions: Subscriptions, background: Sequence[Background], stop: asyncio.Event
) -> None:
    async with process_context(
        settings, process="worker", pool_size=_WORKER_POOL, receives=worker_topic(settings.SERVICE)
    ) as context:
        redis_url = settings.redis_url.get_secret_value()
        sender = ArqTransport(redis_url, context.wake)
        transport = GatheringAcks(sender)
        drain = Drain(context.database, subscriptions, EventTelemetry(context.service))
        drainer = Drainer(drain)
        consumer = Consumer(context.database, context.service, transport, drainer.offer)

        if settings.worker_metrics_port:
            serve_metrics(settings.host, settings.worker_metrics_port)

        async def keep_house() -> None:
            await clean(context.database, Retention())

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(run_arq_worker(redis_url, context.service, consumer, context.wake, stop))
                tasks.create_task(drainer.run(stop))
                tasks.create_task(transport.run(stop))
                tasks.create_task(repeat("housekeeping", timedelta(seconds=_HOUSEKEEPING_SECONDS), keep_house, stop))
                for loop in background:
                    tasks.create_task(loop(context, stop))
        finally:
            await sender.close()
