"""A service's receiving side: store, acknowledge, have applied."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import structlog

from shared.contracts.envelope import Envelope
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.drain import Stream
from shared.messaging.inbox import acks_for, mark_acknowledged, store_envelopes
from shared.messaging.transport import Ack, Transport, TransportDown
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

ApplyStreams = Callable[[Iterable[Stream]], Awaitable[object]]


class Consumer:
    """Receives hints for one service. Every path through it is safe to repeat."""

    def __init__(self, database: Database, service: Service, transport: Transport, apply: ApplyStreams) -> None:
        """`apply` is told which streams have something new: it may drain them at once, or later."""
        self._database = database
        self._service = service
        self._transport = transport
        self._apply = apply

    async def receive(self, envelopes: Sequence[Envelope]) -> None:
        """Store a batch, acknowledge it, have what is ready applied.

        If the process dies after the store, a sweep applies it; after the acknowledgement nothing is owed but that.
        """
        await self._database.transact(partial(self._store, envelopes=envelopes))
        for producer, ack in acks_for(self._service, envelopes).items():
            try:
                await self._transport.acknowledge(producer, ack)
            except TransportDown as error:
                log.info("consumer.ack_not_sent", producer=producer, error=str(error))
        await self._apply({(e.source, e.subject) for e in envelopes})

    async def acknowledged(self, ack: Ack) -> None:
        """Mark what a consumer of ours has stored."""
        await self._database.transact(partial(self._mark, ack=ack))

    async def _store(self, uow: UnitOfWork, *, envelopes: Sequence[Envelope]) -> None:
        await store_envelopes(uow, envelopes)

    async def _mark(self, uow: UnitOfWork, *, ack: Ack) -> None:
        await mark_acknowledged(uow, ack)
