"""The plain path of a ticket, from the accepted appeal to the closed case."""

from uuid import UUID

from shared.ids import uuid7
from shared.vocabulary import Service
from tests.integration.dispatch.tickets.hall import (
    GARBAGE,
    NOBODYS,
    RUBBLE,
    SANITATION,
    START,
    URBAN,
    Hall,
    accepted,
)


async def test_an_accepted_appeal_is_dispatched_with_due_times_counted_from_dispatch(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    assert ticket["status"] == "awaiting_acknowledgement"
    assert (ticket["department_code"], ticket["department_name"]) == (SANITATION, "环卫处")
    assert (ticket["round"], ticket["leg"], ticket["version"]) == (1, 1, 1)
    assert ticket["dispatched_at"] == "2026-03-02T01:00:00Z"
    assert ticket["acknowledge_due_at"] == ticket["contact_due_at"] == "2026-03-03T16:00:00Z"
    assert ticket["resolve_due_at"] == ticket["promised_by"] == "2026-03-09T16:00:00Z"
    (told,) = await hall.published(ticket["appeal_id"])
    assert told["type"] == "ticket.dispatched"
    assert told["resolve_due_at"] == "2026-03-09T16:00:00Z"


async def test_the_whole_path_to_a_closed_case(hall: Hall) -> None:
    own = hall.departments[SANITATION]
    ticket = await hall.open(GARBAGE)
    ticket = await hall.moved(ticket, "acknowledge", own)
    ticket = await hall.moved(ticket, "contact", own, channel="phone", note="约定上门")
    ticket = await hall.moved(ticket, "progress", own, note="已派车, 电话13800138000")
    ticket = await hall.moved(ticket, "resolve", own, reply="已清运", resolved=True, public_reply="已清运")
    assert ticket["status"] == "under_review"
    ticket = await hall.moved(ticket, "review", hall.office, decision="accept")
    assert ticket["status"] == "awaiting_callback"
    await hall.close_case(ticket)
    detail = (await hall.get(f"/v1/tickets/{ticket['id']}")).json()
    assert detail["status"] == "closed"
    assert detail["legs"][0]["resolution"]["reply"] == "已清运"
    told = await hall.published(ticket["appeal_id"], Service.INTAKE)
    assert [each["type"] for each in told] == [
        "ticket.dispatched",
        "ticket.acknowledged",
        "ticket.contacted",
        "ticket.progressed",
        "ticket.resolved",
        "ticket.resolution_accepted",
    ]
    assert "13800138000" not in told[3]["note"]
    assert set((await hall.timer_states(ticket)).values()) == {"cancelled"}


async def test_the_timeline_tells_who_did_what_and_why(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "under_review")
    await hall.moved(ticket, "review", hall.office, decision="reject", note="没有照片")
    page = (await hall.get(f"/v1/tickets/{ticket['id']}/timeline")).json()
    steps = [(each["type"], each["from_status"], each["to_status"], each["reason"]) for each in page["items"]]
    assert steps[1:] == [
        ("ticket.acknowledged", "awaiting_acknowledgement", "in_progress", None),
        ("ticket.resolved", "in_progress", "under_review", None),
        ("ticket.resolution_rejected", "under_review", "in_progress", "没有照片"),
    ]
    assert page["items"][0]["actor"] == "rule engine"
    assert page["items"][1]["actor"].startswith("key:")


async def test_what_no_rule_takes_goes_to_triage_with_the_reason_and_a_dispatcher_sends_it(hall: Hall) -> None:
    ticket = await hall.open(NOBODYS)
    assert (ticket["status"], ticket["department_code"]) == ("awaiting_dispatch", None)
    (item,) = (await hall.get("/v1/triage")).json()["items"]
    assert "no rule" in item["reason"]
    (told,) = await hall.published(ticket["appeal_id"], Service.INTAKE)
    assert told["type"] == "ticket.triaged"
    sent = await hall.moved(ticket, "dispatch", hall.office, department_code=URBAN, reason="职责所在")
    assert (sent["status"], sent["department_code"], sent["leg"]) == ("awaiting_acknowledgement", URBAN, 1)
    assert (await hall.get("/v1/triage")).json()["items"] == []
    decisions = (await hall.get(f"/v1/tickets/{ticket['id']}/decision")).json()["items"]
    assert [(each["number"], each["department_code"]) for each in decisions] == [(1, None), (2, URBAN)]
    assert decisions[1]["explanation"] == "职责所在"


async def test_a_decision_is_explained_from_the_record(hall: Hall) -> None:
    ticket = await hall.open(RUBBLE)
    (decision,) = (await hall.get(f"/v1/tickets/{ticket['id']}/decision")).json()["items"]
    assert (decision["rule_id"], decision["rule_set_version"]) == ("rubble", 1)
    assert decision["grid_path"] == ["411002001001001", "411002001001", "411002001", "411002"]
    assert decision["considered"][0]["rule_id"] == "rubble"


async def test_a_rejected_answer_never_stopped_the_clock(hall: Hall) -> None:
    """Trap 15, T31."""
    ticket = await hall.work(await hall.open(GARBAGE), "under_review")
    states = await hall.timer_states(ticket)
    assert states[(1, "T_RESOLVE", "L2")] == "cancelled"
    assert states[(1, "T_REVIEW", "L2")] == "armed"
    again = await hall.moved(ticket, "review", hall.office, decision="reject", note="没有照片")
    assert again["status"] == "in_progress"
    assert again["resolve_due_at"] == ticket["resolve_due_at"]
    assert again["resolved_at"] is None
    states = await hall.timer_states(ticket)
    assert states[(1, "T_RESOLVE", "L2")] == "armed"
    assert states[(1, "T_REVIEW", "L2")] == "cancelled"


async def test_a_redo_is_a_round_of_its_own_and_keeps_the_first(hall: Hall) -> None:
    """T35, trap 16."""
    ticket = await hall.work(await hall.open(GARBAGE), "awaiting_callback")
    hall.clock.set(START.replace(day=4))
    await hall.request_redo(ticket)
    again = await hall.ticket_of(UUID(ticket["appeal_id"]))
    assert (again["status"], again["round"], again["leg"]) == ("in_progress", 2, 2)
    assert again["department_code"] == SANITATION
    assert again["resolve_due_at"] == "2026-03-11T16:00:00Z"
    detail = (await hall.get(f"/v1/tickets/{ticket['id']}")).json()
    assert [leg["resolve_due_at"] for leg in detail["legs"]] == ["2026-03-09T16:00:00Z", "2026-03-11T16:00:00Z"]
    assert detail["legs"][0]["resolution"]["reply"] == "已清运"
    (pulled,) = await hall.pull()
    assert pulled["ticket"]["id"] == ticket["id"]
    acknowledged = await hall.moved(again, "acknowledge", hall.departments[SANITATION])
    assert acknowledged["acknowledged_at"] is not None
    assert await hall.pull() == []
    told = (await hall.published(ticket["appeal_id"]))[-2:]
    assert [each["type"] for each in told] == ["ticket.redo_started", "ticket.acknowledged"]


async def test_an_area_is_found_or_said_to_be_unknown(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE, grid_code=None, longitude=113.8, latitude=34.0)
    assert ticket["grid_code"].endswith("000")


async def test_an_anonymous_appeal_has_nobody_to_contact(hall: Hall) -> None:
    """Traps 29 and 30."""
    ticket = await hall.open(GARBAGE, anonymous=True)
    assert ticket["contact_due_at"] is None
    assert not [key for key in await hall.timer_states(ticket) if key[1] == "T_CONTACT"]


async def test_many_appeals_at_once_get_one_ticket_each(hall: Hall) -> None:
    ids = [uuid7() for _ in range(50)]
    codes = [GARBAGE, RUBBLE, NOBODYS]
    envelopes = [hall.envelope(id_, accepted(codes[i % 3])) for i, id_ in enumerate(ids)]
    applied = await hall.receive(*envelopes)
    assert applied.events == 50
    assert await hall.count() == 50
