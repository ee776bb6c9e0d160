"""Bad input is refused with a problem that names the field, and leaves nothing behind."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.intake.office import PHONE, Office, submission

NOTHING = {"appeals": 0, "pii_vault": 0, "appeal_events": 0, "progress": 0}
NOTHING |= {"outbox": 0, "outbox_position": 0, "idempotency_keys": 0}

CASES: list[tuple[dict[str, Any], str]] = [
    ({"category_code": "7777"}, "/category_code"),
    ({"category_code": "0110"}, "/category_code"),
    ({"category_code": "01\u000001"}, "/category_code"),
    ({"type": "shouting"}, "/type"),
    ({"channel": "pigeon"}, "/channel"),
    ({"title": None}, "/title"),
    ({"title": ""}, "/title"),
    ({"title": "   "}, "/title"),
    ({"title": "x" * 201}, "/title"),
    ({"title": "two\nlines"}, "/title"),
    ({"title": 12}, "/title"),
    ({"description": "x" * 20_001}, "/description"),
    ({"description": "字" * 100_000}, "/description"),
    ({"description": "bell \u0007"}, "/description"),
    ({"description": "del \u007f"}, "/description"),
    ({"unknown": 1}, "/unknown"),
    ({"reporter": {"name": "A", "shoe_size": 42}}, "/reporter/shoe_size"),
    ({"reporter": {"phone": "call me"}}, "/reporter/phone"),
    ({"reporter": {"phone": "123"}}, "/reporter/phone"),
    ({"reporter": {"phone": 13812345678}}, "/reporter/phone"),
    ({"reporter": {"email": "nowhere"}}, "/reporter/email"),
    ({"reporter": {"anonymous": "yes"}}, "/reporter/anonymous"),
    ({"joint": {"signatories": [{"phone": "x"}]}}, "/joint/signatories/0/phone"),
    ({"joint": {"households": -1}}, "/joint/households"),
    ({"location": {"longitude": 113.8}}, "/location/latitude"),
    ({"location": {"latitude": 34.0}}, "/location/longitude"),
    ({"location": {"longitude": 34.02, "latitude": 113.82}}, "/location"),
    ({"location": {"longitude": 190.0, "latitude": 34.0}}, "/location/longitude"),
    ({"location": {"longitude": 2.35, "latitude": 48.85}}, "/location"),
    ({"location": {"longitude": "113.8", "latitude": 34.0}}, "/location/longitude"),
    ({"location": {"grid_code": "41-10"}}, "/location/grid_code"),
    ({"location": {"grid_code": 411002}}, "/location/grid_code"),
    ({"occurred_at": "2026-02-28T10:00:00"}, "/occurred_at"),
    ({"occurred_at": "yesterday"}, "/occurred_at"),
    ({"occurred_at": 1_770_000_000}, "/occurred_at"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at"),
    ({"occurred_at": "2030-01-01T00:00:00Z"}, "/occurred_at"),
    ({"received_at": "2030-01-01T00:00:00Z"}, "/received_at"),
    ({"occurred_at": "2026-02-28T10:00:00Z", "received_at": "2026-02-27T10:00:00Z"}, "/received_at"),
    ({"external_ref": {"system": "crm"}}, "/external_ref/id"),
    ({"special_care": ["tall"]}, "/special_care/0"),
    ({"attributes": {"9lives": 1}}, "/attributes/9lives/[key]"),
    ({"attributes": {"deep": {"er": 1}}}, "/attributes/deep"),
    ({"attributes": {f"k{n}": n for n in range(51)}}, "/attributes"),
]


@pytest.mark.parametrize(("changes", "field"), CASES, ids=[f"{n}:{field}" for n, (_, field) in enumerate(CASES)])
async def test_a_bad_field_is_named_and_nothing_is_written(
    shut_office: Office, changes: dict[str, Any], field: str
) -> None:
    answer = await shut_office.post("/v1/appeals", submission(**changes), Idempotency_Key="call-1")

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    fields = [error["field"] for error in answer.json().get("errors", [{"field": field}])]
    assert any(found.startswith(field) for found in fields), fields
    assert await shut_office.counts() == NOTHING


async def test_a_retired_category_tells_its_successor(shut_office: Office) -> None:
    answer = await shut_office.post("/v1/appeals", submission(category_code="0110"))

    [error] = answer.json()["errors"]
    assert error["allowed"] == ["0101"]
    assert "0101" in error["message"]


async def test_swapped_coordinates_are_recognised(shut_office: Office) -> None:
    await shut_office.fence()
    body = submission(location={"longitude": 34.02, "latitude": 113.82})

    [error] = (await shut_office.post("/v1/appeals", body)).json()["errors"]

    assert error == {"field": "/location", "message": "longitude and latitude look swapped"}


async def test_without_a_service_area_any_point_on_earth_will_do(office: Office) -> None:
    receipt = await office.register(location={"longitude": 2.35, "latitude": 48.85})

    assert receipt["status"] == "awaiting_dispatch"


async def test_every_fault_is_told_at_once(shut_office: Office) -> None:
    tomorrow = (shut_office.clock.now() + timedelta(days=1)).isoformat()
    body = submission(occurred_at=tomorrow, reporter={"phone": "x"}, location={"longitude": 1.0})

    fields = {error["field"] for error in (await shut_office.post("/v1/appeals", body)).json()["errors"]}

    assert fields == {"/occurred_at", "/reporter/phone", "/location/latitude"}


async def test_a_clock_that_is_a_little_ahead_is_forgiven(office: Office) -> None:
    soon = (office.clock.now() + timedelta(seconds=90)).isoformat()

    await office.register(occurred_at=soon)

    [row] = await office.rows("appeals")
    assert row["occurred_at"] == office.clock.now()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"type": "complaint", "title": "\\ud800"}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b"", 422),
    ],
)
async def test_what_is_no_json_object_is_refused(shut_office: Office, content: bytes, status: int) -> None:
    headers = {**shut_office.headers, "Content-Type": "application/json"}

    answer = await shut_office.client.post("/v1/appeals", content=content, headers=headers)

    assert answer.status_code == status, answer.text
    assert await shut_office.counts() == NOTHING


async def test_a_body_of_ten_megabytes_is_refused(shut_office: Office) -> None:
    answer = await shut_office.post("/v1/appeals", submission(description="x" * 10_000_000))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await shut_office.counts() == NOTHING


async def test_a_problem_never_repeats_what_was_sent(shut_office: Office) -> None:
    answer = await shut_office.post("/v1/appeals", submission(title=PHONE * 20, reporter={"name": PHONE, "phone": "x"}))

    assert answer.status_code == 422
    assert PHONE not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/appeals", submission()),
        ("POST", "/v1/appeals/batch", {"items": [submission()]}),
        ("GET", "/v1/appeals", None),
        ("GET", "/v1/track/2600000000000", None),
        ("GET", "/v1/categories", None),
    ],
)
async def test_without_a_key_or_with_a_foreign_scope_nothing_is_done(
    shut_office: Office, method: str, path: str, body: Any
) -> None:
    foreign = await shut_office.key("tickets:pull")

    assert (await shut_office.client.request(method, path, json=body)).status_code == 401
    assert (await shut_office.client.request(method, path, json=body, headers=foreign)).status_code == 403
    assert await shut_office.counts() == NOTHING
