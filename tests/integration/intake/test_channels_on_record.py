"""Every channel over the API: its facts are kept, told back masked, and refused where they do not belong."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from services.intake.domain.channels import FIELDS
from shared.vocabulary import Channel
from tests.integration.intake.office import NAME, PHONE, Office, submission

NO_REFERENCE: dict[str, Any] = {
    "found_at": "2026-03-01T17:30:00+08:00",
    "sheet_number": "12",
    "entered_via": "screen",
    "card_number": "1001",
    "queue_number": "A12",
    "clerk": "Clerk Li",
    "visitor_number": 3,
    "leader": "Director Wang",
    "reference": "I-7",
    "group": "retired cadre",
    "system": "province",
    "foreign_number": "P-2026-1",
    "handed_over_at": "2026-03-02T08:50:00+08:00",
    "officer": "Officer Chen",
    "outlet": "Evening News",
    "published_at": "2026-03-01T08:00:00+08:00",
    "url": "https://paper.example/7",
    "evaluation_ref": "E-1",
    "score": 2,
    "device_id": "cam-7",
    "event_id": "e-1",
    "call_id": "1772413200.5",
    "recording_id": "rec-1",
    "line": "0374-3112345",
    "message_id": "<a.1@mail.example>",
    "conversation_id": "c-1",
    "client": "app 3.1",
    "report_kind": "hazard",
}


async def shown(office: Office, appeal_id: str) -> dict[str, Any]:
    answer = await office.get(f"/v1/appeals/{appeal_id}")
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def test_every_channel_keeps_and_tells_its_facts(office: Office) -> None:
    for channel in Channel:
        details = {name: NO_REFERENCE[name] for name in FIELDS[channel] if name in NO_REFERENCE}
        number = {"foreign_number": f"P-{channel}"} if "foreign_number" in details else {}

        receipt = await office.register(channel=channel.value, channel_details=details | number)

        view = await shown(office, receipt["id"])
        assert view["channel"] == channel
        assert {name: as_sent(value) for name, value in view["channel_details"].items()} == details | number


def as_sent(value: Any) -> Any:
    """Times are told in UTC; what was sent is the city's."""
    if isinstance(value, str) and value.endswith("+00:00"):
        return datetime.fromisoformat(value).astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
    return value


async def test_without_facts_a_channel_is_fine(office: Office) -> None:
    receipt = await office.register(channel="box")

    assert (await shown(office, receipt["id"]))["channel_details"] == {}


@pytest.mark.parametrize(
    ("channel", "details", "field"),
    [
        ("box", {"queue_number": "A1"}, "/channel_details/queue_number"),
        ("phone", {"shoe_size": 42}, "/channel_details/shoe_size"),
        ("phone", {"call_id": PHONE.replace(" ", "")}, "/channel_details/call_id"),
        ("phone", {"call_id": "x" * 129}, "/channel_details/call_id"),
        ("phone", {"call_id": 7}, "/channel_details/call_id"),
        ("phone", ["call_id"], "/channel_details"),
        ("review", {"score": 6}, "/channel_details/score"),
        ("reception_day", {"visitor_number": 0}, "/channel_details/visitor_number"),
        ("reception_day", {"session_id": "no uuid"}, "/channel_details/session_id"),
        ("reception_day", {"leader": "A", "deputy": "B"}, "/channel_details/deputy"),
        ("box", {"found_at": "2026-03-01"}, "/channel_details/found_at"),
        ("box", {"found_at": "2027-03-01T00:00:00Z"}, "/channel_details/found_at"),
        ("media", {"url": "ftp://x"}, "/channel_details/url"),
        ("building_chief", {"report_kind": "weekly"}, "/channel_details/report_kind"),
        ("building_chief", {"report_kind": "monthly"}, "/channel_details/report_kind"),
        ("window", {"window_id": "W-404"}, "/channel_details/window_id"),
        ("informant", {"informant_id": "I-404"}, "/channel_details/informant_id"),
        ("survey", {"survey_id": "S-404"}, "/channel_details/survey_id"),
    ],
)
async def test_a_wrong_fact_is_named_and_nothing_is_written(
    shut_office: Office, channel: str, details: Any, field: str
) -> None:
    answer = await shut_office.post("/v1/appeals", submission(channel=channel, channel_details=details))

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await shut_office.rows("appeals") == []


@pytest.mark.parametrize("details", [{"queue_number": "A1"}, {"shoe_size": 42}])
async def test_a_fact_that_is_misplaced_or_unknown_is_answered_with_those_the_channel_takes(
    shut_office: Office, details: Any
) -> None:
    answer = await shut_office.post("/v1/appeals", submission(channel="box", channel_details=details))

    [error] = answer.json()["errors"]
    assert error["allowed"] == ["location_id", "found_at", "sheet_number", "entered_via"]
    assert "channel box" in error["message"]


async def test_a_letter_has_three_times_and_its_clock_starts_when_it_was_received(office: Office) -> None:
    now = office.clock.now()
    found, received = now - timedelta(days=5), now - timedelta(days=2)
    receipt = await office.register(
        channel="box",
        category_code=None,
        received_at=received.isoformat(),
        channel_details={"found_at": found.isoformat()},
    )

    [row] = await office.rows("appeals")
    assert (row["received_at"], row["created_at"]) == (received, now)
    assert row["accept_due_at"] == received + timedelta(hours=2)
    told = await shown(office, receipt["id"])
    assert told["channel_details"]["found_at"] == found.isoformat()


async def test_found_after_received_is_refused(shut_office: Office) -> None:
    now = shut_office.clock.now()
    body = submission(
        channel="book",
        received_at=(now - timedelta(days=2)).isoformat(),
        channel_details={"found_at": (now - timedelta(days=1)).isoformat()},
    )

    answer = await shut_office.post("/v1/appeals", body)

    assert [error["field"] for error in answer.json()["errors"]] == ["/channel_details/found_at"]


@pytest.mark.parametrize(("kind", "urgency"), [("hazard", "P2"), ("event", "P1")])
async def test_what_a_building_chief_reports_is_urgent(office: Office, kind: str, urgency: str) -> None:
    receipt = await office.register(channel="building_chief", channel_details={"report_kind": kind})

    assert receipt["urgency"] == urgency
    events = [row["data"] for row in await office.rows("outbox") if row["consumer"] == "dispatch"]
    assert [event["urgency"] for event in events] == [urgency]


async def test_a_hazard_stays_urgent_when_its_category_is_set_later(office: Office) -> None:
    receipt = await office.register(
        channel="building_chief", category_code=None, channel_details={"report_kind": "hazard"}
    )
    body = {"category_code": "0101", "reason": "garbage after all"}

    answer = await office.post(f"/v1/appeals/{receipt['id']}/recategorize", body)

    assert (receipt["urgency"], answer.json()["urgency"]) == ("P2", "P2")


async def test_a_foreign_number_is_entered_once(office: Office) -> None:
    details = {"foreign_number": "J20260302001", "officer": "Officer Chen"}
    first = await office.register(channel="from_110", channel_details=details)
    again = await office.post("/v1/appeals", submission(channel="from_110", channel_details=details))

    view = await shown(office, first["id"])
    assert view["external_ref"] == {"system": "from_110", "id": "J20260302001"}
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_external_ref")
    assert again.json()["appeal_id"] == first["id"]


async def test_a_reference_that_is_given_comes_before_the_foreign_number(office: Office) -> None:
    receipt = await office.register(
        channel="superior",
        external_ref={"system": "crm", "id": "A-1"},
        channel_details={"system": "province", "foreign_number": "P-1"},
    )

    assert (await shown(office, receipt["id"]))["external_ref"] == {"system": "crm", "id": "A-1"}


async def test_who_files_and_for_whom_are_both_kept(office: Office) -> None:
    receipt = await office.register(
        channel="volunteer",
        reporter={"name": NAME, "phone": PHONE},
        on_behalf_of={"name": "李奶奶", "phone": "13900000001", "relation": "neighbour"},
        channel_details={"reference": "team 3"},
    )

    view = await shown(office, receipt["id"])
    revealed = await office.post(f"/v1/appeals/{receipt['id']}/reveal", {"reason": "to call back"})
    assert (view["on_behalf"], view["reporter"]["wants_reply"]) == (True, True)
    assert revealed.json()["reporter"]["name"] == NAME
    assert revealed.json()["on_behalf_of"]["name"] == "李奶奶"


async def test_a_volunteer_files_and_sees_nobodys_data(office: Office) -> None:
    volunteer = await office.key("appeals:write", "appeals:track")
    body = submission(
        channel="volunteer", external_ref={"system": "app", "id": "1"}, channel_details={"reference": "team 3"}
    )

    filed = await office.client.post("/v1/appeals", json=body, headers=volunteer)
    again = await office.client.post("/v1/appeals", json=body, headers=volunteer)
    id_ = filed.json()["id"]

    assert filed.status_code == 201
    assert NAME not in filed.text
    assert again.status_code == 409
    assert id_ not in again.text
    for path in (f"/v1/appeals/{id_}", "/v1/appeals", "/v1/informants", f"/v1/appeals/{id_}/timeline"):
        assert (await office.client.get(path, headers=volunteer)).status_code == 403, path
    reveal = await office.client.post(f"/v1/appeals/{id_}/reveal", json={"reason": "curious"}, headers=volunteer)
    assert reveal.status_code == 403


async def test_of_a_report_nothing_that_leads_to_the_informant_is_stored_in_the_open(office: Office) -> None:
    details = {"reference": "INFORMANT-77", "group": "cadre"}
    receipt = await office.register(type="report", channel="informant", channel_details=details)

    assert (await shown(office, receipt["id"]))["channel_details"] == {"group": "cadre"}
    for table in ("appeals", "appeal_events", "progress", "outbox"):
        assert "INFORMANT-77" not in str(await office.rows(table)), table


async def test_numbers_in_names_are_masked(office: Office) -> None:
    receipt = await office.register(channel="window", channel_details={"clerk": "Li 13812345678"})

    view = await shown(office, receipt["id"])
    assert view["channel_details"] == {"clerk": "Li [phone]"}
    assert view["first_contact_staff"] == "Li [phone]"


async def test_the_clerk_at_the_window_is_asked_first_unless_somebody_else_was(office: Office) -> None:
    clerk = await office.register(channel="window", channel_details={"clerk": "Clerk Li"})
    other = await office.register(
        channel="window", channel_details={"clerk": "Clerk Li"}, first_contact_staff="Guide Zhou"
    )

    assert (await shown(office, clerk["id"]))["first_contact_staff"] == "Clerk Li"
    assert (await shown(office, other["id"]))["first_contact_staff"] == "Guide Zhou"


async def test_the_first_person_asked_stays_the_first(office: Office) -> None:
    receipt = await office.register(category_code=None, first_contact_staff="Guide Zhou")
    await office.post(f"/v1/appeals/{receipt['id']}/recategorize", {"category_code": "0101", "reason": "seen"})

    assert (await shown(office, receipt["id"]))["first_contact_staff"] == "Guide Zhou"
    with pytest.raises(DBAPIError, match="never changed"):
        await office.database.transact(
            lambda uow: uow.connection.execute(sa.text("UPDATE intake.appeals SET first_contact_staff = 'Somebody'"))
        )


async def test_the_same_facts_are_taken_in_a_batch(office: Office) -> None:
    fine = submission(channel="window", channel_details={"queue_number": "A1"})
    wrong = submission(channel="window", channel_details={"window_id": "W-404"})

    answer = await office.post("/v1/appeals/batch", {"items": [fine, wrong, fine]})

    assert [item["status"] for item in answer.json()["items"]] == ["created", "rejected", "created"]
    assert answer.json()["items"][1]["problem"]["errors"][0]["field"] == "/channel_details/window_id"


async def test_a_replay_is_answered_although_the_window_is_retired_since(office: Office) -> None:
    window = {"kind": "window", "name": "Window 1"}
    await office.client.put("/v1/entry-points/W-1", json=window, headers=office.headers)
    body = submission(channel="window", channel_details={"window_id": "W-1"})
    first = await office.post("/v1/appeals", body, Idempotency_Key="w-1")
    await office.client.put("/v1/entry-points/W-1", json={**window, "retired": True}, headers=office.headers)

    again = await office.post("/v1/appeals", body, Idempotency_Key="w-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
