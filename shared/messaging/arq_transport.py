"""Hints over arq: the only module that imports it. Jobs are JSON, a batch each, never kept, never retried by arq.

arq loses jobs (ADR 4); that is allowed here, for the outbox sends again whatever is not acknowledged.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
import structlog
from arq.connections import ArqRedis
from arq.jobs import SerializationError
from arq.worker import Worker, func
from pydantic import ValidationError
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from shared.contracts.envelope import Envelope
from shared.messaging.transport import Ack, MessageReceiver, TransportDown
from shared.messaging.wake import Listener, Wake
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

_JOB_TIMEOUT_SECONDS = 60
_SOCKET_TIMEOUT_SECONDS = 5
_JOBS_AT_ONCE = 4
_IDLE_POLL_SECONDS = 1.0
_LAST_POLL_SECONDS = 1.0
_RECONNECT_SECONDS = 0.25
_LONGEST_RECONNECT_SECONDS = 2.0
_HINT_LIFE_SECONDS = 3600
_TROUBLE = (RedisError, OSError, TimeoutError)


def queue_name(service: Service) -> str:
    """Return the arq queue a service's worker reads."""
    return f"minqing:{service.value}"


def worker_topic(service: Service) -> str:
    """Signalled when a batch has been put into a service's queue."""
    return f"worker:{service.value}"


def _connect(redis_url: str) -> ArqRedis:
    pool: ConnectionPool = ConnectionPool.from_url(
        redis_url,
        socket_connect_timeout=2,
        socket_timeout=_SOCKET_TIMEOUT_SECONDS,
        health_check_interval=30,
    )
    return ArqRedis(pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads)


class ArqTransport:
    """Puts batches into the queues of other services."""

    def __init__(self, redis_url: str, wake: Wake) -> None:
        self._redis = _connect(redis_url)
        self._wake = wake

    async def deliver(self, consumer: Service, envelopes: Sequence[bytes]) -> None:
        """Enqueue one job with the whole batch. Raises TransportDown when Redis does not take it."""
        await self._enqueue(consumer, "deliver", [orjson.Fragment(envelope) for envelope in envelopes])

    async def acknowledge(self, producer: Service, ack: Ack) -> None:
        """Enqueue one job with the ids. Raises TransportDown when Redis does not take it."""
        await self._enqueue(producer, "acknowledge", ack.consumer.value, [str(event_id) for event_id in ack.event_ids])

    async def backlog(self, consumer: Service) -> int:
        """Return the length of a consumer's queue. Raises TransportDown."""
        try:
            async with asyncio.timeout(_SOCKET_TIMEOUT_SECONDS):
                return int(await self._redis.zcard(queue_name(consumer)))
        except _TROUBLE as error:
            raise TransportDown(type(error).__name__) from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose(close_connection_pool=True)

    async def _enqueue(self, service: Service, function: str, *arguments: Any) -> None:
        try:
            async with asyncio.timeout(_SOCKET_TIMEOUT_SECONDS):
                await self._redis.enqueue_job(
                    function, *arguments, _queue_name=queue_name(service), _expires=_HINT_LIFE_SECONDS
                )
        except (*_TROUBLE, SerializationError) as error:
            raise TransportDown(type(error).__name__) from error
        self._wake.signal(worker_topic(service))


class _HintWorker(Worker):
    """An arq worker that looks at its queue when it is woken, and every second in any case."""

    listener: Listener

    async def main(self) -> None:
        # Not `while True`: a cancellation that arrives inside the Redis client can be swallowed there.
        while self.allow_pick_jobs:
            await self._poll_iteration()
            await self.listener.wait(_IDLE_POLL_SECONDS)


async def run_arq_worker(
    redis_url: str, service: Service, receiver: MessageReceiver, wake: Wake, stop: asyncio.Event
) -> None:
    """Receive hints until `stop` is set; when Redis goes away, wait and come back without help from outside."""
    pause = _RECONNECT_SECONDS
    while not stop.is_set():
        try:
            async with _worker(redis_url, service, receiver, wake) as worker:
                await _run_until(worker, stop)
                pause = _RECONNECT_SECONDS
        except _TROUBLE as error:
            log.warning("worker.redis_away", service=service, error=type(error).__name__)
            await _pause(stop, pause)
            pause = min(pause * 2, _LONGEST_RECONNECT_SECONDS)


@asynccontextmanager
async def _worker(
    redis_url: str, service: Service, receiver: MessageReceiver, wake: Wake
) -> AsyncIterator[_HintWorker]:
    redis = _connect(redis_url)
    listener = wake.listen(worker_topic(service))

    async def look_again(_: Any) -> None:
        listener.notify()

    try:
        worker = _HintWorker(
            functions=[
                func(_deliver(receiver), name="deliver", keep_result=0, max_tries=1),
                func(_acknowledged(receiver), name="acknowledge", keep_result=0, max_tries=1),
            ],
            queue_name=queue_name(service),
            redis_pool=redis,
            handle_signals=False,
            max_jobs=_JOBS_AT_ONCE,
            job_timeout=_JOB_TIMEOUT_SECONDS,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            log_results=False,
            after_job_end=look_again,  # type: ignore[arg-type]  # arq's protocol asks for a method
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
        )
        worker.listener = listener
        try:
            yield worker
        finally:
            await _finish_jobs(worker)
    finally:
        listener.close()
        await redis.aclose(close_connection_pool=True)


async def _run_until(worker: _HintWorker, stop: asyncio.Event) -> None:
    main = asyncio.create_task(worker.main(), name="arq-worker")
    stopped = asyncio.create_task(stop.wait(), name="arq-stop")
    try:
        await asyncio.wait({main, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        worker.allow_pick_jobs = False
        worker.listener.notify()
        stopped.cancel()
        await asyncio.wait({main}, timeout=_LAST_POLL_SECONDS)
        main.cancel()
        await asyncio.wait({main, stopped})
    if not main.cancelled() and (failure := main.exception()) is not None:
        raise failure


async def _finish_jobs(worker: _HintWorker) -> None:
    """Let running jobs end; each leaves the database consistent however it ends, and is sent again if it did not."""
    if worker.tasks:
        _, pending = await asyncio.wait(worker.tasks.values(), timeout=5)
        for task in pending:
            task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _deliver(receiver: MessageReceiver) -> Any:
    async def deliver(_: dict[Any, Any], documents: list[Any]) -> None:
        envelopes = []
        for document in documents:
            try:
                envelopes.append(Envelope.model_validate(document))
            except ValidationError as error:
                # Not stored, so not acknowledged: it stays visible in its producer's outbox as undelivered.
                log.error("worker.not_an_envelope", problems=error.error_count())
        if envelopes:
            await receiver.receive(envelopes)

    return deliver


def _acknowledged(receiver: MessageReceiver) -> Any:
    async def acknowledge(_: dict[Any, Any], consumer: str, event_ids: list[str]) -> None:
        await receiver.acknowledged(Ack(Service(consumer), [UUID(event_id) for event_id in event_ids]))

    return acknowledge
