"""Outbox → hint → inbox: nothing lost, nothing twice, in order, whatever the transport does."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.clock import ManualClock
from shared.contracts.events import TicketAcknowledged
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.ids import uuid7
from shared.messaging.dead_letters import list_dead_letters, retry_dead_letter, skip_dead_letter
from shared.messaging.drain import MAX_ATTEMPTS, Drain
from shared.messaging.gauges import flow_figures
from shared.messaging.housekeeping import Retention, clean
from shared.messaging.inbox import store_envelopes
from shared.messaging.reconcile import EdgeReport, reconcile_edge
from shared.messaging.relay import Relay, RelaySettings
from shared.messaging.telemetry import EventTelemetry
from shared.messaging.transport import TransportDown
from shared.messaging.wake import LocalWake
from shared.observability.metrics import REGISTRY
from shared.vocabulary import Service
from tests.support.message_flow import CONSUMER, PRODUCER, Flow, closed


async def reconciled(flow: Flow) -> EdgeReport:
    return await reconcile_edge(flow.producer, PRODUCER, flow.consumer_db, CONSUMER)


async def test_an_event_takes_effect_and_is_acknowledged(flow: Flow) -> None:
    subject = uuid7()
    await flow.publish(subject, 1)
    await flow.relay.send_due()
    await flow.deliver()
    await flow.bring_acks()
    assert await flow.effects(subject) == [1]
    assert (
        await flow.scalar(flow.producer, "SELECT count(*) FROM feedback.outbox WHERE acked_at IS NULL") == 1
    )  # intake's
    report = await reconciled(flow)
    assert report.ok
    assert (report.streams, report.published, report.applied) == (1, 1, 1)


async def test_a_rolled_back_transaction_publishes_nothing(flow: Flow) -> None:
    async def work(uow: UnitOfWork) -> None:
        uow.publish(closed(uow, 1), subject=uuid7())
        raise LookupError

    with pytest.raises(LookupError):
        await flow.producer.transact(work)
    assert await flow.scalar(flow.producer, "SELECT count(*) FROM feedback.outbox") == 0


async def test_an_event_nobody_declared_is_refused_and_rolls_back(flow: Flow) -> None:
    foreign = TicketAcknowledged(ticket_id=uuid7(), round=1, leg=1, department_code="D", at=flow.producer.clock.now())

    async def work(uow: UnitOfWork) -> None:
        uow.publish(closed(uow, 1), subject=uuid7())
        uow.publish(foreign, subject=uuid7())

    with pytest.raises(KeyError):
        await flow.producer.transact(work)
    assert await flow.scalar(flow.producer, "SELECT count(*) FROM feedback.outbox") == 0


async def test_sequences_have_no_gap_when_many_publish_about_one_appeal_at_once(flow: Flow) -> None:
    subject = uuid7()
    await asyncio.gather(*(flow.publish(subject, n, n) for n in range(1, 9)))
    sql = "SELECT array_agg(sequence ORDER BY sequence) FROM feedback.outbox WHERE consumer = 'dispatch'"
    assert await flow.scalar(flow.producer, sql) == list(range(1, 17))


async def test_two_relays_never_send_the_same_row(flow: Flow) -> None:
    for _ in range(40):
        await flow.publish(uuid7(), 1)
    settings = RelaySettings(consumers=[CONSUMER], batch_size=5)
    relays = [Relay(flow.producer, PRODUCER, flow.transport, LocalWake(), settings) for _ in range(4)]
    while sum(await asyncio.gather(*(relay.send_due() for relay in relays))):
        pass
    ids = [envelope.id for envelope in flow.transport.take()]
    assert len(ids) == 40
    assert len(set(ids)) == 40


async def test_an_unacknowledged_row_is_sent_again_when_its_lease_ends_and_not_before(
    flow: Flow, manual_clock: ManualClock
) -> None:
    await flow.publish(uuid7(), 1)
    assert await flow.relay.send_due() == 1
    assert await flow.relay.send_due() == 0
    manual_clock.advance(timedelta(seconds=2))
    assert await flow.relay.send_due() == 1
    first, second = flow.transport.take()
    assert first == second


async def test_the_lease_grows_with_every_send_up_to_five_seconds(flow: Flow, manual_clock: ManualClock) -> None:
    await flow.publish(uuid7(), 1)
    for _ in range(9):
        assert await flow.relay.send_due() == 1
        manual_clock.advance(timedelta(seconds=5))
    await flow.relay.send_due()
    manual_clock.advance(timedelta(seconds=4.9))
    assert await flow.relay.send_due() == 0
    manual_clock.advance(timedelta(seconds=0.1))
    assert await flow.relay.send_due() == 1


async def test_a_transport_that_is_down_gives_the_lease_back(flow: Flow, manual_clock: ManualClock) -> None:
    await flow.publish(uuid7(), 1)
    flow.transport.is_down = True
    with pytest.raises(TransportDown):
        await flow.relay.send_due()
    flow.transport.is_down = False
    manual_clock.advance(timedelta(milliseconds=200))
    assert await flow.relay.send_due() == 1


async def test_a_full_queue_is_not_fed_further(flow: Flow, manual_clock: ManualClock) -> None:
    await flow.publish(uuid7(), 1)
    flow.transport.waiting = 200
    assert await flow.relay.send_due() == 0
    assert await flow.relay.send_due() == 0
    assert flow.transport.batches == []
    flow.transport.waiting = 0
    manual_clock.advance(timedelta(seconds=1))
    assert await flow.relay.send_due() == 1


async def test_a_duplicate_takes_effect_once(flow: Flow) -> None:
    subject = uuid7()
    await flow.publish(subject, 1, 2)
    await flow.relay.send_due()
    sent = flow.transport.take()
    await flow.deliver(sent)
    await flow.deliver(sent)
    await asyncio.gather(flow.deliver(sent), flow.deliver(sent))
    assert await flow.effects(subject) == [1, 2]
    assert (await reconciled(flow)).ok


async def test_a_duplicate_is_recognised_after_the_inbox_was_cleaned(flow: Flow, manual_clock: ManualClock) -> None:
    subject = uuid7()
    await flow.publish(subject, 1)
    await flow.relay.send_due()
    sent = flow.transport.take()
    await flow.deliver(sent)
    await flow.bring_acks()
    manual_clock.advance(timedelta(days=30))
    assert await clean(flow.consumer_db, Retention()) == {"outbox": 0, "inbox": 1}
    assert await clean(flow.producer, Retention()) == {"outbox": 1, "inbox": 0}
    await flow.deliver(sent)
    assert await flow.effects(subject) == [1]
    assert await flow.scalar(flow.consumer_db, "SELECT count(*) FROM dispatch.inbox") == 0
    assert (await reconciled(flow)).ok


def test_an_inbox_that_forgets_before_the_outbox_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        Retention(outbox=timedelta(days=7), inbox=timedelta(days=7))


async def test_an_early_event_waits_for_its_predecessor(flow: Flow) -> None:
    subject = uuid7()
    await flow.publish(subject, 1, 2, 3)
    await flow.relay.send_due()
    first, second, third = flow.transport.take()
    await flow.deliver([third])
    await flow.deliver([second])
    assert await flow.effects(subject) == []
    await flow.deliver([first])
    assert await flow.effects(subject) == [1, 2, 3]


async def test_what_a_crash_left_between_store_and_apply_is_swept_up(flow: Flow) -> None:
    subject = uuid7()
    await flow.publish(subject, 1, 2)
    await flow.relay.send_due()
    sent = flow.transport.take()

    async def store_and_die(uow: UnitOfWork) -> None:
        await store_envelopes(uow, sent)

    await flow.consumer_db.transact(store_and_die)
    assert await flow.effects(subject) == []
    assert await flow.sweep() == 2
    assert await flow.effects(subject) == [1, 2]
    assert await flow.sweep() == 0


async def test_a_poisoned_event_blocks_only_its_own_appeal(flow: Flow, manual_clock: ManualClock) -> None:
    sick, well = uuid7(), uuid7()
    flow.poisoned = {13}
    await flow.publish(sick, 1, 13, 3)
    await flow.publish(well, 1, 2, 3)
    await flow.relay.send_due()
    await flow.deliver()
    for _ in range(MAX_ATTEMPTS + 2):
        await flow.sweep()
        manual_clock.advance(timedelta(seconds=60))
    assert await flow.effects(well) == [1, 2, 3]
    assert await flow.effects(sick) == [1]
    figures = await flow_figures(flow.consumer_db)
    assert figures.inbox_dead == {"feedback": 1}
    report = await reconciled(flow)
    assert not report.ok
    assert (report.behind, report.dead) == (2, 1)


async def kill(flow: Flow, clock: ManualClock, subject: UUID, *numbers: int) -> None:
    """Publish events of which those in `flow.poisoned` end as dead letters."""
    await flow.publish(subject, *numbers)
    await flow.relay.send_due()
    await flow.deliver()
    for _ in range(MAX_ATTEMPTS):
        await flow.sweep()
        clock.advance(timedelta(seconds=60))


async def dead_ids(flow: Flow) -> list[UUID]:
    letters, _ = await flow.consumer_db.transact(list_dead_letters)
    return [letter.event_id for letter in letters]


async def test_a_dead_letter_names_the_error_without_its_text(flow: Flow, manual_clock: ManualClock) -> None:
    flow.poisoned = {13}
    await kill(flow, manual_clock, uuid7(), 13)
    letters, following = await flow.consumer_db.transact(list_dead_letters)
    assert [(letter.attempts, letter.last_error) for letter in letters] == [(MAX_ATTEMPTS, "Refusal")]
    assert following is None


async def test_a_retried_dead_letter_takes_effect_and_lets_its_followers_go_on(
    flow: Flow, manual_clock: ManualClock
) -> None:
    subject = uuid7()
    flow.poisoned = {13}
    await kill(flow, manual_clock, subject, 13, 2)
    flow.poisoned = set()
    (dead,) = await dead_ids(flow)
    await flow.consumer_db.transact(lambda uow: retry_dead_letter(uow, dead))
    await flow.sweep()
    assert await flow.effects(subject) == [13, 2]
    assert (await reconciled(flow)).ok


async def test_a_skipped_dead_letter_is_on_record_and_lets_its_followers_go_on(
    flow: Flow, manual_clock: ManualClock
) -> None:
    subject = uuid7()
    flow.poisoned = {13}
    await kill(flow, manual_clock, subject, 13, 2)
    (dead,) = await dead_ids(flow)
    await flow.consumer_db.transact(lambda uow: skip_dead_letter(uow, dead, reason="made in error", actor="ops"))
    await flow.sweep()
    assert await flow.effects(subject) == [2]
    report = await reconciled(flow)
    assert report.ok
    assert report.skipped == 1
    with pytest.raises(Conflict):
        await flow.consumer_db.transact(lambda uow: retry_dead_letter(uow, dead))
    with pytest.raises(NotFound):
        await flow.consumer_db.transact(lambda uow: retry_dead_letter(uow, uuid7()))


async def test_dead_letters_are_paged(flow: Flow, manual_clock: ManualClock) -> None:
    flow.poisoned = {13}
    for _ in range(3):
        await flow.publish(uuid7(), 13)
    await kill(flow, manual_clock, uuid7(), 13)
    first, cursor = await flow.consumer_db.transact(lambda uow: list_dead_letters(uow, limit=3))
    second, end = await flow.consumer_db.transact(lambda uow: list_dead_letters(uow, limit=3, cursor=cursor))
    assert (len(first), len(second), end) == (3, 1, None)
    assert not {letter.event_id for letter in first} & {letter.event_id for letter in second}


async def test_a_lost_delivery_shows_as_behind(flow: Flow) -> None:
    await flow.publish(uuid7(), 1)
    await flow.relay.send_due()
    flow.transport.take()
    report = await reconciled(flow)
    assert not report.ok
    assert report.behind == 1


async def test_an_effect_counted_twice_shows_in_the_reconciliation(flow: Flow) -> None:
    await flow.publish(uuid7(), 1)
    await flow.relay.send_due()
    await flow.deliver()
    async with flow.consumer_db.engine.begin() as connection:
        await connection.execute(text("UPDATE dispatch.inbox_position SET settled_count = 2"))
    report = await reconciled(flow)
    assert not report.ok
    assert report.miscounted == 1


async def test_an_effect_nobody_published_shows_in_the_reconciliation(flow: Flow) -> None:
    await flow.publish(uuid7(), 1)
    await flow.relay.send_due()
    await flow.deliver()
    async with flow.producer.engine.begin() as connection:
        await connection.execute(text("DELETE FROM feedback.outbox_position"))
    report = await reconciled(flow)
    assert not report.ok
    assert report.ahead == 1


async def test_a_broken_acknowledgement_does_not_undo_the_effect(flow: Flow, manual_clock: ManualClock) -> None:
    subject = uuid7()
    await flow.publish(subject, 1)
    await flow.relay.send_due()
    sent = flow.transport.take()
    flow.transport.is_down = True
    await flow.deliver(sent)
    flow.transport.is_down = False
    assert await flow.effects(subject) == [1]
    manual_clock.advance(timedelta(seconds=2))
    assert await flow.relay.send_due() == 1
    await flow.deliver()
    await flow.bring_acks()
    manual_clock.advance(timedelta(seconds=120))
    assert await flow.relay.send_due() == 0
    assert await flow.effects(subject) == [1]
    assert PRODUCER is Service.FEEDBACK


async def test_an_old_event_on_the_way_shows_as_unreconciled_on_its_side(flow: Flow, manual_clock: ManualClock) -> None:
    await flow.publish(uuid7(), 1)
    assert (await flow_figures(flow.producer)).unreconciled_out == {"dispatch": 0, "intake": 0}
    manual_clock.advance(timedelta(seconds=61))
    figures = await flow_figures(flow.producer)
    assert figures.unreconciled_out == {"dispatch": 1, "intake": 1}
    assert figures.outbox_oldest_seconds["dispatch"] == pytest.approx(61)


async def test_what_took_effect_is_counted_with_its_lag_and_a_failure_too(
    flow: Flow, manual_clock: ManualClock
) -> None:
    drain = Drain(flow.consumer_db, flow.subscriptions, EventTelemetry(CONSUMER))
    flow.poisoned = {13}
    await flow.publish(uuid7(), 1)
    await flow.publish(uuid7(), 13)
    await flow.relay.send_due()
    envelopes = flow.transport.take()

    async def store(uow: UnitOfWork) -> None:
        await store_envelopes(uow, envelopes)

    await flow.consumer_db.transact(store)
    manual_clock.advance(timedelta(seconds=3))
    before = counts()
    await drain.drain([(PRODUCER, envelope.subject) for envelope in envelopes])
    after = counts()
    assert {outcome: after[outcome] - before[outcome] for outcome in after} == {"applied": 1, "failed": 1, "lag": 3}


def counts() -> dict[str, float]:
    labels = {"consumer": "dispatch", "type": "case.closed"}
    read = REGISTRY.get_sample_value
    found = {
        outcome: read("minqing_events_applied_total", {**labels, "outcome": outcome})
        for outcome in ("applied", "failed")
    }
    found["lag"] = read("minqing_event_lag_seconds_sum", {"producer": "feedback", "consumer": "dispatch"})
    return {name: value or 0.0 for name, value in found.items()}
