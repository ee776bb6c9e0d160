"""A small producer and consumer on real databases: the message flow without any of the services' business."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from shared.clock import Clock
from shared.contracts.envelope import Envelope
from shared.contracts.events import CaseClosed
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.consumer import Consumer
from shared.messaging.drain import Drain
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay, RelaySettings
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.tables import messaging_tables
from shared.messaging.transport import Ack, TransportDown
from shared.messaging.wake import LocalWake
from shared.vocabulary import EvaluationOutcome, Service

PRODUCER = Service.FEEDBACK
CONSUMER = Service.DISPATCH


class BoxTransport:
    """Keeps what is sent in boxes, so that a test decides what arrives, when, how often, and in which order."""

    def __init__(self) -> None:
        self.batches: list[tuple[Service, list[bytes]]] = []
        self.acks: list[tuple[Service, Ack]] = []
        self.is_down = False
        self.waiting = 0

    async def deliver(self, consumer: Service, envelopes: Sequence[bytes]) -> None:
        if self.is_down:
            raise TransportDown("switched off by the test")
        self.batches.append((consumer, list(envelopes)))

    async def acknowledge(self, producer: Service, ack: Ack) -> None:
        if self.is_down:
            raise TransportDown("switched off by the test")
        self.acks.append((producer, ack))

    async def backlog(self, consumer: Service) -> int:
        if self.is_down:
            raise TransportDown("switched off by the test")
        return self.waiting

    def take(self, consumer: Service = CONSUMER) -> list[Envelope]:
        """Return and forget every envelope sent to `consumer`."""
        taken = [
            Envelope.model_validate(orjson.loads(e)) for to, batch in self.batches if to is consumer for e in batch
        ]
        self.batches = [item for item in self.batches if item[0] is not consumer]
        return taken


class Refusal(Exception):
    """Raised by the handler for events a test has poisoned."""


@dataclass
class Flow:
    """Producer database → transport → consumer database, with a handler that writes one row per effect."""

    producer: Database
    consumer_db: Database
    transport: BoxTransport
    relay: Relay
    drain: Drain
    consumer: Consumer
    subscriptions: Subscriptions
    poisoned: set[int] = field(default_factory=set)

    async def publish(self, subject: UUID, *numbers: int) -> None:
        """Publish one event per number, in one transaction; the number travels as the event's satisfaction round."""

        async def work(uow: UnitOfWork) -> None:
            for number in numbers:
                uow.publish(closed(uow, number), subject=subject)

        await self.producer.transact(work)

    async def deliver(self, envelopes: Sequence[Envelope] | None = None) -> None:
        """Bring what was sent (or the given envelopes) to the consumer."""
        arriving = self.transport.take() if envelopes is None else envelopes
        if arriving:
            await self.consumer.receive(arriving)

    async def sweep(self) -> int:
        """What a worker's sweep does: apply what is ready and nobody brings up."""
        return (await self.drain.drain(await self.drain.ready_streams())).events

    async def bring_acks(self) -> None:
        """Bring every ack back to the producer."""
        acks, self.transport.acks = self.transport.acks, []
        other = Consumer(self.producer, PRODUCER, self.transport, self.drain.drain)
        for _, ack in acks:
            await other.acknowledged(ack)

    async def effects(self, subject: UUID) -> list[int]:
        """The numbers applied for a subject, in the order they took effect."""

        async def read(uow: UnitOfWork) -> list[int]:
            sql = text("SELECT number FROM dispatch.effect WHERE subject = :s ORDER BY id")
            return [row.number for row in await uow.connection.execute(sql, {"s": subject})]

        return await self.consumer_db.transact(read)

    async def scalar(self, database: Database, sql: str, **parameters: Any) -> Any:
        async def read(uow: UnitOfWork) -> Any:
            return (await uow.connection.execute(text(sql), parameters)).scalar()

        return await database.transact(read)


def closed(uow: UnitOfWork, number: int) -> CaseClosed:
    """An event that carries a number."""
    return CaseClosed(round=number, at=uow.now, evaluation=EvaluationOutcome.NONE, reason="test")


async def build_flow(
    urls: dict[Service, str],
    clock: Clock,
    *,
    relay_settings: RelaySettings | None = None,
    batch_handler: bool = False,
) -> Flow:
    """Create the message tables and an `effect` table, and wire everything to a BoxTransport."""
    producer = _connect(urls, PRODUCER, clock)
    consumer_db = _connect(urls, CONSUMER, clock)
    for database in (producer, consumer_db):
        await _create_tables(database)
    async with consumer_db.engine.begin() as connection:
        await connection.execute(
            text(
                "CREATE TABLE dispatch.effect (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                "subject uuid NOT NULL, number int NOT NULL)"
            )
        )
    transport = BoxTransport()
    subscriptions = Subscriptions(CONSUMER)
    drain = Drain(consumer_db, subscriptions)
    flow = Flow(
        producer,
        consumer_db,
        transport,
        Relay(producer, PRODUCER, transport, LocalWake(), relay_settings or RelaySettings(consumers=[CONSUMER])),
        drain,
        Consumer(consumer_db, CONSUMER, transport, drain.drain),
        subscriptions,
    )
    _subscribe(subscriptions, flow, batch_handler=batch_handler)
    return flow


async def close_flow(flow: Flow) -> None:
    await asyncio.gather(flow.producer.dispose(), flow.consumer_db.dispose())


def _connect(urls: dict[Service, str], service: Service, clock: Clock) -> Database:
    return Database.connect(
        urls[service], schema=service.value, application_name="test", clock=clock, sink=Outbox(service)
    )


async def _create_tables(database: Database) -> None:
    from shared.db.schema import service_metadata

    metadata = service_metadata(database.schema)
    messaging_tables(metadata)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


def _subscribe(subscriptions: Subscriptions, flow: Flow, *, batch_handler: bool) -> None:
    insert = text("INSERT INTO dispatch.effect (subject, number) VALUES (:subject, :number)")

    @subscriptions.on(CaseClosed)
    async def apply(uow: UnitOfWork, envelope: Envelope, event: CaseClosed) -> None:
        await uow.connection.execute(insert, {"subject": envelope.subject, "number": event.round})
        if event.round in flow.poisoned:
            raise Refusal("call 13812345678")

    if batch_handler:

        @subscriptions.on_batch(CaseClosed)
        async def apply_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, CaseClosed]]) -> None:
            for envelope, event in items:
                await apply(uow, envelope, event)
