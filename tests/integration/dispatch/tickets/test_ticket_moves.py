"""Every move: who may make it, from where, on what it was decided, and what happens when two make it at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.ids import uuid7
from tests.integration.dispatch.tickets.hall import (
    DEPARTMENT_SCOPES,
    GARBAGE,
    NOBODYS,
    SANITATION,
    URBAN,
    WATER,
    Hall,
)

DEPARTMENT_MOVES: dict[str, dict[str, Any]] = {
    "acknowledge": {},
    "contact": {"channel": "phone", "note": "已联系"},
    "progress": {"note": "已派车"},
    "return": {"reason_code": "duty_wrong", "explanation": "不属本单位职责"},
    "resolve": {"reply": "已清运", "resolved": True},
}
OFFICE_MOVES: dict[str, dict[str, Any]] = {
    "dispatch": {"department_code": URBAN, "reason": "职责所在"},
    "return-decision": {"decision": "refuse", "note": "属实"},
    "review": {"decision": "accept"},
}


async def test_another_departments_ticket_does_not_exist(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    other = hall.departments[URBAN]
    for move, body in DEPARTMENT_MOVES.items():
        answer = await hall.move(ticket, move, {**other, "If-Match": '"v99"'}, **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), move
    for path in ("", "/timeline", "/decision"):
        assert (await hall.get(f"/v1/tickets/{ticket['id']}{path}", other)).status_code == 404
    assert (await hall.get("/v1/tickets", other)).json()["items"] == []
    assert (await hall.get("/v1/tickets", other, department_code=SANITATION)).json()["items"] == []
    assert (await hall.get("/v1/changes", other)).json()["items"] == []


async def test_a_ticket_that_never_was_does_not_exist_either(hall: Hall) -> None:
    nothing = {"id": str(uuid7())}
    for move, body in DEPARTMENT_MOVES.items():
        assert (await hall.move(nothing, move, hall.departments[SANITATION], **body)).status_code == 404
    for move, body in OFFICE_MOVES.items():
        assert (await hall.move(nothing, move, hall.office, **body)).status_code == 404


async def test_a_department_cannot_make_the_offices_moves_nor_the_office_the_departments(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    for move, body in OFFICE_MOVES.items():
        assert (await hall.move(ticket, move, hall.departments[SANITATION], **body)).status_code == 403
    for move, body in DEPARTMENT_MOVES.items():
        assert (await hall.move(ticket, move, hall.office, **body)).status_code == 403


async def test_a_department_with_the_offices_scope_still_does_not_judge_itself(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "under_review")
    both = await hall.key(*DEPARTMENT_SCOPES, "tickets:dispatch", department_code=SANITATION)
    answer = await hall.move(ticket, "review", both, decision="accept")
    assert answer.status_code == 403


async def test_a_handler_without_a_department_may_not_act_for_one(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    stranger = await hall.key("tickets:handle")
    assert (await hall.move(ticket, "acknowledge", stranger)).status_code == 403
    administrator = await hall.key("admin")
    assert (await hall.move(ticket, "acknowledge", administrator)).status_code == 200


@pytest.mark.parametrize(
    ("move", "allowed"),
    [
        ("contact", ["acknowledge", "return"]),
        ("progress", ["acknowledge", "return"]),
        ("resolve", ["acknowledge", "return"]),
    ],
)
async def test_an_illegal_move_names_the_state_and_what_is_allowed(hall: Hall, move: str, allowed: list[str]) -> None:
    ticket = await hall.open(GARBAGE)
    answer = await hall.move(ticket, move, hall.departments[SANITATION], **DEPARTMENT_MOVES[move])
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "illegal_move")
    assert problem["state"] == "awaiting_acknowledgement"
    assert problem["allowed_moves"] == allowed


async def test_office_moves_are_illegal_before_their_time(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    for move, body in OFFICE_MOVES.items():
        answer = await hall.move(ticket, move, hall.office, **body)
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move"), move


async def test_a_stale_version_is_refused_and_a_current_one_taken(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    own = hall.departments[SANITATION]
    seen = (await hall.get(f"/v1/tickets/{ticket['id']}", own)).headers["ETag"]
    first = await hall.move(ticket, "acknowledge", {**own, "If-Match": seen})
    assert first.status_code == 200
    assert first.headers["ETag"] != seen
    stale = await hall.move(ticket, "progress", {**own, "If-Match": seen}, note="已派车")
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await hall.move(ticket, "progress", {**own, "If-Match": '"another"'}, note="x")).status_code == 412
    assert (await hall.move(ticket, "progress", {**own, "If-Match": "*"}, note="x")).status_code == 200
    assert (await hall.move(ticket, "progress", {**own, "If-Match": '"v3"'}, note="已派车")).status_code == 200


async def test_permission_is_checked_before_the_version(hall: Hall) -> None:
    """Trap 39."""
    ticket = await hall.open(GARBAGE)
    stale = {"If-Match": '"v42"'}
    assert (await hall.move(ticket, "acknowledge", {**hall.departments[WATER], **stale})).status_code == 404
    both = await hall.key(*DEPARTMENT_SCOPES, "tickets:dispatch", department_code=SANITATION)
    assert (await hall.move(ticket, "review", {**both, **stale}, decision="accept")).status_code == 403


async def test_a_move_under_a_lease_needs_the_lease_to_hold(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    own = hall.departments[SANITATION]
    wrong = await hall.move(ticket, "acknowledge", own, lease_token="not-a-lease")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "lease_lost")
    (pulled,) = await hall.pull(lease_seconds=60)
    token = pulled["lease"]["token"]
    hall.clock.advance(timedelta(seconds=60))
    ended = await hall.move(ticket, "acknowledge", own, lease_token=token)
    assert (ended.status_code, ended.json()["code"]) == (409, "lease_lost")
    (again,) = await hall.pull(lease_seconds=60)
    assert again["lease"]["token"] != token
    old = await hall.move(ticket, "acknowledge", own, lease_token=token)
    assert old.json()["code"] == "lease_lost"
    new = again["lease"]["token"]
    assert (await hall.move(ticket, "acknowledge", own, lease_token=new)).status_code == 200
    assert (await hall.move(ticket, "progress", own, lease_token=new, note="已派车")).status_code == 200


async def test_two_reviews_at_once_one_wins(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "under_review")
    answers = await asyncio.gather(
        hall.move(ticket, "review", hall.office, decision="accept"),
        hall.move(ticket, "review", hall.office, decision="reject", note="没有照片"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    told = [each["type"] for each in await hall.published(ticket["appeal_id"])]
    assert len([each for each in told if each.startswith("ticket.resolution_")]) == 1


async def test_a_repeated_move_with_its_key_is_replayed(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    keyed = {**hall.departments[SANITATION], "Idempotency-Key": "once"}
    first = await hall.move(ticket, "acknowledge", keyed)
    second = await hall.move(ticket, "acknowledge", keyed)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.content == first.content
    assert second.headers["ETag"] == first.headers["ETag"]
    told = [each["type"] for each in await hall.published(ticket["appeal_id"])]
    assert told == ["ticket.dispatched", "ticket.acknowledged"]


@pytest.mark.parametrize(
    ("move", "body"),
    [
        ("resolve", {"reply": "   ", "resolved": True}),
        ("resolve", {"reply": "已清运"}),
        ("resolve", {"reply": "已清运", "resolved": "yes"}),
        ("resolve", {"reply": "已清运", "resolved": True, "measure": "perhaps"}),
        ("resolve", {"reply": "已清运", "resolved": True, "cost": -1}),
        ("contact", {"channel": "Phone!", "note": ""}),
        ("return", {"reason_code": "no_idea", "explanation": "x"}),
        ("return", {"reason_code": "other", "explanation": ""}),
        ("progress", {"note": "a\u0000b"}),
        ("acknowledge", {"unknown": 1}),
    ],
)
async def test_a_malformed_move_is_refused_and_changes_nothing(hall: Hall, move: str, body: dict[str, Any]) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "in_progress")
    answer = await hall.move(ticket, move, hall.departments[SANITATION], **body)
    assert answer.status_code in {400, 422}, answer.text
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["version"] == ticket["version"]


async def test_a_rejection_names_the_defect(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "under_review")
    assert (await hall.move(ticket, "review", hall.office, decision="reject")).status_code == 422


# --- returns --------------------------------------------------------------------------------------------------


async def _returned(hall: Hall, ticket: dict[str, Any], department: str = SANITATION) -> dict[str, Any]:
    return await hall.moved(ticket, "return", hall.departments[department], **DEPARTMENT_MOVES["return"])


async def test_an_approved_return_goes_back_to_the_dispatcher_and_pauses_nothing(hall: Hall) -> None:
    ticket = await _returned(hall, await hall.open(GARBAGE))
    assert ticket["status"] == "return_review"
    assert (await hall.timer_states(ticket))[(1, "T_RESOLVE", "L2")] == "armed"
    hall.clock.advance(timedelta(hours=1))
    waiting = await hall.moved(ticket, "return-decision", hall.office, decision="approve", note="派错")
    assert (waiting["status"], waiting["department_code"]) == ("awaiting_dispatch", None)
    assert waiting["promised_by"] == ticket["resolve_due_at"]
    assert (await hall.get(f"/v1/tickets/{ticket['id']}", hall.departments[SANITATION])).status_code == 404
    (item,) = (await hall.get("/v1/triage")).json()["items"]
    assert item["ticket"]["id"] == ticket["id"]
    sent = await hall.moved(waiting, "dispatch", hall.office, department_code=URBAN, reason="职责所在")
    assert (sent["leg"], sent["round"], sent["department_code"]) == (2, 1, URBAN)
    assert sent["promised_by"] == ticket["promised_by"]
    assert (await hall.pull(URBAN))[0]["ticket"]["id"] == ticket["id"]
    legs = await hall.legs(ticket)
    assert [leg.outcome for leg in legs] == ["returned", None]


async def test_an_approved_return_may_name_the_next_department(hall: Hall) -> None:
    ticket = await _returned(hall, await hall.open(GARBAGE))
    sent = await hall.moved(
        ticket, "return-decision", hall.office, decision="accept", note="派错", department_code=URBAN
    )
    assert (sent["status"], sent["department_code"]) == ("awaiting_acknowledgement", URBAN)
    told = [each["type"] for each in await hall.published(ticket["appeal_id"])]
    assert told == [
        "ticket.dispatched",
        "ticket.return_requested",
        "ticket.return_decided",
        "ticket.dispatched",
    ]


async def test_the_second_department_gets_what_is_left_but_at_least_half(hall: Hall) -> None:
    """3.4: max(remaining, half the policy)."""
    ticket = await hall.open(GARBAGE)
    early = await _returned(hall, ticket)
    hall.clock.advance(timedelta(days=4))
    sent = await hall.moved(
        early, "return-decision", hall.office, decision="approve", note="派错", department_code=URBAN
    )
    assert ticket["resolve_due_at"] == "2026-03-09T16:00:00Z"
    assert sent["resolve_due_at"] == "2026-03-11T16:00:00Z"  # three working days after Friday 6 March
    assert sent["promised_by"] == "2026-03-09T16:00:00Z"


async def test_a_refused_return_stays_on_the_same_clocks(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    returned = await _returned(hall, ticket)
    kept = await hall.moved(returned, "return-decision", hall.office, decision="refuse", note="属本单位")
    assert (kept["status"], kept["department_code"]) == ("in_progress", SANITATION)
    assert kept["resolve_due_at"] == ticket["resolve_due_at"]
    acknowledged = await hall.moved(kept, "acknowledge", hall.departments[SANITATION])
    assert acknowledged["status"] == "in_progress"
    again = await hall.move(kept, "return", hall.departments[SANITATION], **DEPARTMENT_MOVES["return"])
    assert again.json()["code"] == "not_first_return_of_department"


async def test_a_return_comes_before_the_first_contact_and_inside_its_window(hall: Hall) -> None:
    contacted = await hall.work(await hall.open(GARBAGE), "in_progress")
    await hall.moved(contacted, "contact", hall.departments[SANITATION], channel="visit")
    late = await hall.move(contacted, "return", hall.departments[SANITATION], **DEPARTMENT_MOVES["return"])
    assert (late.status_code, late.json()["code"]) == (409, "not_before_first_contact")
    assert "return" not in late.json()["allowed_moves"]
    ticket = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(hours=5, minutes=30))  # four working hours, and lunch
    closed = await hall.move(ticket, "return", hall.departments[SANITATION], **DEPARTMENT_MOVES["return"])
    assert (closed.status_code, closed.json()["code"]) == (409, "not_within_return_window")


async def test_the_second_return_of_a_ticket_is_marked_for_consultation_and_there_is_no_third(hall: Hall) -> None:
    first = await _returned(hall, await hall.open(GARBAGE))
    assert first["needs_consultation"] is False
    sent = await hall.moved(
        first, "return-decision", hall.office, decision="approve", note="派错", department_code=URBAN
    )
    second = await _returned(hall, sent, URBAN)
    assert (second["status"], second["needs_consultation"]) == ("return_review", True)
    sent = await hall.moved(
        second, "return-decision", hall.office, decision="approve", note="派错", department_code=WATER
    )
    third = await hall.move(sent, "return", hall.departments[WATER], **DEPARTMENT_MOVES["return"])
    assert third.json()["code"] == "not_fewer_than_two_returns"


async def test_nothing_is_dispatched_to_a_department_that_does_not_exist(hall: Hall) -> None:
    ticket = await hall.open(NOBODYS)
    answer = await hall.move(ticket, "dispatch", hall.office, department_code="nobody", reason="x")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "/department_code"
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["status"] == "awaiting_dispatch"
