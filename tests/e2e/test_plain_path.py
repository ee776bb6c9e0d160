"""An appeal's whole way through three services, over HTTP against real processes: receipt to closed, and round two."""

from uuid import uuid4

import pytest

from shared.vocabulary import Service
from tests.support.city_client import PHONE, CityClient
from tests.support.polling import eventually_sync
from tests.support.stack import RunningStack, minqing

pytestmark = pytest.mark.xdist_group("stack")


def test_appeal_travels_from_receipt_to_closed(city: CityClient) -> None:
    """T10, T11, T15, T21, T30, T32, T34: every step is seen by the citizen, in order."""
    appeal = city.submit()
    assert appeal["status"] == "awaiting_dispatch"
    ticket = city.ticket(appeal)
    assert ticket["receipt_number"] == appeal["receipt_number"]
    assert ticket["status"] == "awaiting_acknowledgement"

    city.handle(city.pull(ticket["department_code"], appeal))
    city.call_back(appeal, resolved=True, satisfaction=5, comment="很快")

    tracked = city.track_until(appeal, "closed")
    seen = [entry["status"] for entry in tracked["timeline"]]
    way = ["awaiting_acknowledgement", "in_progress", "under_review", "awaiting_callback", "closed"]
    assert [status for status in dict.fromkeys(seen) if status in way] == way
    eventually_sync(lambda: city.ticket(appeal)["status"] == "closed", timeout=15.0)


def test_citizen_who_was_not_helped_is_heard_a_second_time(city: CityClient) -> None:
    """T35: unsolved and unsatisfied opens round two at the same department; solved then, it closes."""
    appeal = city.submit("0201")
    first = city.pull(city.ticket(appeal)["department_code"], appeal)
    city.handle(first)
    city.call_back(appeal, resolved=False, satisfaction=1, comment="没有解决")

    second = city.pull(first["ticket"]["department_code"], appeal)
    assert second["ticket"]["id"] == first["ticket"]["id"]
    assert second["ticket"]["round"] == 2
    assert second["ticket"]["status"] == "in_progress"

    city.handle(second, reply="已重新处理")
    city.call_back(appeal, resolved=True, satisfaction=4)
    city.track_until(appeal, "closed")
    assert len(city.tickets(appeal)) == 1


def test_appeal_unsolved_in_both_rounds_goes_on_the_ledger(city: CityClient) -> None:
    """T36: after the second unsolved round it is neither closed nor forgotten."""
    appeal = city.submit("0301")
    department = city.ticket(appeal)["department_code"]
    for _ in range(2):
        city.handle(city.pull(department, appeal))
        city.call_back(appeal, resolved=False, satisfaction=1)
    city.track_until(appeal, "on_ledger")


def test_appeal_without_category_waits_on_the_review_list_and_has_no_ticket(city: CityClient) -> None:
    appeal = city.submit(None)
    assert appeal["status"] == "registered"
    later = city.submit()
    city.ticket(later)
    assert city.tickets(appeal) == []


def test_same_request_sent_again_gets_the_first_answer_and_one_ticket(city: CityClient) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    body = {
        "type": "help",
        "channel": "app",
        "category_code": "0104",
        "title": "路灯",
        "description": "路灯不亮",
        "location": {"longitude": 113.817, "latitude": 34.037},
    }
    key = city.keys["mobile_app"]
    first, again = (
        city.call(Service.INTAKE, "POST", "/v1/appeals", key, body, expect=201, headers=headers) for _ in range(2)
    )
    assert again == first
    city.ticket(first)


def test_department_does_not_see_the_ticket_of_another(city: CityClient) -> None:
    ticket = city.ticket(city.submit())
    other = next(code for code in city.keys["departments"] if code != ticket["department_code"])
    key = city.department_key(other)
    city.call(Service.DISPATCH, "GET", f"/v1/tickets/{ticket['id']}", key, expect=404)
    body = {"reply": "x", "resolved": True}
    city.call(Service.DISPATCH, "POST", f"/v1/tickets/{ticket['id']}/resolve", key, body, expect=404)


def test_everything_published_was_applied_once_and_no_phone_number_is_in_any_log(
    city: CityClient, stack: RunningStack
) -> None:
    city.ticket(city.submit())
    done = minqing("verify", env=stack.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every event was applied exactly once" in done.stdout
    logs = list((stack.data_dir / "log").glob("*.log"))
    assert len(logs) >= 9
    assert [log.name for log in logs if PHONE in log.read_text(errors="replace")] == []
