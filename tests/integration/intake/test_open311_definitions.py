"""PUT /v1/categories/{code}/attributes: what a city asks for a kind of matter, edited like a category."""

from typing import Any

import httpx
import pytest

from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import ATTRIBUTES, BASE, ask_questions, load_services

PATH = "/v1/categories/0101/attributes"
NUMBER = {"code": "N", "datatype": "number", "order": 1}


async def put(office: Office, *attributes: dict[str, Any], path: str = PATH, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.put(path, json={"attributes": list(attributes)}, headers={**office.headers, **named})


async def test_questions_are_read_back_as_they_were_set(office: Office) -> None:
    before = await office.get(PATH)
    await ask_questions(office)
    after = await office.get(PATH)

    assert (before.json()["attributes"], before.json()["version"]) == ([], 0)
    assert "ETag" not in before.headers
    assert (after.json()["version"], after.headers["ETag"]) == (1, '"v1"')
    shown = [
        {name: item[name] for name in given}
        for item, given in zip(after.json()["attributes"], ATTRIBUTES["attributes"], strict=True)
    ]
    assert shown == ATTRIBUTES["attributes"]


async def test_they_are_shown_in_their_order(office: Office) -> None:
    await put(office, {**NUMBER, "order": 9}, {**NUMBER, "code": "M", "order": 2})

    answer = await office.client.get(f"{BASE}/services/0101.json")

    assert [item["code"] for item in answer.json()["attributes"]] == ["M", "N"]


async def test_setting_the_same_again_changes_nothing(office: Office) -> None:
    await put(office, NUMBER)
    again = await put(office, NUMBER)
    other = await put(office, {**NUMBER, "required": True})

    assert (again.headers["ETag"], other.headers["ETag"]) == ('"v1"', '"v2"')


async def test_questions_can_be_taken_away(office: Office) -> None:
    await ask_questions(office)

    await put(office)

    [service] = (await office.client.get(f"{BASE}/services.json")).json()
    assert service["metadata"] is False


async def test_a_stale_version_changes_nothing(office: Office) -> None:
    none_yet = await put(office, NUMBER, If_Match='"v1"')
    await put(office, NUMBER)
    stale = await put(office, If_Match='"v7"')
    fresh = await put(office, If_Match='"v1"')

    assert [answer.status_code for answer in (none_yet, stale, fresh)] == [412, 412, 200]


@pytest.mark.parametrize(
    ("attribute", "field"),
    [
        ({"code": "a b"}, "/attributes/0/code"),
        ({"code": "media_url"}, "/attributes/0/code"),
        ({"datatype": "singlevaluelist"}, "/attributes/0/values"),
        ({"values": [{"key": "1", "name": "One"}]}, "/attributes/0/values"),
        ({"datatype": "colour"}, "/attributes/0/datatype"),
        ({"order": 0}, "/attributes/0/order"),
        ({"colour": "red"}, "/attributes/0/colour"),
    ],
)
async def test_what_makes_no_definition_is_named(office: Office, attribute: dict[str, Any], field: str) -> None:
    answer = await put(office, {**NUMBER, **attribute})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await office.get(PATH)).json()["version"] == 0


async def test_a_category_that_is_not_there_has_no_questions(office: Office) -> None:
    assert (await put(office, NUMBER, path="/v1/categories/7777/attributes")).status_code == 404
    assert (await office.get("/v1/categories/7777/attributes")).status_code == 404


async def test_setting_needs_the_right(office: Office) -> None:
    reader = await office.key("appeals:read")

    answer = await office.client.put(PATH, json={"attributes": []}, headers=reader)

    assert answer.status_code == 403
    assert (await office.client.get(PATH, headers=reader)).status_code == 200


async def test_questions_of_what_is_no_service_stay_inside(office: Office) -> None:
    await load_services(office)
    await put(office, NUMBER, path="/v1/categories/1001/attributes")

    assert (await office.client.get(f"{BASE}/services/1001.json")).status_code == 404
