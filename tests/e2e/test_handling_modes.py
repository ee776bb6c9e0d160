"""What the hotline decides about an appeal that a department already has: seen by all three services over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from shared.vocabulary import Service
from tests.support.city_client import CityClient
from tests.support.polling import eventually_sync

pytestmark = pytest.mark.xdist_group("stack")

LIGHT = "0104"
FOUND = 15.0


def decide(city: CityClient, appeal: Mapping[str, Any], move: str, **body: Any) -> dict[str, Any]:
    """An agent of the call centre makes a move of intake's."""
    headers = {"Idempotency-Key": str(uuid4())}
    path = f"/v1/appeals/{appeal['id']}/{move}"
    moved: dict[str, Any] = city.call(Service.INTAKE, "POST", path, city.keys["call_center"], body, headers=headers)
    return moved


def ticket_until(city: CityClient, appeal: Mapping[str, Any], status: str) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        found = city.ticket(appeal)
        return found if found["status"] == status else None

    found = eventually_sync(reached, timeout=FOUND)
    assert found is not None
    return found


def offered_to(city: CityClient, department: str) -> set[str]:
    """The appeals whose tickets a department can pull now."""
    body = {"max": 100, "lease_seconds": 5}
    answer = city.call(Service.DISPATCH, "POST", "/v1/tickets/pull", city.department_key(department), body)
    return {item["ticket"]["appeal_id"] for item in answer["items"]}


def case_of(city: CityClient, appeal: Mapping[str, Any]) -> dict[str, Any]:
    path = f"/v1/cases/{appeal['id']}"
    found: dict[str, Any] = city.call(Service.FEEDBACK, "GET", path, city.keys["admin"])
    return found


def test_an_answer_takes_the_ticket_back_and_the_citizen_may_still_evaluate(city: CityClient) -> None:
    """T2: nobody has it in hand yet, so the hotline answers, and no department is kept busy with it."""
    appeal = city.submit(LIGHT)
    ticket = ticket_until(city, appeal, "awaiting_acknowledgement")
    city.track_until(appeal, "awaiting_acknowledgement")

    assert decide(city, appeal, "answer", text="路灯今晚八点前修好。")["status"] == "closed"

    called_back = ticket_until(city, appeal, "closed")
    assert called_back["id"] == ticket["id"]
    assert appeal["id"] not in offered_to(city, ticket["department_code"])
    key = city.department_key(ticket["department_code"])
    refused = city.call(Service.DISPATCH, "POST", f"/v1/tickets/{ticket['id']}/acknowledge", key, {}, expect=409)
    assert (refused["code"], refused["state"]) == ("illegal_move", "closed")
    assert city.track(appeal)["status"] == "closed"

    case = eventually_sync(lambda: _with_status(case_of(city, appeal), "closed"), timeout=FOUND)
    assert case is not None
    assert case["rounds"][0]["callback"]["status"] == "offered"
    path = f"/v1/callbacks/{case['rounds'][0]['callback']['id']}/evaluation-token"
    given = city.call(Service.FEEDBACK, "POST", path, city.keys["callback_agent"], expect=201)
    word = {"token": given["token"], "resolved": False, "satisfaction": 2}
    assert city.call(Service.FEEDBACK, "POST", "/v1/evaluations", None, word, expect=201)["verdict"] == "closed"
    assert case_of(city, appeal)["resolved"] is False


def test_papers_stop_the_clock_and_the_department_gets_it_back_with_what_was_left(city: CityClient) -> None:
    """T4, T5, trap 7."""
    appeal = city.submit(LIGHT)
    before = ticket_until(city, appeal, "awaiting_acknowledgement")
    city.track_until(appeal, "awaiting_acknowledgement")

    decide(city, appeal, "supplement-requests", items=[{"name": "路灯杆号"}, {"name": "照片"}])
    paused = ticket_until(city, appeal, "supplementing")
    assert appeal["id"] not in offered_to(city, before["department_code"])

    decide(city, appeal, "supplements", items=[{"name": "路灯杆号"}, {"name": "照片"}])
    back = ticket_until(city, appeal, "awaiting_acknowledgement")
    assert back["department_code"] == before["department_code"]
    waited = datetime.fromisoformat(back["resumed_at"]) - datetime.fromisoformat(paused["paused_at"])
    assert waited.total_seconds() >= 0
    assert datetime.fromisoformat(back["resolve_due_at"]) >= datetime.fromisoformat(before["resolve_due_at"])
    city.handle(city.pull(before["department_code"], appeal))
    city.call_back(appeal, resolved=True, satisfaction=5)
    city.track_until(appeal, "closed")


def test_two_who_share_a_matter_are_both_called_about_one_piece_of_work(city: CityClient) -> None:
    """T9, LZ-16: one department, one ticket, two numbers, two verdicts and one special feedback to both."""
    master, member = city.submit(LIGHT), city.submit(LIGHT)
    department = ticket_until(city, master, "awaiting_acknowledgement")["department_code"]
    ticket_until(city, member, "awaiting_acknowledgement")
    for appeal in (master, member):
        city.track_until(appeal, "awaiting_acknowledgement")

    decide(city, member, "attach", master_id=master["id"], reason="同一盏路灯")
    ticket_until(city, member, "attached")
    eventually_sync(lambda: city.ticket(master)["attached_appeals"] == 1, timeout=FOUND)
    item = city.pull(department, master)
    assert member["id"] not in offered_to(city, department)

    city.handle(item)
    city.call_back(member, resolved=False, satisfaction=1)
    city.call_back(master, resolved=True, satisfaction=5)
    for appeal in (master, member):
        ticket_until(city, appeal, "closed")
        city.track_until(appeal, "closed")
    headers = {"Idempotency-Key": str(uuid4())}
    path = f"/v1/cases/{master['id']}/group-feedback"
    body = {"mode": "face", "note": "已在社区当面告知全体来电人"}
    key = city.keys["callback_agent"]
    given = city.call(Service.FEEDBACK, "POST", path, key, body, expect=201, headers=headers)
    assert given["reached"] == 2
    lead = case_of(city, master)
    assert (lead["attached_appeals"], lead["dissatisfied_members"], lead["satisfaction"]) == (1, 1, 5)
    assert case_of(city, member)["group_feedbacks"] == lead["group_feedbacks"]


def test_who_withdraws_is_not_worked_for_and_not_called(city: CityClient) -> None:
    """T41."""
    appeal = city.submit(LIGHT)
    ticket = ticket_until(city, appeal, "awaiting_acknowledgement")
    key = city.department_key(ticket["department_code"])
    item = city.pull(ticket["department_code"], appeal)
    city.move(item["ticket"], "acknowledge", key, {"lease_token": item["lease"]["token"]})
    city.track_until(appeal, "in_progress")

    decide(city, appeal, "withdraw", reason="已经修好了", identity_check="回拨登记号码核实")

    ticket_until(city, appeal, "withdrawn")
    body = {"reply": "x", "resolved": True}
    refused = city.call(Service.DISPATCH, "POST", f"/v1/tickets/{ticket['id']}/resolve", key, body, expect=409)
    assert refused["state"] == "withdrawn"
    case = eventually_sync(lambda: _with_status(case_of(city, appeal), "closed"), timeout=FOUND)
    assert case is not None
    assert (case["reason"], case["evaluation"]) == ("withdrawn", "none")
    assert city.callbacks(appeal) == []
    assert city.track(appeal)["status"] == "withdrawn"


def _with_status(case: dict[str, Any], status: str) -> dict[str, Any] | None:
    return case if case["status"] == status else None
