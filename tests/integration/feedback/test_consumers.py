"""Events of intake and dispatch: applied once each, whatever arrives first, twice, poisoned or interrupted."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from services.feedback.worker.handlers import make_subscriptions
from shared.contracts.envelope import EventData
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from shared.messaging.inbox import store_envelopes
from shared.vocabulary import Service, TimerLevel, TimerName
from tests.integration.feedback.desk import (
    DEPARTMENT,
    START,
    Desk,
    appeal_accepted,
    appeal_imported,
    redo_started,
    resolution_accepted,
    resolution_rejected,
    return_decided,
    return_requested,
    ticket_acknowledged,
    ticket_contacted,
    ticket_dispatched,
    ticket_imported,
    ticket_resolved,
    timer_fired,
)


async def leg_of(desk: Desk, *events: EventData) -> dict[str, Any]:
    """Apply events to a new appeal and return its first leg."""
    appeal = uuid7()
    await desk.tell(appeal, *events)
    leg: dict[str, Any] = (await desk.case(appeal))["legs"][0]
    return leg


@pytest.mark.parametrize("facts", [{"anonymous": True}, {"wants_reply": False}])
async def test_who_cannot_or_will_not_be_called_gets_no_callback(desk: Desk, facts: dict[str, Any]) -> None:
    appeal = await desk.awaiting(**facts)

    assert await desk.callbacks(appeal_id=appeal) == []
    case = await desk.case(appeal)
    assert (case["status"], case["evaluation"], case["resolved"]) == ("closed", "none", None)
    [(kind, closed)] = await desk.published(appeal, Service.DISPATCH)
    assert (kind, closed["evaluation"]) == ("case.closed", "none")
    assert closed["reason"] == ("anonymous" if "anonymous" in facts else "no_reply_wanted")


DISPATCH_STREAM = (ticket_dispatched, ticket_acknowledged, resolution_accepted)


@pytest.mark.parametrize("position", range(len(DISPATCH_STREAM) + 1))
@pytest.mark.parametrize("anonymous", [True, False])
async def test_the_outcome_is_the_same_wherever_intakes_event_falls(desk: Desk, position: int, anonymous: bool) -> None:
    appeal = uuid7()
    stream: list[EventData] = [make() for make in DISPATCH_STREAM]
    stream.insert(position, appeal_accepted(anonymous=anonymous))

    await desk.tell(appeal, *stream)

    case = await desk.case(appeal)
    assert case["status"] == ("closed" if anonymous else "awaiting_callback")
    assert (case["receipt_number"], case["department_code"]) == ("MQ-26-7K3M-0001", DEPARTMENT)
    assert case["legs"][0]["acknowledged_at"] is not None
    assert len(await desk.callbacks(appeal_id=appeal)) == (0 if anonymous else 1)
    assert len(await desk.published(appeal)) == 1


async def test_a_resolution_waits_until_it_is_known_whether_the_citizen_may_be_asked(desk: Desk) -> None:
    appeal = uuid7()
    await desk.tell(appeal, ticket_dispatched(), resolution_accepted())

    assert (await desk.case(appeal))["status"] == "open"
    assert await desk.published(appeal) == []

    await desk.tell(appeal, appeal_accepted())
    assert (await desk.case(appeal))["status"] == "awaiting_callback"


async def test_events_of_one_producer_out_of_order_wait_for_their_predecessor(desk: Desk) -> None:
    appeal = uuid7()
    await desk.tell(appeal, appeal_accepted())
    stream = [desk.envelope(appeal, event) for event in (ticket_dispatched(), ticket_resolved(), resolution_accepted())]

    await desk.receive(stream[2])
    assert (await desk.case(appeal))["department_code"] is None
    await desk.receive(stream[1])
    await desk.receive(stream[0])

    assert (await desk.case(appeal))["status"] == "awaiting_callback"


async def test_duplicates_change_nothing(desk: Desk) -> None:
    appeal = uuid7()
    stream = [desk.envelope(appeal, event) for event in (appeal_accepted(), ticket_dispatched(), resolution_accepted())]
    for envelope in itertools.chain(stream, reversed(stream), stream):
        await desk.receive(envelope)

    assert len(await desk.callbacks(appeal_id=appeal)) == 1
    assert len(await desk.published(appeal)) == 1


async def test_a_batch_of_many_appeals_is_applied_like_each_by_itself(desk: Desk) -> None:
    appeals = [uuid7() for _ in range(50)]
    late_comers = set(appeals[:10])
    for appeal in late_comers:
        await desk.tell(appeal, ticket_dispatched(), resolution_accepted())
    rest = [desk.envelope(appeal, ticket_dispatched()) for appeal in appeals if appeal not in late_comers]
    facts = [desk.envelope(appeal, appeal_accepted(receipt_number=f"R-{n}")) for n, appeal in enumerate(appeals)]

    await desk.receive(*facts, *rest)

    cases = [await desk.case(appeal) for appeal in appeals]
    assert [case["receipt_number"] for case in cases] == [f"R-{n}" for n in range(50)]
    assert all(case["department_code"] == DEPARTMENT and len(case["legs"]) == 1 for case in cases)
    assert {case["status"] for case in cases[:10]} == {"awaiting_callback"}
    assert {case["status"] for case in cases[10:]} == {"open"}


async def test_a_resolution_of_a_finished_case_is_kept_as_a_failed_event(desk: Desk) -> None:
    appeal = await desk.awaiting()
    await desk.answer(appeal, resolved=True)

    await desk.tell(appeal, resolution_accepted(round=2, leg=2))

    assert ("ticket.resolution_accepted", "pending", 1) in await desk.inbox_states(appeal)
    assert (await desk.case(appeal))["status"] == "closed"


async def test_a_poisoned_event_dies_after_its_attempts_and_blocks_only_its_own_appeal(desk: Desk) -> None:
    poisoned, healthy = await desk.awaiting(), uuid7()
    again = desk.envelope(poisoned, resolution_accepted())
    fine = desk.envelope(healthy, appeal_accepted())

    await desk.receive(again, fine)
    for _ in range(8):
        desk.clock.advance(timedelta(minutes=2))
        await desk.drain.drain({(Service.DISPATCH, poisoned)})

    assert ("ticket.resolution_accepted", "dead", 8) in await desk.inbox_states(poisoned)
    assert (await desk.case(healthy))["status"] == "open"
    admin = await desk.key("dead_letters:write")
    letters = (await desk.get("/v1/dead-letters", headers=admin)).json()["items"]
    assert [letter["appeal_id"] for letter in letters] == [str(poisoned)]


async def test_a_crash_before_the_commit_leaves_nothing_and_the_event_is_applied_later(desk: Desk) -> None:
    appeal = uuid7()
    await desk.tell(appeal, appeal_accepted(), ticket_dispatched())
    envelope = desk.envelope(appeal, resolution_accepted())
    await desk.database.transact(lambda uow: store_envelopes(uow, [envelope]))
    subscriptions = make_subscriptions(desk.app.state.policy)

    async def die_after_effect(uow: UnitOfWork) -> None:
        await subscriptions.apply(uow, envelope)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await desk.database.transact(die_after_effect)
    assert (await desk.case(appeal))["status"] == "open"
    assert await desk.published(appeal) == []

    await desk.drain.drain({(Service.DISPATCH, appeal)})
    assert (await desk.case(appeal))["status"] == "awaiting_callback"
    assert len(await desk.published(appeal)) == 1


async def test_a_leg_keeps_what_was_promised_and_what_was_kept(desk: Desk) -> None:
    leg = await leg_of(
        desk,
        ticket_dispatched(),
        ticket_acknowledged(automatic=True, late=True),
        ticket_contacted(),
        ticket_resolved(measure="temporary", late=True),
    )

    assert (leg["acknowledged_automatically"], leg["acknowledged_late"]) == (True, True)
    assert (leg["contacted_late"], leg["resolved_late"], leg["measure"]) == (False, True, "temporary")
    assert leg["resolve_due_at"] == (START + timedelta(days=5)).isoformat().replace("+00:00", "Z")


async def test_a_rejected_resolution_never_stopped_the_clock(desk: Desk) -> None:
    leg = await leg_of(desk, ticket_dispatched(), ticket_resolved(), resolution_rejected())

    assert (leg["resolved_at"], leg["resolved_late"], leg["rejections"]) == (None, None, 1)


async def test_what_was_late_when_it_was_rejected_stays_late(desk: Desk) -> None:
    leg = await leg_of(desk, ticket_dispatched(), ticket_resolved(late=True), resolution_rejected())

    assert (leg["resolved_at"], leg["resolved_late"]) == (None, True)


@pytest.mark.parametrize(
    ("timer", "column"),
    [
        (TimerName.ACKNOWLEDGE, "acknowledged_late"),
        (TimerName.CONTACT, "contacted_late"),
        (TimerName.RESOLVE, "resolved_late"),
    ],
)
async def test_a_red_card_marks_what_it_guards_as_late(desk: Desk, timer: TimerName, column: str) -> None:
    leg = await leg_of(desk, ticket_dispatched(), timer_fired(timer=timer, level=TimerLevel.RED_CARD))

    assert (leg[column], leg["highest_level"]) == (True, "L2")


async def test_a_warning_is_not_lateness_and_the_highest_level_stays(desk: Desk) -> None:
    warned = await leg_of(desk, ticket_dispatched(), timer_fired(level=TimerLevel.YELLOW_CARD))
    assert (warned["resolved_late"], warned["highest_level"]) == (None, "L1")

    climbed = await leg_of(
        desk,
        ticket_dispatched(),
        timer_fired(level=TimerLevel.SUPERVISION_ORDER),
        timer_fired(level=TimerLevel.NOTICE),
    )
    assert climbed["highest_level"] == "L3"


async def test_a_returned_leg_and_the_next_one_stand_side_by_side(desk: Desk) -> None:
    appeal = uuid7()
    await desk.tell(
        appeal, ticket_dispatched(), return_requested(), return_decided(), ticket_dispatched(leg=2, department_code="b")
    )

    case = await desk.case(appeal)
    assert [(leg["department_code"], leg["return_approved"]) for leg in case["legs"]] == [
        (DEPARTMENT, True),
        ("b", None),
    ]
    assert case["department_code"] == "b"


async def test_a_redo_has_a_leg_of_its_own(desk: Desk) -> None:
    appeal = await desk.awaiting()
    await desk.answer(appeal, resolved=False, satisfaction=1)

    await desk.tell(appeal, redo_started())

    case = await desk.case(appeal)
    assert [(leg["round"], leg["leg"]) for leg in case["legs"]] == [(1, 1), (2, 2)]
    assert (case["status"], case["round"]) == ("open", 2)


@pytest.mark.parametrize("order", ["intake first", "dispatch first"])
async def test_history_enters_closed_with_its_own_times_and_tells_nobody(desk: Desk, order: str) -> None:
    appeal = uuid7()
    events: list[EventData] = [appeal_imported(closed_at=START - timedelta(days=26)), ticket_imported()]

    await desk.tell(appeal, *(events if order == "intake first" else reversed(events)))

    case = await desk.case(appeal)
    assert (case["status"], case["evaluation"], case["reason"]) == ("closed", "none", "imported")
    assert case["ended_at"] == (START - timedelta(days=26)).isoformat().replace("+00:00", "Z")
    assert (case["imported"], case["legs"][0]["resolved_late"]) == (True, False)
    assert await desk.published(appeal) == []


async def test_imported_work_that_is_not_over_goes_the_usual_way(desk: Desk) -> None:
    appeal = uuid7()
    await desk.tell(appeal, appeal_imported(), ticket_imported(closed_at=None, resolved_at=None, late=None))
    assert (await desk.case(appeal))["status"] == "open"

    await desk.tell(appeal, resolution_accepted())

    assert (await desk.case(appeal))["status"] == "awaiting_callback"


async def test_a_batch_of_history_closes_what_is_over_and_leaves_the_rest_open(desk: Desk) -> None:
    over, still_open = uuid7(), uuid7()
    await desk.tell(over, appeal_imported())
    await desk.tell(still_open, appeal_imported())
    subscriptions = make_subscriptions(desk.app.state.policy)
    tickets = [
        desk.envelope(over, ticket_imported(late=True)),
        desk.envelope(still_open, ticket_imported(closed_at=None, resolved_at=None, late=None)),
    ]

    with desk.counted_queries() as statements:
        await desk.app.state.database.transact(lambda uow: subscriptions.apply_many(uow, tickets))

    cases = [await desk.case(over), await desk.case(still_open)]
    assert [(case["status"], case["legs"][0]["resolved_late"]) for case in cases] == [("closed", True), ("open", None)]
    assert len(statements) == 4


async def test_facts_of_a_leg_survive_a_skipped_dispatch_event(desk: Desk) -> None:
    appeal = uuid7()
    await desk.tell(appeal, appeal_accepted(), ticket_acknowledged(late=True))

    assert (await desk.case(appeal))["legs"][0]["acknowledged_late"] is True


async def test_a_batch_takes_one_statement_per_kind_of_event(desk: Desk) -> None:
    subscriptions = make_subscriptions(desk.app.state.policy)
    appeals = [uuid7() for _ in range(100)]
    accepted = [desk.envelope(appeal, appeal_accepted()) for appeal in appeals]
    dispatched = [desk.envelope(appeal, ticket_dispatched()) for appeal in appeals]

    with desk.counted_queries() as statements:

        async def apply(uow: UnitOfWork) -> None:
            await subscriptions.apply_many(uow, [*accepted, *dispatched])

        await desk.app.state.database.transact(apply)

    assert len(statements) == 2
