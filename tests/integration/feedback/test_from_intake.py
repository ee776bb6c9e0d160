"""What intake decides after acceptance: cases end, members follow their master, one feedback goes to all of a group."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts import events as e
from shared.contracts.envelope import EventData
from shared.ids import uuid7
from shared.vocabulary import Channel, HandlingMode, Service, Urgency
from tests.integration.feedback.desk import (
    DEPARTMENT,
    START,
    Desk,
    appeal_accepted,
    redo_started,
    resolution_accepted,
    ticket_dispatched,
)

DAY = timedelta(days=1)


def ended(status: str = "closed", **facts: Any) -> e.AppealEnded:
    known = appeal_accepted().model_dump(include=set(e.AppealEnded.model_fields))
    own = {"status": status, "rule": "T2", "at": START, "reply": "路灯明天修", "evaluable": status == "closed"}
    return e.AppealEnded.model_validate(known | own | facts)


def attached(master: UUID, **facts: Any) -> e.AppealAttached:
    return e.AppealAttached(**appeal_accepted(**facts).model_dump(), master_appeal_id=master, attached_at=START)


def detached(master: UUID) -> e.AppealDetached:
    return e.AppealDetached(**appeal_accepted().model_dump(), master_appeal_id=master, detached_at=START)


async def never_failed(desk: Desk, *appeals: UUID) -> None:
    for appeal in appeals:
        states = await desk.inbox_states(appeal)
        assert {state for _, state, _ in states} <= {"applied"}, states


async def group(desk: Desk, *members: dict[str, Any]) -> tuple[UUID, list[UUID]]:
    """A master whose department works on it, and members with the facts given."""
    master, attached_to_it = uuid7(), [uuid7() for _ in members]
    await desk.tell(master, appeal_accepted(), ticket_dispatched())
    for appeal, facts in zip(attached_to_it, members, strict=True):
        await desk.tell(appeal, attached(master, **facts))
    return master, attached_to_it


async def feedback(desk: Desk, appeal: UUID, headers: dict[str, str] | None = None, **body: Any) -> Any:
    given = {"mode": "face", "note": "已当面告知", **body}
    path = f"/v1/cases/{appeal}/group-feedback"
    return await desk.client.post(path, json=given, headers={**desk.headers, **(headers or {})})


# --- ended ----------------------------------------------------------------------------------------------------


async def test_an_answered_citizen_is_not_asked_and_may_evaluate_once(desk: Desk) -> None:
    """T2: closed by the answer, still evaluable; a bad word is kept and sends nothing back."""
    appeal = uuid7()
    await desk.tell(appeal, ended(accepted_at=None))
    case = await desk.case(appeal)
    assert (case["status"], case["reason"], case["evaluation"]) == ("closed", "answered", "none")
    assert (case["ended_as"], case["ended_rule"]) == ("closed", "T2")
    assert await desk.callbacks(appeal_id=appeal, status="open") == []

    offer = await desk.callback(appeal, status="offered")
    refused = await desk.attempt(offer["id"], outcome="no_answer")
    assert (refused.status_code, refused.json()["state"]) == (409, "offered")
    given = await desk.client.post(f"/v1/callbacks/{offer['id']}/evaluation-token", headers=desk.headers)
    token = given.json()["token"]
    submitted = await desk.evaluate(token, resolved=False, satisfaction=1)
    assert (submitted.status_code, submitted.json()["verdict"]) == (201, "closed")
    assert (await desk.evaluate(token)).json()["code"] == "token_used"

    case = await desk.case(appeal)
    assert (case["status"], case["evaluation"], case["resolved"], case["satisfaction"]) == (
        "closed",
        "evaluated",
        False,
        1,
    )
    assert (case["rounds"][0]["resolved"], case["rounds"][0]["verdict"]) == (False, "closed")
    assert await desk.published(appeal) == []


@pytest.mark.parametrize("status", ["referred", "not_accepted", "withdrawn"])
async def test_what_ends_otherwise_is_closed_with_its_reason_and_offers_nothing(desk: Desk, status: str) -> None:
    appeal = uuid7()
    await desk.tell(appeal, appeal_accepted(), ended(status))
    case = await desk.case(appeal)
    assert (case["status"], case["reason"], case["rounds"]) == ("closed", status, [])
    assert await desk.callbacks(appeal_id=appeal) == []
    assert await desk.published(appeal) == []


async def test_a_withdrawal_takes_the_call_off_the_list_and_the_token_out_of_use(desk: Desk) -> None:
    """T41."""
    appeal = await desk.awaiting()
    token = await desk.token(appeal)
    await desk.tell(appeal, ended("withdrawn", rule="T41"))
    assert await desk.callbacks(appeal_id=appeal, status="open") == []
    cancelled = await desk.callback(appeal, status="cancelled")
    assert cancelled["reason"] == "withdrawn"
    refused = await desk.evaluate(token)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_longer_asked")
    case = await desk.case(appeal)
    assert (case["status"], case["rounds"][0]["verdict"], case["rounds"][0]["reason"]) == (
        "closed",
        "closed",
        "withdrawn",
    )


async def test_a_verdict_that_was_given_is_not_taken_back_by_a_withdrawal(desk: Desk) -> None:
    appeal = await desk.awaiting()
    await desk.answer(appeal, resolved=True, satisfaction=5)
    await desk.tell(appeal, ended("withdrawn"))
    case = await desk.case(appeal)
    assert (case["reason"], case["satisfaction"], case["ended_as"]) == ("evaluated", 5, None)


@pytest.mark.parametrize("position", range(3))
async def test_an_end_finds_its_place_wherever_it_falls_in_what_dispatch_says(desk: Desk, position: int) -> None:
    appeal = uuid7()
    await desk.tell(appeal, appeal_accepted())
    stream: list[EventData] = [ticket_dispatched(), resolution_accepted()]
    stream.insert(position, ended("withdrawn"))
    envelopes = [desk.envelope(appeal, event) for event in stream]
    for envelope in envelopes:
        await desk.receive(envelope)
        await desk.receive(envelope)
    assert (await desk.case(appeal))["status"] == "closed"
    assert await desk.callbacks(appeal_id=appeal, status="open") == []
    await never_failed(desk, appeal)


# --- groups ---------------------------------------------------------------------------------------------------


async def test_everybody_in_a_group_gets_a_callback_of_their_own(desk: Desk) -> None:
    """LZ-16: own number, own verdict; who is unknown or wants no call is closed unasked (traps 29, 30)."""
    facts: list[dict[str, Any]] = [
        {"receipt_number": "R-1"},
        {"receipt_number": "R-2"},
        {"anonymous": True},
        {"wants_reply": False},
    ]
    master, members = await group(desk, *facts)
    accepted = desk.envelope(master, resolution_accepted())
    await desk.receive(accepted)
    await desk.receive(accepted)

    for appeal, number in ((master, "MQ-26-7K3M-0001"), (members[0], "R-1"), (members[1], "R-2")):
        callback = await desk.callback(appeal)
        assert (callback["receipt_number"], callback["department_code"]) == (number, DEPARTMENT)
        assert [kind for kind, _ in await desk.published(appeal)] == ["case.callback_opened"]
    for appeal, reason in zip(members[2:], ("anonymous", "no_reply_wanted"), strict=True):
        [(kind, data)] = await desk.published(appeal, Service.DISPATCH)
        assert (kind, data["reason"], data["master_appeal_id"]) == ("case.closed", reason, str(master))

    answered = await desk.answer(members[0], resolved=True, satisfaction=4)
    assert (answered["status"], answered["rounds"][0]["public_reply"]) == ("closed", "The lamp was replaced.")
    assert answered["rounds"][0]["master_appeal_id"] == str(master)
    assert (await desk.case(master))["status"] == "awaiting_callback"
    assert (await desk.case(members[1]))["status"] == "awaiting_callback"


async def test_a_member_that_was_not_helped_is_heard_and_shows_on_its_master(desk: Desk) -> None:
    """Its verdict counts; there is no second ticket to send back."""
    master, [member] = await group(desk, {})
    await desk.tell(master, resolution_accepted())
    case = await desk.answer(member, resolved=False, satisfaction=1)
    assert (case["status"], case["reason"], case["resolved"]) == ("closed", "member_dissatisfied", False)
    assert [kind for kind, _ in await desk.published(member, Service.DISPATCH)] == ["case.closed"]
    lead = await desk.case(master)
    assert (lead["attached_appeals"], lead["dissatisfied_members"]) == (1, 1)
    assert [(each["appeal_id"], each["satisfaction"]) for each in lead["members"]] == [(str(member), 1)]


async def test_a_redo_of_the_master_does_not_ask_those_again_who_have_answered(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    await desk.tell(master, resolution_accepted())
    await desk.answer(member, resolved=True, satisfaction=5)
    await desk.answer(master, resolved=False, satisfaction=1)
    late = uuid7()
    await desk.tell(late, attached(master))
    assert (await desk.case(late))["status"] == "open"

    await desk.tell(master, redo_started(), resolution_accepted(round=2, leg=2, public_reply="Again."))
    assert (await desk.case(member))["status"] == "closed"
    assert len(await desk.callbacks(appeal_id=member)) == 1
    assert (await desk.case(late))["rounds"][0]["public_reply"] == "Again."


@pytest.mark.parametrize("order", list(permutations(("accepted", "dispatch", "member"))))
async def test_a_member_is_asked_once_whatever_came_first(desk: Desk, order: tuple[str, ...]) -> None:
    """The master's facts, the master's result and the attachment come from three streams."""
    master, member = uuid7(), uuid7()
    streams: dict[str, tuple[UUID, list[EventData]]] = {
        "accepted": (master, [appeal_accepted()]),
        "dispatch": (master, [ticket_dispatched(), resolution_accepted()]),
        "member": (member, [attached(master)]),
    }
    for name in order:
        appeal, events = streams[name]
        await desk.tell(appeal, *events)
    for appeal in (master, member):
        assert len(await desk.callbacks(appeal_id=appeal)) == 1
        assert len(await desk.published(appeal)) == 1
    await never_failed(desk, master, member)


async def test_a_member_whose_own_result_was_accepted_first_is_asked_about_that_only(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    await desk.tell(member, ticket_dispatched(), resolution_accepted(public_reply="Own."))
    await desk.tell(master, resolution_accepted())
    case = await desk.case(member)
    assert [each["public_reply"] for each in case["rounds"]] == ["Own."]
    assert len(await desk.callbacks(appeal_id=member)) == 1


async def test_a_members_own_result_that_comes_too_late_is_no_failure(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    await desk.tell(master, resolution_accepted())
    await desk.tell(member, resolution_accepted(public_reply="Own."))
    assert len(await desk.callbacks(appeal_id=member)) == 1
    await never_failed(desk, member)


async def test_a_detached_member_goes_its_own_way_and_is_asked_about_its_own_result(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    await desk.tell(master, resolution_accepted())
    token = await desk.token(member)
    await desk.tell(member, detached(master))
    assert (await desk.case(member))["status"] == "open"
    assert (await desk.evaluate(token)).json()["code"] == "no_longer_asked"

    await desk.tell(member, ticket_dispatched(), resolution_accepted(public_reply="Own."))
    case = await desk.case(member)
    assert (case["status"], case["master_appeal_id"]) == ("awaiting_callback", None)
    assert [each["public_reply"] for each in case["rounds"]] == ["Own."]
    case = await desk.answer(member, resolved=False, satisfaction=1)
    assert case["status"] == "open"
    assert (await desk.case(master))["attached_appeals"] == 0


async def test_a_verdict_given_before_it_was_detached_stands(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    await desk.tell(master, resolution_accepted())
    await desk.answer(member, resolved=True, satisfaction=5)
    await desk.tell(member, detached(master))
    assert (await desk.case(member))["status"] == "closed"


async def test_answered_with_its_master_a_member_has_its_own_offer(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    await desk.tell(master, ended())
    await desk.tell(member, ended())
    assert (await desk.case(member))["reason"] == "answered"
    await desk.callback(member, status="offered")
    assert await desk.callbacks(appeal_id=member, status="open") == []


# --- one feedback to all --------------------------------------------------------------------------------------


async def test_one_special_feedback_reaches_each_of_a_group_once(desk: Desk) -> None:
    """LZ-16, HZ-14: also before the matter is finished; a repeated request is one feedback."""
    master, members = await group(desk, {}, {}, {})
    await desk.tell(members[2], ended("withdrawn"))
    key = {"Idempotency-Key": str(uuid4())}
    given = await feedback(desk, master, key, note="已告知，电话13912345678", at=START.isoformat())
    assert given.status_code == 201, given.text
    assert given.json()["reached"] == 3
    assert (
        await feedback(desk, master, key, note="已告知，电话13912345678", at=START.isoformat())
    ).json() == given.json()

    for appeal in (master, *members[:2]):
        (told,) = (await desk.case(appeal))["group_feedbacks"]
        assert (told["id"], told["mode"], told["reached"]) == (given.json()["id"], "face", 3)
        assert "13912345678" not in told["note"]
    assert (await desk.case(members[2]))["group_feedbacks"] == []


async def test_a_feedback_to_all_is_given_at_the_master(desk: Desk) -> None:
    master, [member] = await group(desk, {})
    refused = await feedback(desk, member)
    assert (refused.status_code, refused.json()["code"]) == (409, "is_member")
    assert refused.json()["master_appeal_id"] == str(master)
    assert (await feedback(desk, uuid7())).status_code == 404


@pytest.mark.parametrize(
    "body", [{"mode": "shout"}, {"note": ""}, {"at": (START + 3650 * DAY).isoformat()}, {"at": "yesterday"}]
)
async def test_a_bad_feedback_is_refused_and_nothing_stored(desk: Desk, body: dict[str, Any]) -> None:
    master, _ = await group(desk)
    assert (await feedback(desk, master, **body)).status_code == 422
    assert (await desk.case(master))["group_feedbacks"] == []


# --- changes --------------------------------------------------------------------------------------------------


async def test_a_case_follows_its_category_its_urges_and_its_dates(desk: Desk) -> None:
    appeal = uuid7()
    changed = e.AppealRecategorized(
        category_code="UM02", urgency=Urgency.P2, mode=HandlingMode.COMMITTED, title="Pipe", confidential=True, at=START
    )
    assert await desk.published(appeal) == []
    await desk.tell(appeal, e.AppealUrged(count=1, channel=Channel.PHONE, at=START))
    await desk.tell(appeal, appeal_accepted(), changed, e.AppealUrged(count=2, channel=Channel.PHONE, at=START))
    risk = e.AppealGroupRiskRaised(reason="persons", persons=209, at=START)
    moved = e.TicketRescheduled(
        ticket_id=UUID(int=7),
        round=1,
        leg=1,
        department_code=DEPARTMENT,
        department_name="City management",
        reason="recategorized",
        at=START,
        policy_code="L24",
        resolve_due_at=START + DAY,
        promised_by=START + DAY,
    )
    await desk.tell(appeal, risk, ticket_dispatched(), moved)
    case = await desk.case(appeal)
    assert (case["category_code"], case["urgency"], case["title"], case["confidential"]) == ("UM02", "P2", "Pipe", True)
    assert (case["urges"], case["group_risk"]) == (2, True)
    leg = case["legs"][0]
    assert (leg["policy_code"], leg["resolve_due_at"], leg["dispatched_at"]) == (
        "L24",
        "2026-03-03T01:00:00Z",
        "2026-03-02T01:00:00Z",
    )


async def test_another_category_of_an_appeal_that_is_no_case_yet_is_no_failure(desk: Desk) -> None:
    appeal = uuid7()
    changed = e.AppealRecategorized(category_code="UM02", urgency=Urgency.P2, mode=HandlingMode.COMMITTED, at=START)
    await desk.tell(appeal, changed)
    await never_failed(desk, appeal)
    assert (await desk.get(f"/v1/cases/{appeal}")).status_code == 404
