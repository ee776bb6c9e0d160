"""The hints on a real Redis: delivered, acknowledged, lost with it, and back without help when it comes back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from deploy.embedded import RedisServer
from shared.clock import SystemClock
from shared.contracts.envelope import Envelope
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from shared.messaging.arq_transport import ArqTransport, queue_name, run_arq_worker
from shared.messaging.consumer import Consumer
from shared.messaging.drainer import Drainer
from shared.messaging.relay import Relay, RelaySettings
from shared.messaging.transport import Ack, TransportDown
from shared.messaging.wake import LocalWake, RedisWake
from shared.vocabulary import Service
from tests.support.message_flow import CONSUMER, PRODUCER, Flow, build_flow, close_flow
from tests.support.polling import eventually


@asynccontextmanager
async def running(urls: dict[Service, str], redis_url: str) -> AsyncIterator[Flow]:
    """Relay and both workers as tasks, with real Redis between them."""
    flow = await build_flow(urls, SystemClock())
    redis: Redis = Redis.from_url(redis_url)
    wake = RedisWake(redis)
    wake.start()
    stop = asyncio.Event()
    transport = ArqTransport(redis_url, wake)
    drainer = Drainer(flow.drain, sweep_seconds=0.2)
    consumer = Consumer(flow.consumer_db, CONSUMER, transport, drainer.offer)
    acked = Consumer(flow.producer, PRODUCER, transport, drainer.offer)
    relay = Relay(flow.producer, PRODUCER, transport, wake, RelaySettings(consumers=[CONSUMER]))
    tasks = [
        asyncio.create_task(relay.run(stop)),
        asyncio.create_task(run_arq_worker(redis_url, CONSUMER, consumer, wake, stop)),
        asyncio.create_task(run_arq_worker(redis_url, PRODUCER, acked, wake, stop)),
        asyncio.create_task(drainer.run(stop)),
    ]
    try:
        yield flow
        assert not [task for task in tasks if task.done()], "a loop ended by itself"
    finally:
        stop.set()
        await asyncio.wait(tasks, timeout=15)
        await wake.stop()
        await transport.close()
        await redis.aclose()
        await close_flow(flow)


async def all_settled(flow: Flow, expected: dict[UUID, list[int]]) -> bool:
    unacked = "SELECT count(*) FROM feedback.outbox WHERE consumer = 'dispatch' AND acked_at IS NULL"
    if await flow.scalar(flow.producer, unacked):
        return False
    return all([await flow.effects(subject) == numbers for subject, numbers in expected.items()])


async def settled(flow: Flow, expected: dict[UUID, list[int]]) -> None:
    async def check() -> bool:
        return await all_settled(flow, expected)

    done: bool = await eventually(check, timeout=30)
    assert done


async def publish_many(flow: Flow, appeals: int, events: int) -> dict[UUID, list[int]]:
    expected = {uuid7(): list(range(1, events + 1)) for _ in range(appeals)}
    for subject, numbers in expected.items():
        for number in numbers:
            await flow.publish(subject, number)
    return expected


async def test_events_travel_and_are_acknowledged(blank_database_urls: dict[Service, str], redis_url: str) -> None:
    async with running(blank_database_urls, redis_url) as flow:
        expected = await publish_many(flow, 20, 3)
        await settled(flow, expected)


async def test_a_flushed_redis_loses_nothing(
    blank_database_urls: dict[Service, str], redis_url: str, redis_server: RedisServer
) -> None:
    async with running(blank_database_urls, redis_url) as flow:
        expected: dict[UUID, list[int]] = {}
        for _ in range(6):
            expected |= await publish_many(flow, 5, 2)
            redis_server.command("FLUSHALL")
        await settled(flow, expected)


async def test_a_worker_whose_redis_goes_away_comes_back_by_itself(
    blank_database_urls: dict[Service, str], redis_url: str, redis_server: RedisServer
) -> None:
    async with running(blank_database_urls, redis_url) as flow:
        expected = await publish_many(flow, 3, 2)
        redis_server.kill()
        expected |= await publish_many(flow, 3, 2)
        redis_server.start()
        expected |= await publish_many(flow, 3, 2)
        await settled(flow, expected)


async def test_a_queue_holds_json_and_nothing_else(redis_url: str) -> None:
    transport = ArqTransport(redis_url, LocalWake())
    redis: Redis = Redis.from_url(redis_url)
    await transport.deliver(CONSUMER, [b'{"a":1}', b'{"b":2}'])
    (job_id,) = await redis.zrange(queue_name(CONSUMER), 0, -1)
    job = orjson.loads(await redis.get(b"arq:job:" + job_id))
    assert job["a"] == [[{"a": 1}, {"b": 2}]]
    assert await transport.backlog(CONSUMER) == 1
    await transport.close()
    await redis.aclose()


async def test_a_redis_that_is_away_is_told_as_transport_down(redis_url: str, redis_server: RedisServer) -> None:
    transport = ArqTransport(redis_url, LocalWake())
    redis_server.kill()
    with pytest.raises(TransportDown):
        await transport.deliver(CONSUMER, [b"{}"])
    with pytest.raises(TransportDown):
        await transport.backlog(CONSUMER)
    redis_server.start()
    await transport.deliver(CONSUMER, [b"{}"])
    await transport.close()


class Collector:
    """Notes what reaches it."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []

    async def receive(self, envelopes: Sequence[Envelope]) -> None:
        self.received.extend(envelopes)

    async def acknowledged(self, ack: Ack) -> None:
        raise NotImplementedError


async def test_what_is_not_an_envelope_stops_nothing(redis_url: str) -> None:
    good = Envelope(
        id=uuid7(), type="case.closed", version=1, source=PRODUCER, subject=uuid7(), time=SystemClock().now(),
        sequence=1, data={},
    )  # fmt: skip
    wake, stop, collector = LocalWake(), asyncio.Event(), Collector()
    transport = ArqTransport(redis_url, wake)
    await transport.deliver(CONSUMER, [b'{"id":"nonsense"}', good.model_dump_json().encode(), b"7"])
    worker = asyncio.create_task(run_arq_worker(redis_url, CONSUMER, collector, wake, stop))
    await eventually(lambda: collector.received == [good])
    stop.set()
    await worker
    await transport.close()


async def test_a_database_that_was_away_is_waited_for(blank_database_urls: dict[Service, str], redis_url: str) -> None:
    async with running(blank_database_urls, redis_url) as flow:
        await terminate_connections(flow.consumer_db)
        expected = await publish_many(flow, 5, 2)
        await terminate_connections(flow.consumer_db)
        await settled(flow, expected)


async def terminate_connections(database: Database) -> None:
    async def work(uow: UnitOfWork) -> None:
        sql = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )
        await uow.connection.execute(text(sql))

    await database.transact(work)


async def test_a_busy_worker_that_is_told_to_stop_stops(redis_url: str) -> None:
    wake = LocalWake()
    transport = ArqTransport(redis_url, wake)
    collector = Collector()
    fed_enough = asyncio.Event()
    feeding = asyncio.create_task(feed_until(fed_enough, transport))
    for _ in range(10):
        stop = asyncio.Event()
        worker = asyncio.create_task(run_arq_worker(redis_url, CONSUMER, collector, wake, stop))
        seen = len(collector.received)
        await eventually(lambda seen=seen: len(collector.received) > seen)  # type: ignore[misc]
        stop.set()
        async with asyncio.timeout(5):
            await worker
    fed_enough.set()
    await feeding
    await transport.close()


async def feed_until(enough: asyncio.Event, transport: ArqTransport) -> None:
    while not enough.is_set():
        event = Envelope(
            id=uuid7(), type="case.closed", version=1, source=PRODUCER, subject=uuid7(), time=SystemClock().now(),
            sequence=1, data={},
        )  # fmt: skip
        await transport.deliver(CONSUMER, [event.model_dump_json().encode()])
        if await transport.backlog(CONSUMER) > 20:
            await asyncio.sleep(0.02)  # no wait for anything: only a pace the worker can follow
