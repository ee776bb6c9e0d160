"""Acks leave together, soon, and at the latest when the process stops."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from shared.messaging.acks import GatheringAcks
from shared.messaging.transport import Ack, TransportDown
from shared.vocabulary import Service


class Wire:
    """Notes what is sent over it."""

    def __init__(self) -> None:
        self.acks: list[tuple[Service, Service, Sequence[UUID]]] = []
        self.is_down = False

    async def deliver(self, consumer: Service, envelopes: Sequence[bytes]) -> None:
        raise NotImplementedError

    async def backlog(self, consumer: Service) -> int:
        return 7

    async def acknowledge(self, producer: Service, ack: Ack) -> None:
        if self.is_down:
            raise TransportDown("off")
        self.acks.append((producer, ack.consumer, list(ack.event_ids)))


IDS = [uuid4() for _ in range(1_100)]


async def gather(acks: GatheringAcks, ids: Sequence[UUID], producer: Service = Service.INTAKE) -> None:
    await acks.acknowledge(producer, Ack(Service.DISPATCH, ids))


async def test_acks_of_one_producer_leave_in_one_job() -> None:
    wire = Wire()
    acks = GatheringAcks(wire)
    await gather(acks, IDS[:2])
    await gather(acks, IDS[2:3])
    await gather(acks, IDS[3:4], Service.FEEDBACK)
    assert wire.acks == []
    await acks.flush()
    assert wire.acks == [
        (Service.INTAKE, Service.DISPATCH, IDS[:3]),
        (Service.FEEDBACK, Service.DISPATCH, IDS[3:4]),
    ]


async def test_many_acks_leave_in_bounded_jobs() -> None:
    wire = Wire()
    acks = GatheringAcks(wire)
    await gather(acks, IDS)
    await acks.flush()
    assert [len(ids) for _, _, ids in wire.acks] == [500, 500, 100]
    assert [event_id for _, _, ids in wire.acks for event_id in ids] == IDS


async def test_what_has_gathered_leaves_when_the_process_stops() -> None:
    wire = Wire()
    acks = GatheringAcks(wire)
    stop = asyncio.Event()
    running = asyncio.create_task(acks.run(stop))
    await gather(acks, IDS[:1])
    stop.set()
    await running
    assert wire.acks == [(Service.INTAKE, Service.DISPATCH, IDS[:1])]


async def test_acks_that_cannot_leave_are_dropped_and_later_ones_go() -> None:
    wire = Wire()
    acks = GatheringAcks(wire)
    wire.is_down = True
    await gather(acks, IDS[:1])
    await acks.flush()
    wire.is_down = False
    await gather(acks, IDS[1:2])
    await acks.flush()
    assert wire.acks == [(Service.INTAKE, Service.DISPATCH, IDS[1:2])]
