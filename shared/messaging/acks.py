"""Acknowledgements gathered for a moment: one job for hundreds of events instead of one for every batch."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.messaging.transport import Ack, Transport, TransportDown
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

_GATHER_SECONDS = 0.25
_MOST_IDS = 500


class GatheringAcks:
    """A transport whose acknowledgements leave a quarter of a second later, together; well within the shortest lease.

    What is gathered when the process dies is lost, and its events are sent and acknowledged once more.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._gathered: dict[tuple[Service, Service], list[UUID]] = defaultdict(list)
        self._something = asyncio.Event()

    async def deliver(self, consumer: Service, envelopes: Sequence[bytes]) -> None:
        """Pass a batch on at once. Raises TransportDown."""
        await self._transport.deliver(consumer, envelopes)

    async def backlog(self, consumer: Service) -> int:
        """Return how many batches wait. Raises TransportDown."""
        return await self._transport.backlog(consumer)

    async def acknowledge(self, producer: Service, ack: Ack) -> None:
        """Note what has been stored; never raises."""
        self._gathered[(producer, ack.consumer)].extend(ack.event_ids)
        self._something.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what has gathered, until `stop` is set, and once more then."""
        stopped = asyncio.create_task(stop.wait(), name="acks-stop")
        try:
            while not stop.is_set():
                waiting = asyncio.create_task(self._something.wait(), name="acks-wait")
                await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                await asyncio.wait({stopped}, timeout=_GATHER_SECONDS)
                await self.flush()
        finally:
            stopped.cancel()
        await self.flush()

    async def flush(self) -> None:
        """Send what has gathered now. What the transport does not take is dropped: the events will come again."""
        self._something.clear()
        gathered, self._gathered = self._gathered, defaultdict(list)
        for (producer, consumer), event_ids in gathered.items():
            for start in range(0, len(event_ids), _MOST_IDS):
                try:
                    await self._transport.acknowledge(producer, Ack(consumer, event_ids[start : start + _MOST_IDS]))
                except TransportDown as error:
                    log.info("acks.not_sent", producer=producer, error=str(error))
