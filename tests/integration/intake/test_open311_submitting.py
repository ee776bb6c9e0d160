"""POST /open311/v2/requests: a foreign client's request becomes an appeal, whatever way it is sent."""

import asyncio
from typing import Any

import pytest

from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import (
    BASE,
    ask_questions,
    errors_of,
    key_of,
    load_services,
    number_of,
    parsed,
    submit,
)

PERSON: dict[str, Any] = {
    "first_name": "小明",
    "last_name": "王",
    "phone": "138 1234 5678",
    "email": "ming@example.com",
}

AMOUNT_OF_MANY: dict[str, Any] = {"attribute[AMOUNT]": "many"}


async def the_appeal(office: Office) -> dict[str, Any]:
    [row] = await office.rows("appeals")
    return row


async def test_a_form_becomes_an_accepted_appeal(office: Office) -> None:
    answer = await submit(office, address_string="建设路12号 3单元", account_id="a-7", device_id="d-9", **PERSON)

    assert answer.status_code == 200, answer.text
    [told] = answer.json()
    row = await the_appeal(office)
    assert (told["service_request_id"], told["account_id"]) == (row["receipt_number"], "a-7")
    assert told["service_notice"]
    assert "token" not in told
    assert (row["type"], row["channel"], row["category_code"]) == ("help", "open311", "0101")
    assert (row["status"], row["latitude"], row["longitude"]) == ("awaiting_dispatch", 34.02, 113.82)
    assert (row["title"], row["place"]) == ("Bins overflow at the school gate", "建设路12号")
    assert [event["type"] for event in await office.rows("outbox")] == ["appeal.accepted"] * 2


async def test_who_reports_goes_into_the_vault_only(office: Office) -> None:
    await submit(
        office, device_id="d-9", account_id="a-7", description="王小明 13812345678 says bins overflow", **PERSON
    )

    row = await the_appeal(office)
    revealed = await office.post(f"/v1/appeals/{row['id']}/reveal", {"reason": "test"})
    person = revealed.json()["reporter"]
    assert (person["name"], person["phone"], person["email"]) == ("王小明", "+8613812345678", "ming@example.com")
    for table in ("appeals", "outbox", "appeal_events"):
        text = str([{k: v for k, v in r.items() if k != "reporter_hint"} for r in await office.rows(table)])
        for secret in ("小明", "13812345678", "ming@", "d-9", "a-7"):
            assert secret not in text, (table, secret)


async def test_xml_is_answered_as_the_specification_writes_it(office: Office) -> None:
    answer = await submit(office, suffix=".xml")

    root = parsed(answer)
    assert answer.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert [root.tag, root[0].tag] == ["service_requests", "request"]
    assert [part.tag for part in root[0]] == ["service_request_id", "service_notice", "account_id"]
    assert root.findtext("request/service_request_id") == (await the_appeal(office))["receipt_number"]


@pytest.mark.parametrize("way", ["json", "multipart", "query", "bearer"])
async def test_other_ways_to_send_the_same_are_taken(office: Office, way: str) -> None:
    fields = {"service_code": "0101", "lat": "34.02", "long": "113.82", "description": "Bins overflow"}
    key = {"api_key": key_of(office)}
    url = f"{BASE}/requests.json"
    if way == "json":
        body = {**fields, **key, "lat": 34.02, "long": 113.82, "email": None}
        answer = await office.client.post(url, json=body)
    elif way == "multipart":
        answer = await office.client.post(url, files={name: (None, value) for name, value in {**fields, **key}.items()})
    elif way == "query":
        answer = await office.client.post(url, params={**fields, **key})
    else:
        answer = await office.client.post(url, data=fields, headers=office.headers)

    assert answer.status_code == 200, answer.text
    row = await the_appeal(office)
    assert (row["latitude"], row["longitude"], row["description"]) == (34.02, 113.82, "Bins overflow")


@pytest.mark.parametrize("key", [None, "", "mq_wrong", "no key at all", "键"])
@pytest.mark.parametrize("suffix", [".json", ".xml"])
async def test_without_a_valid_key_it_is_403(office: Office, key: str | None, suffix: str) -> None:
    answer = await submit(office, api_key=key, suffix=suffix)

    assert answer.status_code == 403
    if suffix == ".xml":
        root = parsed(answer)
        assert (root.tag, root[0].tag, root.findtext("error/code")) == ("errors", "error", "403")
        description = root.findtext("error/description") or ""
    else:
        [description] = errors_of(answer)
    assert "api_key" in description
    assert await office.rows("appeals") == []


async def test_a_key_without_the_right_is_403(office: Office) -> None:
    reader = await office.key("appeals:read")

    answer = await submit(office, api_key=reader["Authorization"].removeprefix("Bearer "))

    assert answer.status_code == 403
    assert errors_of(answer) == ["The api_key is not allowed to create requests."]


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"service_code": None}, 400, "service_code"),
        ({"service_code": "7777"}, 404, "service_code"),
        ({"service_code": "0110"}, 404, "service_code"),
        ({"service_code": "0103"}, 404, "service_code"),
        ({"service_code": "1001"}, 404, "service_code"),
        ({"lat": None}, 400, "lat"),
        ({"long": ""}, 400, "long"),
        ({"lat": None, "long": None}, 400, "location"),
        ({"lat": "north"}, 400, "lat"),
        ({"lat": "nan"}, 400, "lat"),
        ({"lat": "134.02"}, 400, "lat"),
        ({"phone": "call me"}, 400, "phone"),
        ({"email": "nobody"}, 400, "email"),
        ({"description": "x" * 4001}, 400, "description"),
        ({"description": "a\x00b"}, 400, "description"),
        ({"attribute[a b]": "1"}, 400, "attribute[a b]"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(
    office: Office, changes: dict[str, Any], status: int, named: str
) -> None:
    await load_services(office)

    answer = await submit(office, **changes)

    assert answer.status_code == status, answer.text
    assert any(named in description for description in errors_of(answer))
    assert await office.rows("appeals") == []


@pytest.mark.parametrize("point", [("113.82", "34.02"), ("51.5", "-0.1")])
async def test_a_point_elsewhere_is_refused(office: Office, point: tuple[str, str]) -> None:
    await office.fence()

    answer = await submit(office, lat=point[0], long=point[1])

    assert answer.status_code == 400
    assert "lat and long" in errors_of(answer)[0]


@pytest.mark.parametrize("place", [{"address_string": "建设路12号"}, {"address_id": "545483"}])
async def test_an_address_is_a_location_too(office: Office, place: dict[str, Any]) -> None:
    assert (await submit(office, lat=None, long=None, **place)).status_code == 200


async def test_an_address_id_that_is_a_grid_is_the_grid(office: Office) -> None:
    await submit(office, lat=None, long=None, address_id="411002001002003")

    assert (await the_appeal(office))["grid_code"] == "411002001002003"


async def test_several_faults_are_told_at_once(office: Office) -> None:
    await ask_questions(office)

    answer = await submit(office, lat=None, phone="none", **AMOUNT_OF_MANY)

    named = [description.split(":")[0] for description in errors_of(answer)]
    assert named == ["lat", "phone", "attribute[CONTAINER]", "attribute[AMOUNT]"]


async def test_answers_to_questions_are_kept(office: Office) -> None:
    await ask_questions(office)

    answers: dict[str, Any] = {
        "attribute[CONTAINER]": "skip",
        "attribute[AMOUNT]": "3",
        "attribute[KINDS][]": ["G", "P"],
        "attribute[fixmystreet_id]": "77",
        "attribute[empty]": "",
    }

    answer = await submit(office, **answers)

    assert answer.status_code == 200, answer.text
    kept = (await the_appeal(office))["attributes"]
    assert kept == {"CONTAINER": "S", "AMOUNT": "3", "KINDS": "G\nP", "fixmystreet_id": "77"}


@pytest.mark.parametrize(
    "attributes",
    [{"attribute": {"CONTAINER": "B", "KINDS": ["G"]}}, {"attributes": [{"code": "CONTAINER", "value": "B"}]}],
)
async def test_answers_in_json_are_read(office: Office, attributes: dict[str, Any]) -> None:
    await ask_questions(office)
    body = {"api_key": key_of(office), "service_code": "0101", "lat": 34.02, "long": 113.82, **attributes}

    answer = await office.client.post(f"{BASE}/requests.json", json=body)

    assert answer.status_code == 200, answer.text
    assert (await the_appeal(office))["attributes"]["CONTAINER"] == "B"


async def test_a_media_url_is_kept_and_shown_and_never_fetched(office: Office) -> None:
    number = await number_of(office, media_url="http://127.0.0.1:1/photo.jpg")

    assert (await the_appeal(office))["attributes"] == {"media_url": "http://127.0.0.1:1/photo.jpg"}
    [item] = (await office.client.get(f"{BASE}/requests/{number}.json")).json()
    assert item["media_url"] == "http://127.0.0.1:1/photo.jpg"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://u:p@example.com/x", "photo <b>", "http://x/13812345678"]
)
async def test_what_is_no_plain_web_address_is_not_shown(office: Office, url: str) -> None:
    number = await number_of(office, media_url=url)

    [item] = (await office.client.get(f"{BASE}/requests/{number}.json")).json()
    assert "media_url" not in item


async def test_a_repeated_key_registers_once_and_is_written_as_each_asks(office: Office) -> None:
    first = await submit(office, idempotency_key="k-1")
    again = await submit(office, idempotency_key="k-1")
    as_xml = await submit(office, suffix=".xml", idempotency_key="k-1")

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert parsed(as_xml).findtext("request/service_request_id") == first.json()[0]["service_request_id"]
    assert len(await office.rows("appeals")) == 1


async def test_a_key_with_another_request_is_refused(office: Office) -> None:
    await submit(office, idempotency_key="k-2")

    answer = await submit(office, description="Another matter", idempotency_key="k-2")

    assert answer.status_code == 400
    assert "Idempotency-Key" in errors_of(answer)[0]


async def test_many_at_once_get_numbers_of_their_own(office: Office) -> None:
    answers = await asyncio.gather(*(submit(office) for _ in range(20)))

    assert len({answer.json()[0]["service_request_id"] for answer in answers}) == 20


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"api_key": {"a": 1}}', "application/json"),
        (b"service_code=%ff%fe", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_in_the_specifications_words(
    office: Office, body: bytes, kind: str
) -> None:
    headers = {**office.headers, "Content-Type": kind}

    answer = await office.client.post(f"{BASE}/requests.json", content=body, headers=headers)

    assert answer.status_code == 400, answer.text
    assert errors_of(answer)


async def test_a_body_that_is_too_large_is_refused(office: Office) -> None:
    answer = await submit(office, description="x" * 2_000_000)

    assert answer.status_code == 413
    assert errors_of(answer) == ["The body is too large"]
