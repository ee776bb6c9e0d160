"""Whatever is lost, repeated, delayed or swapped: in the end every appeal's events took effect once and in order."""

import asyncio
from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shared.clock import ManualClock
from shared.contracts.envelope import Envelope
from shared.ids import uuid7
from shared.messaging.reconcile import reconcile_edge
from shared.vocabulary import Service
from tests.support.message_flow import CONSUMER, PRODUCER, Flow, build_flow, close_flow

SUBJECTS = 3

# What may happen next: a publication of some events, a sending, an arrival of some of what is in the air (in any order,
# with repeats), its loss, a return of acks, their loss, a sweep, the passing of time.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, SUBJECTS - 1), st.integers(1, 4)),
        st.tuples(st.just("send")),
        st.tuples(st.just("arrive"), st.lists(st.integers(0, 30), max_size=8)),
        st.tuples(st.just("lose")),
        st.tuples(st.just("acks")),
        st.tuples(st.just("lose_acks")),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("wait"), st.integers(1, 90)),
    ),
    max_size=40,
)


class World:
    """The flow, what is in the air, and what should come out."""

    def __init__(self, flow: Flow, clock: ManualClock) -> None:
        self.flow = flow
        self.clock = clock
        self.air: list[Envelope] = []
        self.subjects = [uuid7() for _ in range(SUBJECTS)]
        self.expected: dict[UUID, list[int]] = {subject: [] for subject in self.subjects}

    async def step(self, name: str, *arguments: object) -> None:
        await getattr(self, name)(*arguments)

    async def publish(self, which: int, count: int) -> None:
        subject = self.subjects[which]
        numbers = [len(self.expected[subject]) + n for n in range(1, count + 1)]
        self.expected[subject].extend(numbers)
        await self.flow.publish(subject, *numbers)

    async def send(self) -> None:
        await self.flow.relay.send_due()
        self.air.extend(self.flow.transport.take())

    async def arrive(self, picks: list[int]) -> None:
        arriving = [self.air[pick % len(self.air)] for pick in picks if self.air]
        if arriving:
            await self.flow.deliver(arriving)

    async def lose(self) -> None:
        self.air.clear()

    async def acks(self) -> None:
        await self.flow.bring_acks()

    async def lose_acks(self) -> None:
        self.flow.transport.acks.clear()

    async def sweep(self) -> None:
        await self.flow.sweep()

    async def wait(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    async def check_prefixes(self) -> None:
        for subject, numbers in self.expected.items():
            done = await self.flow.effects(subject)
            assert done == numbers[: len(done)]

    async def settle(self) -> None:
        """Let a fair transport finish."""
        for _ in range(4):
            self.clock.advance(timedelta(seconds=61))
            await self.send()
            if self.air:
                await self.flow.deliver(self.air)
            self.air.clear()
            await self.flow.bring_acks()
            await self.flow.sweep()


async def run(urls: dict[Service, str], clock: ManualClock, steps: list[tuple[str, ...]], *, batches: bool) -> None:
    flow = await build_flow(urls, clock, batch_handler=batches)
    try:
        world = World(flow, clock)
        for step in steps:
            await world.step(*step)
            await world.check_prefixes()
        await world.settle()
        for subject, numbers in world.expected.items():
            assert await flow.effects(subject) == numbers
        assert (await reconcile_edge(flow.producer, PRODUCER, flow.consumer_db, CONSUMER)).ok
        unacked = "SELECT count(*) FROM feedback.outbox WHERE consumer = 'dispatch' AND acked_at IS NULL"
        assert await flow.scalar(flow.producer, unacked) == 0
    finally:
        await empty(flow)
        await close_flow(flow)


async def empty(flow: Flow) -> None:
    for database in (flow.producer, flow.consumer_db):
        async with database.engine.begin() as connection:
            for table in ("outbox", "outbox_position", "inbox", "inbox_position"):
                await connection.execute(text(f"DROP TABLE {database.schema}.{table}"))
    async with flow.consumer_db.engine.begin() as connection:
        await connection.execute(text("DROP TABLE dispatch.effect"))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, batches=st.booleans())
def test_every_event_takes_effect_once_and_in_order(
    blank_database_urls: dict[Service, str],
    manual_clock: ManualClock,
    steps: list[tuple[str, ...]],
    batches: bool,
) -> None:
    asyncio.run(run(blank_database_urls, manual_clock, steps, batches=batches))
