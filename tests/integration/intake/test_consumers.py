"""Events of dispatch and feedback: merged into what citizens see, whatever arrives first, twice or poisoned."""

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.use_cases.follow_progress import follow
from services.intake.worker.handlers import make_subscriptions
from shared.contracts import events as e
from shared.contracts.envelope import EventData
from shared.ids import uuid7
from shared.messaging.drain import Drain
from shared.messaging.inbox import store_envelopes
from shared.vocabulary import EvaluationOutcome, Service
from tests.integration.feedback.desk import (
    START,
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
)
from tests.integration.intake.office import Office

HOUR = timedelta(hours=1)


def callback_opened(**facts: Any) -> e.CallbackOpened:
    values = {"callback_id": UUID(int=1), "round": 1, "due_at": START + 9 * HOUR, "at": START + 6 * HOUR}
    return e.CallbackOpened(**{**values, **facts})


def case_closed(**facts: Any) -> e.CaseClosed:
    values = {"round": 1, "at": START + 7 * HOUR, "evaluation": EvaluationOutcome.EVALUATED, "reason": "satisfied"}
    return e.CaseClosed(**{**values, **facts})


def redo_requested(**facts: Any) -> e.CaseRedoRequested:
    return e.CaseRedoRequested(**{"round": 1, "next_round": 2, "at": START + 7 * HOUR, **facts})


def on_ledger(**facts: Any) -> e.CasePutOnLedger:
    values = {"round": 2, "at": START + 40 * HOUR, "review_at": START + 90 * 24 * HOUR, "reason": "season"}
    return e.CasePutOnLedger(**{**values, **facts})


async def test_the_whole_way_is_told_line_by_line(office: Office) -> None:
    receipt = await office.register()
    seen = []
    for event in (
        e.TicketTriaged(ticket_id=UUID(int=7), reason="no rule", at=START),
        ticket_dispatched(),
        ticket_acknowledged(at=START + HOUR),
        ticket_contacted(at=START + 2 * HOUR),
        e.TicketProgressed(
            ticket_id=UUID(int=7), round=1, department_code="x", at=START + 3 * HOUR, note="The truck comes at noon."
        ),
        ticket_resolved(at=START + 5 * HOUR),
        resolution_accepted(),
        callback_opened(),
        case_closed(),
    ):
        await office.tell(receipt["id"], event)
        seen.append((await office.progress(receipt))["status"])

    assert seen == [
        "awaiting_dispatch",
        "awaiting_acknowledgement",
        "in_progress",
        "in_progress",
        "in_progress",
        "under_review",
        "awaiting_callback",
        "awaiting_callback",
        "closed",
    ]
    timeline = (await office.progress(receipt))["timeline"]
    assert [line["code"] for line in timeline] == [
        "registered",
        "accepted",
        "finding_department",
        "dispatched",
        "acknowledged",
        "contacted",
        "progress",
        "handled",
        "result_confirmed",
        "callback_planned",
        "closed",
    ]
    assert timeline[6]["text_en"] == "The truck comes at noon."
    assert timeline[8]["text_en"] == "The result has been confirmed. The lamp was replaced."
    assert (await office.get(f"/v1/appeals/{receipt['id']}/timeline")).json()["items"] == timeline


async def test_every_event_that_is_sent_to_intake_is_followed(office: Office) -> None:
    assert make_subscriptions(office.desk.zone).missing() == []


async def test_what_departments_argue_about_is_not_shown(office: Office) -> None:
    receipt = await office.register()
    objection = return_requested(at=START + HOUR).model_copy(update={"reason_code": "duty_wrong"})
    await office.tell(
        receipt["id"],
        ticket_dispatched(),
        objection,
        return_decided(at=START + 2 * HOUR),
        ticket_dispatched(leg=2, department_code="zjj", department_name="Housing", dispatched_at=START + 3 * HOUR),
    )

    answer = await office.track(receipt)

    assert "duty_wrong" not in answer.text
    progress = answer.json()
    assert (progress["status"], progress["responsible_department"]) == ("awaiting_acknowledgement", "Housing")
    assert [line["code"] for line in progress["timeline"][2:]] == [
        "dispatched",
        "responsibility_checked",
        "department_changes",
        "dispatched",
    ]


async def test_what_was_shown_is_never_taken_back(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched(), ticket_acknowledged(), ticket_resolved(at=START + 5 * HOUR))
    await office.tell(receipt["id"], resolution_rejected(at=START + 6 * HOUR))

    progress = await office.progress(receipt)

    assert progress["status"] == "under_review"
    assert progress["timeline"][-1]["code"] == "more_work_needed"
    assert progress["as_of"] == "2026-03-02T07:00:00Z"


async def test_a_second_round_has_its_own_promise(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched(), resolution_accepted(), redo_requested())
    asked = await office.progress(receipt)
    await office.tell(receipt["id"], redo_started(), on_ledger())

    progress = await office.progress(receipt)

    assert (asked["status"], asked["round"]) == ("in_progress", 2)
    assert (progress["status"], progress["stage"], progress["round"]) == ("on_ledger", "supervision", 2)
    assert progress["promised_by"] == "2026-03-08T01:00:00Z"
    assert "2026-05-31" in progress["timeline"][-1]["text_en"]


DISPATCH = (ticket_dispatched, ticket_acknowledged, resolution_accepted)
FEEDBACK = (callback_opened, case_closed)
INTERLEAVINGS = sorted(set(itertools.permutations("dddff")))


async def test_two_producers_may_overtake_each_other(office: Office) -> None:
    for order in INTERLEAVINGS:
        receipt = await office.register()
        sources = {"d": iter(DISPATCH), "f": iter(FEEDBACK)}
        for letter in order:
            await office.tell(receipt["id"], next(sources[letter])())

        progress = await office.progress(receipt)

        assert (progress["status"], progress["round"]) == ("closed", 1), order
        assert progress["responsible_department"] == "City management"
        assert len(progress["timeline"]) == 7


async def test_an_event_that_comes_twice_is_told_once(office: Office) -> None:
    receipt = await office.register()
    envelope = office.envelope(receipt["id"], ticket_dispatched())

    await office.receive(envelope)
    await office.receive(envelope)

    assert len(await office.rows("timeline_entries")) == 1


async def test_an_early_event_waits_for_the_one_before_it(office: Office) -> None:
    receipt = await office.register()
    first = office.envelope(receipt["id"], ticket_dispatched())
    second = office.envelope(receipt["id"], ticket_acknowledged())

    await office.receive(second)
    waiting = (await office.progress(receipt))["status"]
    await office.receive(first)

    assert waiting == "awaiting_dispatch"
    assert (await office.progress(receipt))["status"] == "in_progress"


async def test_many_appeals_are_followed_in_one_go(office: Office) -> None:
    receipts = [await office.register() for _ in range(6)]
    await office.receive(*(office.envelope(receipt["id"], ticket_dispatched()) for receipt in receipts))

    assert {row["status"] for row in await office.rows("progress")} == {"awaiting_acknowledgement"}
    assert len(await office.rows("timeline_entries")) == 6


async def test_following_many_takes_as_few_statements_as_following_one(office: Office) -> None:
    receipts = [await office.register() for _ in range(8)]
    items: list[tuple[Any, EventData]] = [
        (office.envelope(receipt["id"], ticket_dispatched()), ticket_dispatched()) for receipt in receipts
    ]
    database = office.app.state.database

    async def statements(some: list[tuple[Any, EventData]]) -> int:
        with office.counted_queries() as seen:
            await database.transact(lambda uow: follow(uow, some, zone=office.desk.zone))
        return len(seen)

    assert await statements(items[:1]) == await statements(items[1:]) == 3


async def test_an_event_about_an_unknown_appeal_is_kept_and_stops_no_other(office: Office) -> None:
    receipt = await office.register()
    stranger = office.envelope(uuid7(), ticket_dispatched())

    await office.receive(stranger, office.envelope(receipt["id"], ticket_dispatched()))

    assert (await office.progress(receipt))["status"] == "awaiting_acknowledgement"
    [kept] = [row for row in await office.rows("inbox") if row["event_id"] == stranger.id]
    assert (kept["state"], kept["attempts"]) == ("pending", 1)
    assert [row for row in await office.rows("timeline_entries") if row["appeal_id"] == stranger.subject] == []


async def test_a_poisoned_event_ends_among_the_dead_letters_and_blocks_only_its_appeal(office: Office) -> None:
    receipt, healthy = await office.register(), await office.register()
    poisoned = office.envelope(receipt["id"], ticket_dispatched())
    poisoned = poisoned.model_copy(update={"data": {**poisoned.data, "round": 0}})
    drain = Drain(office.database, make_subscriptions(office.desk.zone))
    await office.database.transact(lambda uow: store_envelopes(uow, [poisoned]))
    for _ in range(10):
        await drain.drain([(Service.DISPATCH, poisoned.subject)])
        office.clock.advance(timedelta(minutes=2))
    await office.tell(healthy["id"], ticket_dispatched())
    await office.tell(receipt["id"], ticket_acknowledged())

    letters = (await office.get("/v1/dead-letters")).json()["items"]
    assert [letter["id"] for letter in letters] == [str(poisoned.id)]
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"
    assert (await office.progress(healthy))["status"] == "awaiting_acknowledgement"
    skipped = await office.post(f"/v1/dead-letters/{poisoned.id}/skip", {"reason": "broken sender"})
    assert skipped.status_code == 200
    await drain.drain([(Service.DISPATCH, poisoned.subject)])
    assert (await office.progress(receipt))["status"] == "in_progress"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "closed"),
        ({"closed_at": None}, "awaiting_callback"),
        ({"closed_at": None, "resolved_at": None}, "in_progress"),
    ],
)
async def test_a_ticket_of_the_past_shows_where_it_ended(office: Office, facts: dict[str, Any], status: str) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_imported(**facts))

    assert (await office.progress(receipt))["status"] == status
