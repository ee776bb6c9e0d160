"""What intake decides after acceptance: tickets are called back, wait for papers, follow a master, change category."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from shared.contracts import events as e
from shared.contracts.envelope import EventData
from shared.ids import uuid7
from shared.vocabulary import AppealType, Channel, EvaluationOutcome, HandlingMode, Urgency
from tests.integration.dispatch.tickets.hall import (
    BURST_PIPE,
    GARBAGE,
    NOBODYS,
    RUBBLE,
    SANITATION,
    START,
    URBAN,
    WATER,
    Hall,
    accepted,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def ended(status: str = "withdrawn", rule: str = "T41", at: datetime = START) -> e.AppealEnded:
    return e.AppealEnded.model_validate(
        {
            "receipt_number": "2026030200000009",
            "status": status,
            "rule": rule,
            "reason_code": "by_citizen",
            "at": at,
            "type": AppealType.COMPLAINT,
            "channel": Channel.PHONE,
            "received_at": START,
        }
    )


def papers_missing(at: datetime) -> e.AppealSupplementRequested:
    return e.AppealSupplementRequested(at=at, due_at=at + 10 * DAY)


def papers_complete(at: datetime) -> e.AppealResumed:
    return e.AppealResumed(**accepted().model_dump(), resumed_at=at)


def attached(master: UUID, category: str = GARBAGE, **facts: Any) -> e.AppealAttached:
    return e.AppealAttached(**accepted(category, **facts).model_dump(), master_appeal_id=master, attached_at=START)


def detached(master: UUID, category: str = GARBAGE, **facts: Any) -> e.AppealDetached:
    return e.AppealDetached(**accepted(category, **facts).model_dump(), master_appeal_id=master, detached_at=START)


def recategorized(category: str, urgency: Urgency = Urgency.P3) -> e.AppealRecategorized:
    return e.AppealRecategorized(
        category_code=category,
        category_name="另一类",
        urgency=urgency,
        mode=HandlingMode.COMMITTED,
        title="另一件事",
        confidential=True,
        at=START,
    )


def member_closed(master: UUID) -> e.CaseClosed:
    return e.CaseClosed(
        round=1,
        at=START,
        evaluation=EvaluationOutcome.EVALUATED,
        resolved=True,
        satisfaction=5,
        reason="evaluated",
        master_appeal_id=master,
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def tell(hall: Hall, ticket: dict[str, Any], event: EventData) -> dict[str, Any]:
    """Let one more event about a ticket's appeal arrive; it must not fail. Return the ticket after it."""
    appeal_id = UUID(ticket["appeal_id"])
    applied = await hall.tell(appeal_id, event)
    assert applied.failed == ()
    return await hall.ticket_of(appeal_id)


async def kinds(hall: Hall, ticket: dict[str, Any]) -> list[str]:
    answer = await hall.get(f"/v1/tickets/{ticket['id']}/timeline")
    return [entry["type"] for entry in answer.json()["items"]]


async def armed(hall: Hall, ticket: dict[str, Any]) -> set[str]:
    return {timer for (_, timer, _), state in (await hall.timer_states(ticket)).items() if state == "armed"}


# --- ended ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["closed", "referred", "not_accepted", "withdrawn"])
async def test_an_ended_appeal_takes_its_ticket_back_from_the_department(hall: Hall, status: str) -> None:
    ticket = await hall.open()
    after = await tell(hall, ticket, ended(status))
    assert (after["status"], after["closed_at"]) == (status, "2026-03-02T01:00:00Z")
    assert await hall.pull() == []
    assert await armed(hall, ticket) == set()
    (leg,) = await hall.legs(ticket)
    assert leg.outcome == "called_back"
    assert (await kinds(hall, ticket))[-1] == "ticket.called_back"
    feed = (await hall.get("/v1/changes", hall.departments[SANITATION])).json()["items"]
    assert (feed[-1]["type"], feed[-1]["to_status"]) == ("ticket.called_back", status)


async def test_a_department_that_holds_a_called_back_ticket_is_told_its_state(hall: Hall) -> None:
    await hall.open()
    (item,) = await hall.pull()
    await tell(hall, item["ticket"], ended())
    own = hall.departments[SANITATION]
    refused = await hall.move(item["ticket"], "acknowledge", own, lease_token=item["lease"]["token"])
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (409, "illegal_move", "withdrawn")
    assert refused.json()["allowed_moves"] == []


async def test_an_appeal_that_ends_without_a_ticket_opens_none(hall: Hall) -> None:
    applied = await hall.tell(uuid7(), ended())
    assert (applied.failed, await hall.count()) == ((), 0)


async def test_a_ticket_that_is_closed_stays_closed_and_says_what_came_later(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(), "awaiting_callback")
    await hall.close_case(ticket)
    assert (await tell(hall, ticket, ended()))["status"] == "closed"
    assert (await kinds(hall, ticket))[-1] == "ticket.noted"


async def test_what_feedback_decides_about_a_ticket_that_was_called_back_is_no_failure(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(), "awaiting_callback")
    await tell(hall, ticket, ended())
    assert (await hall.request_redo(ticket)).failed == ()
    assert (await hall.close_case(ticket)).failed == ()
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["status"] == "withdrawn"


# --- papers ---------------------------------------------------------------------------------------------------


async def test_papers_stop_the_clock_and_it_goes_on_with_what_was_left(hall: Hall) -> None:
    """Trap 7: resumed, not restarted; around the clock for an urgent matter."""
    ticket = await hall.open(BURST_PIPE)
    hall.clock.advance(2 * HOUR)
    await hall.sweep.sweep()
    signed_late = await hall.published(ticket["appeal_id"])
    ticket = await hall.ticket_of(UUID(ticket["appeal_id"]))
    paused = await tell(hall, ticket, papers_missing(START + 2 * HOUR))
    assert (paused["status"], paused["department_code"], paused["overdue"]) == ("supplementing", WATER, False)
    assert await hall.pull(WATER) == []
    assert await armed(hall, ticket) == set()

    hall.clock.advance(30 * HOUR)
    await hall.sweep.sweep()
    assert await hall.published(ticket["appeal_id"]) == signed_late

    back = await tell(hall, ticket, papers_complete(START + 32 * HOUR))
    assert back["status"] == ticket["status"] == "in_progress"
    for name in ("acknowledge_due_at", "contact_due_at", "resolve_due_at", "promised_by"):
        if ticket[name] is not None:
            was_ahead = moment(ticket[name]) > START + 2 * HOUR
            assert moment(back[name]) == moment(ticket[name]) + (30 * HOUR if was_ahead else timedelta(0)), name
    assert (await kinds(hall, ticket))[-2:] == ["ticket.paused", "ticket.resumed"]
    told = (await hall.published(ticket["appeal_id"]))[-1]
    assert (told["type"], told["reason"], told["promised_by"]) == (
        "ticket.rescheduled",
        "resumed",
        back["promised_by"],
    )
    assert [item["ticket"]["id"] for item in await hall.pull(WATER)] == [ticket["id"]]


async def test_a_resumed_timer_fires_at_its_new_time_and_not_before(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(BURST_PIPE), "in_progress", WATER)
    due = moment(ticket["resolve_due_at"])
    await tell(hall, ticket, papers_missing(START))
    back = await tell(hall, ticket, papers_complete(START + 10 * HOUR))
    assert moment(back["resolve_due_at"]) == due + 10 * HOUR

    hall.clock.set(due + 10 * HOUR - timedelta(seconds=1))
    while await hall.sweep.sweep():
        pass
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["late_resolve"] is False
    hall.clock.advance(timedelta(seconds=1))
    while await hall.sweep.sweep():
        pass
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["late_resolve"] is True


async def test_working_days_that_pass_during_a_pause_are_added_as_working_days(hall: Hall) -> None:
    """Trap 2: from Monday to Thursday three working days are lost, whatever the hour; the weekend adds nothing."""
    ticket = await hall.work(await hall.open(GARBAGE), "in_progress")
    await tell(hall, ticket, papers_missing(START + 2 * HOUR))
    hall.clock.set(START + 3 * DAY)
    back = await tell(hall, ticket, papers_complete(START + 3 * DAY))
    assert (back["status"], back["department_code"]) == ("in_progress", SANITATION)
    assert ticket["resolve_due_at"] == "2026-03-09T16:00:00Z"
    assert back["resolve_due_at"] == "2026-03-12T16:00:00Z"


async def test_a_ticket_in_triage_waits_for_papers_and_goes_on_waiting_for_a_dispatcher(hall: Hall) -> None:
    ticket = await hall.open(NOBODYS)
    paused = await tell(hall, ticket, papers_missing(START))
    refused = await hall.move(paused, "dispatch", hall.office, department_code=URBAN, reason="x")
    assert (refused.status_code, refused.json()["state"]) == (409, "supplementing")
    back = await tell(hall, ticket, papers_complete(START + HOUR))
    assert back["status"] == "awaiting_dispatch"
    assert moment(back["dispatch_due_at"]) == moment(ticket["dispatch_due_at"]) + HOUR
    assert await armed(hall, ticket) == {"T_DISPATCH"}


async def test_papers_for_what_is_with_the_citizen_are_put_on_record_only(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(), "awaiting_callback")
    assert (await tell(hall, ticket, papers_missing(START)))["status"] == "awaiting_callback"
    assert (await tell(hall, ticket, papers_complete(START)))["status"] == "awaiting_callback"
    assert (await kinds(hall, ticket))[-2:] == ["ticket.noted", "ticket.noted"]


async def test_papers_for_an_appeal_without_a_ticket_are_no_failure_and_complete_ones_open_it(hall: Hall) -> None:
    appeal_id = uuid7()
    assert (await hall.tell(appeal_id, papers_missing(START))).failed == ()
    assert await hall.count() == 0
    assert (await hall.tell(appeal_id, papers_complete(START))).failed == ()
    assert (await hall.ticket_of(appeal_id))["status"] == "awaiting_acknowledgement"


# --- groups ---------------------------------------------------------------------------------------------------


async def test_a_member_waits_on_its_master_which_counts_it(hall: Hall) -> None:
    """T9: each keeps its number; one department works once."""
    master, member = await hall.open(), await hall.open()
    duplicate = hall.envelope(
        UUID(member["appeal_id"]), attached(UUID(master["appeal_id"]), households=209, signatories=12)
    )
    await hall.receive(duplicate)
    await hall.receive(duplicate)

    after = await hall.ticket_of(UUID(member["appeal_id"]))
    assert (after["status"], after["master_appeal_id"]) == ("attached", master["appeal_id"])
    assert (await hall.legs(member))[0].outcome == "attached"
    assert await armed(hall, member) == set()
    assert [item["ticket"]["id"] for item in await hall.pull()] == [master["id"]]
    lead = await hall.ticket_of(UUID(master["appeal_id"]))
    counted = (lead["attached_appeals"], lead["attached_households"], lead["attached_persons"])
    assert counted == (1, 209, 12)
    assert (await kinds(hall, master)).count("ticket.members_counted") == 1


async def test_neither_need_have_a_ticket_yet(hall: Hall) -> None:
    master, member = uuid7(), uuid7()
    assert (await hall.tell(member, attached(master))).failed == ()
    assert await hall.count() == 0
    await hall.tell(master, accepted())
    assert (await hall.ticket_of(master))["attached_appeals"] == 1


async def test_who_withdraws_from_a_group_is_not_counted_any_more(hall: Hall) -> None:
    master, member = await hall.open(), await hall.open()
    await tell(hall, member, attached(UUID(master["appeal_id"])))
    assert (await tell(hall, member, ended()))["status"] == "withdrawn"
    assert (await hall.ticket_of(UUID(master["appeal_id"])))["attached_appeals"] == 0


async def test_a_detached_ticket_is_routed_again_and_the_citizens_clock_never_stopped(hall: Hall) -> None:
    """Section 8: un-merged, its due time counts from where it first counted from."""
    master, member = await hall.open(), await hall.open(RUBBLE)
    await tell(hall, member, attached(UUID(master["appeal_id"]), RUBBLE))
    hall.clock.advance(DAY)
    free = await tell(hall, member, detached(UUID(master["appeal_id"]), RUBBLE))
    assert (free["status"], free["department_code"], free["leg"]) == ("awaiting_acknowledgement", URBAN, 2)
    assert (free["resolve_due_at"], free["promised_by"]) == (member["resolve_due_at"], member["promised_by"])
    assert moment(free["acknowledge_due_at"]) > moment(member["acknowledge_due_at"])
    assert [item["ticket"]["id"] for item in await hall.pull(URBAN)] == [member["id"]]
    assert (await hall.ticket_of(UUID(master["appeal_id"])))["attached_appeals"] == 0
    decisions = (await hall.get(f"/v1/tickets/{member['id']}/decision")).json()["items"]
    assert [each["number"] for each in decisions] == [1, 2]


async def test_a_detached_tickets_date_never_lies_in_the_past(hall: Hall) -> None:
    master, member = await hall.open(), await hall.open()
    await tell(hall, member, attached(UUID(master["appeal_id"])))
    hall.clock.advance(60 * DAY)
    free = await tell(hall, member, detached(UUID(master["appeal_id"])))
    assert moment(free["resolve_due_at"]) == START + 60 * DAY


async def test_a_detached_appeal_without_a_ticket_gets_one_counted_from_its_acceptance(hall: Hall) -> None:
    master, member = uuid7(), uuid7()
    await hall.tell(member, attached(master))
    hall.clock.advance(DAY)
    assert (await hall.tell(member, detached(master))).failed == ()
    opened = await hall.ticket_of(member)
    assert (opened["status"], opened["resolve_due_at"]) == ("awaiting_acknowledgement", "2026-03-09T16:00:00Z")


async def test_a_detached_ticket_that_no_rule_takes_waits_for_a_dispatcher(hall: Hall) -> None:
    master, member = await hall.open(), await hall.open()
    await tell(hall, member, attached(UUID(master["appeal_id"])))
    free = await tell(hall, member, detached(UUID(master["appeal_id"]), NOBODYS))
    assert (free["status"], free["category_code"]) == ("awaiting_dispatch", NOBODYS)
    assert await armed(hall, member) == {"T_DISPATCH"}


@pytest.mark.parametrize("order", sorted(set(permutations("mmaf"))))
async def test_a_members_verdict_closes_its_ticket_whatever_came_first(hall: Hall, order: tuple[str, ...]) -> None:
    """m: the member's own events from intake, in order; a: the master's acceptance; f: feedback about the member."""
    master, member = uuid7(), uuid7()
    own: Iterator[EventData] = iter([accepted(), attached(master)])
    for step in order:
        event: EventData = accepted() if step == "a" else member_closed(master)
        if step == "m":
            event = next(own)
        assert (await hall.tell(master if step == "a" else member, event)).failed == ()
    assert (await hall.ticket_of(master))["attached_appeals"] == 1
    assert (await hall.ticket_of(member))["status"] == "closed"
    assert await hall.count() == 2


async def test_a_verdict_about_an_appeal_nobody_knows_is_shown(hall: Hall) -> None:
    event = member_closed(uuid7()).model_copy(update={"master_appeal_id": None})
    assert len((await hall.tell(uuid7(), event)).failed) == 1


async def test_another_round_is_not_opened_for_a_member(hall: Hall) -> None:
    master, member = await hall.open(), await hall.work(await hall.open(), "awaiting_callback")
    await tell(hall, member, attached(UUID(master["appeal_id"])))
    assert (await hall.request_redo(member)).failed == ()
    assert (await hall.ticket_of(UUID(member["appeal_id"])))["status"] == "attached"


# --- another category -----------------------------------------------------------------------------------------


async def test_another_category_moves_the_dates_from_the_original_start(hall: Hall) -> None:
    """T43: 24 hours from dispatch, not from the change; the department keeps it."""
    ticket = await hall.work(await hall.open(GARBAGE), "in_progress")
    hall.clock.advance(3 * HOUR)
    after = await tell(hall, ticket, recategorized(BURST_PIPE, Urgency.P2))
    assert (after["department_code"], after["category_code"], after["urgency"]) == (SANITATION, BURST_PIPE, "P2")
    assert (after["title"], after["confidential"], after["policy_code"]) == ("另一件事", True, "L24")
    assert moment(after["resolve_due_at"]) == START + DAY
    assert after["promised_by"] == after["resolve_due_at"]
    told = (await hall.published(ticket["appeal_id"]))[-1]
    assert (told["type"], told["reason"], told["policy_code"]) == ("ticket.rescheduled", "recategorized", "L24")
    (entry,) = [
        each
        for each in (await hall.get(f"/v1/tickets/{ticket['id']}/timeline")).json()["items"]
        if each["type"] == "ticket.recategorized"
    ]
    assert entry["detail"]["previous_policy"].startswith("G5D@")
    assert entry["detail"]["policy"].startswith("L24@")

    hall.clock.set(START + DAY)
    while await hall.sweep.sweep():
        pass
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["late_resolve"] is True


async def test_another_category_never_moves_a_date_into_the_past(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "in_progress")
    hall.clock.advance(3 * DAY)
    after = await tell(hall, ticket, recategorized(BURST_PIPE, Urgency.P2))
    assert moment(after["resolve_due_at"]) == START + 3 * DAY
    assert after["acknowledge_due_at"] == ticket["acknowledge_due_at"]


async def test_a_rejected_answer_goes_on_under_the_new_dates(hall: Hall) -> None:
    """What was stopped when the category changed is armed again at the new time (trap 15)."""
    ticket = await hall.work(await hall.open(GARBAGE), "under_review")
    after = await tell(hall, ticket, recategorized(BURST_PIPE, Urgency.P2))
    assert "T_RESOLVE" not in await armed(hall, after)
    await hall.moved(after, "review", hall.office, decision="reject", note="没有照片")
    hall.clock.set(START + DAY)
    while await hall.sweep.sweep():
        pass
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["late_resolve"] is True


async def test_a_ticket_in_triage_is_routed_by_its_new_category(hall: Hall) -> None:
    ticket = await hall.open(NOBODYS)
    after = await tell(hall, ticket, recategorized(RUBBLE))
    assert (after["status"], after["department_code"]) == ("awaiting_acknowledgement", URBAN)
    assert "T_DISPATCH" not in await armed(hall, after)


async def test_of_what_has_become_a_report_the_citizens_words_are_gone(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE, description="我家楼下的饭店", place="建设路12号")
    report = recategorized(GARBAGE).model_copy(update={"type": AppealType.REPORT, "title": "Report: garbage"})

    after = await tell(hall, ticket, report)

    assert (after["type"], after["title"]) == ("report", "Report: garbage")
    shown = await hall.client.get(f"/v1/tickets/{ticket['id']}", headers=hall.office)
    assert (shown.json()["description"], shown.json()["location"]["place"]) == ("", "")


async def test_a_category_that_is_nobodys_again_stays_in_triage(hall: Hall) -> None:
    ticket = await hall.open(NOBODYS)
    after = await tell(hall, ticket, recategorized("9902"))
    assert (after["status"], after["category_code"]) == ("awaiting_dispatch", "9902")


async def test_a_change_to_an_appeal_without_a_ticket_or_to_a_closed_one_is_no_failure(hall: Hall) -> None:
    assert (await hall.tell(uuid7(), recategorized(RUBBLE))).failed == ()
    ticket = await hall.open()
    await tell(hall, ticket, ended())
    assert (await tell(hall, ticket, recategorized(RUBBLE)))["category_code"] == GARBAGE


# --- urges and groups -----------------------------------------------------------------------------------------


async def test_urges_and_warnings_are_counted_before_and_after_there_is_a_ticket(hall: Hall) -> None:
    appeal_id = uuid7()
    risk = e.AppealGroupRiskRaised(reason="persons", households=209, persons=209, appeals=1, at=START)
    await hall.tell(appeal_id, e.AppealUrged(count=1, channel=Channel.PHONE, at=START))
    await hall.tell(appeal_id, risk)
    await hall.tell(appeal_id, accepted())
    early = await hall.ticket_of(appeal_id)
    assert (early["urges"], early["group_risk"]) == (1, True)

    later = await tell(hall, early, e.AppealUrged(count=3, channel=Channel.WEB, at=START))
    assert later["urges"] == 3
    feed = (await hall.get("/v1/changes", hall.departments[SANITATION])).json()["items"]
    assert (feed[-1]["type"], feed[-1]["detail"]) == ("ticket.urged", {"count": 3, "channel": "web"})
    other = await hall.open()
    assert (await tell(hall, other, risk))["group_risk"] is True


# --- at once --------------------------------------------------------------------------------------------------


async def test_many_who_attach_at_once_are_all_counted(hall: Hall) -> None:
    """Also while the master gets its ticket: whoever is first, nobody is lost."""
    master, members = uuid7(), [uuid7() for _ in range(8)]
    await asyncio.gather(*(hall.tell(member, accepted()) for member in members[:4]))
    told = await asyncio.gather(
        *(hall.tell(member, attached(master)) for member in members[:4]),
        hall.tell(master, accepted()),
        *(hall.tell(member, attached(master)) for member in members[4:]),
    )
    assert {applied.failed for applied in told} == {()}
    assert (await hall.ticket_of(master))["attached_appeals"] == 8


async def test_two_that_are_attached_to_each_others_masters_at_once_do_not_block_each_other(hall: Hall) -> None:
    tickets = [await hall.open() for _ in range(4)]
    first, second, third, fourth = (UUID(ticket["appeal_id"]) for ticket in tickets)
    pairs = [(first, fourth), (second, third), (third, second), (fourth, first)]
    told = await asyncio.gather(*(hall.tell(member, attached(master)) for member, master in pairs))
    assert {applied.failed for applied in told} == {()}
