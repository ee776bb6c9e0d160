"""A service's receiving side: store, acknowledge, apply; and sweep up what a crash or a back-off left behind."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from shared.contracts.envelope import Envelope
from shared.db.engine import Database, is_database_trouble
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.drain import Drain, Stream
from shared.messaging.inbox import acks_for, mark_acknowledged, store_envelopes
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.transport import Ack, Transport, TransportDown
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

_SWEEP_LIMIT = 200


class Consumer:
    """Receives hints for one service. Every path through it is safe to repeat."""

    def __init__(self, database: Database, subscriptions: Subscriptions, transport: Transport, drain: Drain) -> None:
        self._database = database
        self._service: Service = subscriptions.consumer
        self._transport = transport
        self._drain = drain

    async def receive(self, envelopes: Sequence[Envelope]) -> None:
        """Store a batch, acknowledge it, apply what is ready.

        If the process dies after the store, the sweep applies it; after the acknowledgement nothing is owed but that.
        """
        await self._database.transact(partial(self._store, envelopes=envelopes))
        for producer, ack in acks_for(self._service, envelopes).items():
            try:
                await self._transport.acknowledge(producer, ack)
            except TransportDown as error:
                log.info("consumer.ack_not_sent", producer=producer, error=str(error))
        await self._drain.drain({(e.source, e.subject) for e in envelopes})

    async def acknowledged(self, ack: Ack) -> None:
        """Mark what a consumer of ours has stored."""
        await self._database.transact(partial(self._mark, ack=ack))

    async def sweep(self) -> int:
        """Apply streams that are ready and that no hint is going to bring up; return how many events took effect."""
        streams: list[Stream] = await self._drain.ready_streams(_SWEEP_LIMIT)
        if not streams:
            return 0
        return (await self._drain.drain(streams)).events

    async def sweep_forever(self, stop: asyncio.Event, every_seconds: float) -> None:
        """Sweep until `stop` is set, at once again while there is more; trouble with the database is waited out."""
        while not stop.is_set():
            try:
                if await self.sweep():
                    continue
            except Exception as error:
                if not is_database_trouble(error):
                    raise
                log.warning("consumer.database_trouble", service=self._service, error=type(error).__name__)
            try:
                async with asyncio.timeout(every_seconds):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _store(self, uow: UnitOfWork, *, envelopes: Sequence[Envelope]) -> None:
        await store_envelopes(uow, envelopes)

    async def _mark(self, uow: UnitOfWork, *, ack: Ack) -> None:
        await mark_acknowledged(uow, ack)
