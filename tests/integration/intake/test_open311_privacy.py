"""What is never public: not in a list, not by its number, not by a token."""

from typing import Any

import pytest

from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import BASE, errors_of, listed, load_services, number_of, numbers, submit
from tests.integration.intake.test_open311_reading import set_by_the_city

NEVER: dict[str, dict[str, Any]] = {
    "report": {"type": "report"},
    "confidential reporter": {"reporter": {"name": "欧阳明珠", "phone": "13812345678", "confidential": True}},
    "confidential category": {"category_code": "0103"},
    "health category": {"category_code": "1001"},
    "no service": {"category_code": "0104"},
    "child": {"special_care": ["minor"]},
    "illness": {"special_care": ["elderly", "poor_health"]},
    "joint": {"joint": {"households": 1, "signatories": ["王小明"]}},
    "households": {"joint": {"households": 12}},
    "undecided": {"category_code": None},
}


@pytest.mark.parametrize("why", NEVER)
async def test_it_is_nowhere(office: Office, why: str) -> None:
    await load_services(office)
    public = await number_of(office)
    receipt = await office.register(**NEVER[why])

    number = receipt["receipt_number"]
    alone = [await office.client.get(f"{BASE}/requests/{number}.{kind}") for kind in ("json", "xml")]

    assert await numbers(office) == [public]
    assert await numbers(office, service_request_id=f"{number},{public}") == [public]
    assert [answer.status_code for answer in alone] == [404, 404]
    assert errors_of(alone[0]) == ["The service_request_id was not found."]


async def test_a_plain_appeal_of_any_channel_is_public(office: Office) -> None:
    receipt = await office.register(channel="phone")

    assert await numbers(office) == [receipt["receipt_number"]]


async def test_a_hidden_category_is_closed_with_all_below_it(office: Office) -> None:
    number = await number_of(office)
    set_by_the_city(office.app, open311_hidden_categories=("01",))

    assert await numbers(office) == []
    assert (await office.client.get(f"{BASE}/requests/{number}.json")).status_code == 404
    assert (await office.client.get(f"{BASE}/services.json")).json() == []
    assert (await submit(office)).status_code == 404


async def test_a_token_of_what_has_become_confidential_leads_nowhere(office: Office) -> None:
    set_by_the_city(office.app, open311_answer="token")
    [told] = (await submit(office)).json()
    set_by_the_city(office.app, open311_hidden_categories=("01",))

    assert (await office.client.get(f"{BASE}/tokens/{told['token']}.json")).status_code == 404


@pytest.mark.parametrize("kind", ["json", "xml"])
async def test_no_name_phone_or_dwelling_is_ever_shown(office: Office, kind: str) -> None:
    person: dict[str, Any] = {
        "first_name": "Ann", "last_name": "Leeward", "phone": "13812345678", "email": "ann@example.com",
        "attribute[note]": "call 13812345678",
    }  # fmt: skip
    await submit(
        office,
        description="Ann Leeward, 138 1234 5678, ann@example.com: bins overflow",
        address_string="建设路12号 3单元 501室",
        **person,
    )

    for query in ("", "?extensions=true"):
        text = (await office.client.get(f"{BASE}/requests.{kind}{query}")).text
        for secret in ("Leeward", "1234", "ann@", "501", "3单元", "call"):
            assert secret not in text, (query, secret)
        assert "bins overflow" in text


async def test_the_number_alone_does_not_open_the_citizens_view(office: Office) -> None:
    number = await number_of(office)

    assert (await office.get(f"/v1/track/{number}")).status_code == 404


async def test_an_appeal_of_a_retired_category_stays_public_under_it(office: Office) -> None:
    number = await number_of(office)
    changed: dict[str, Any] = {
        "name": "Exposed garbage", "name_zh": "暴露垃圾", "parent_code": "01", "urgency": "P3", "mode": "committed",
        "location_required": True, "retired": True,
    }  # fmt: skip
    await load_services(office)
    answer = await office.client.put("/v1/categories/0101", json=changed, headers=office.headers)
    assert answer.status_code == 200, answer.text

    [item] = await listed(office)

    assert (item["service_request_id"], item["service_name"]) == (number, "Exposed garbage")
    services = (await office.client.get(f"{BASE}/services.json")).json()
    assert [service["service_code"] for service in services] == ["0102"]
