"""What GeoReport clients read: discovery, services, definitions, requests with their filters, tokens."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from services.intake.settings import Settings
from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import (
    BASE,
    ask_questions,
    errors_of,
    listed,
    load_services,
    number_of,
    numbers,
    parsed,
    submit,
)

REQUEST_MEMBERS = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime",
    "address", "address_id", "zipcode", "lat", "long", "media_url",
]  # fmt: skip


def set_by_the_city(app: FastAPI, **changes: Any) -> None:
    """Change the settings of a running application."""
    settings: Settings = app.state.settings
    app.state.settings = settings.model_copy(update=changes)


async def test_discovery_tells_where_and_how(office: Office) -> None:
    document = (await office.client.get(f"{BASE}/discovery.json")).json()

    [endpoint] = document["endpoints"]
    assert set(document) == {"changeset", "contact", "key_service", "endpoints"}
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == f"{str(office.client.base_url).rstrip('/')}/open311/v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert endpoint["type"] == "test"
    root = parsed(await office.client.get(f"{BASE}/discovery.xml"))
    assert root.tag == "discovery"
    assert [found.text for found in root.findall("endpoints/endpoint/formats/format")] == endpoint["formats"]


async def test_the_changeset_moves_with_services_and_questions(office: Office) -> None:
    before = (await office.client.get(f"{BASE}/discovery.json")).json()["changeset"]
    office.clock.advance(timedelta(hours=1))

    await ask_questions(office)

    assert (await office.client.get(f"{BASE}/discovery.json")).json()["changeset"] > before


async def test_discovery_is_found_beside_the_version_too(office: Office) -> None:
    answers = [await office.client.get(path) for path in ("/open311/discovery.json", "/open311/v2", "/open311/v2/")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1


async def test_services_are_second_level_categories_with_a_place(office: Office) -> None:
    await load_services(office)
    await ask_questions(office, "0102")

    document = (await office.client.get(f"{BASE}/services.json")).json()

    assert [(item["service_code"], item["service_name"], item["metadata"]) for item in document] == [
        ("0101", "Exposed garbage", False),
        ("0102", "Street cleaning", True),
    ]
    assert document[0]["type"] == "realtime"
    assert document[0]["group"] == "City appearance"
    assert document[0]["keywords"] == "暴露垃圾, City appearance, 市容环境"


async def test_services_in_xml_and_in_chinese(office: Office) -> None:
    answer = await office.client.get(f"{BASE}/services.xml", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})

    root = parsed(answer)
    assert (root.tag, [part.tag for part in root]) == ("services", ["service"])
    members = ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]
    assert [part.tag for part in root[0]] == members
    assert (root.findtext("service/service_name"), root.findtext("service/metadata")) == ("暴露垃圾", "false")


async def test_a_definition_lists_what_is_asked_in_order(office: Office) -> None:
    await ask_questions(office)

    document = (await office.client.get(f"{BASE}/services/0101.json")).json()

    assert document["service_code"] == "0101"
    assert [item["code"] for item in document["attributes"]] == ["CONTAINER", "AMOUNT", "KINDS"]
    assert document["attributes"][0] == {
        "variable": True,
        "code": "CONTAINER",
        "datatype": "singlevaluelist",
        "required": True,
        "datatype_description": "",
        "order": 1,
        "description": "Which container?",
        "values": [{"key": "B", "name": "Bin"}, {"key": "S", "name": "Skip"}],
    }
    root = parsed(await office.client.get(f"{BASE}/services/0101.xml"))
    assert root.tag == "service_definition"
    assert [found.text for found in root.findall("attributes/attribute/values/value/key")] == ["B", "S", "G", "P"]


async def test_a_service_that_asks_nothing_has_an_empty_definition(office: Office) -> None:
    answer = await office.client.get(f"{BASE}/services/0101.json")

    assert answer.json() == {"service_code": "0101", "attributes": []}


@pytest.mark.parametrize(
    "path", ["services/7777", "services/0103", "services/1001", "requests/1", "tokens/1", "nothing"]
)
@pytest.mark.parametrize("suffix", [".json", ".xml"])
async def test_what_is_not_there_is_404_in_the_specifications_words(office: Office, path: str, suffix: str) -> None:
    await load_services(office)

    answer = await office.client.get(f"{BASE}/{path}{suffix}")

    assert answer.status_code == 404
    if suffix == ".xml":
        assert parsed(answer).findtext("error/code") == "404"
    else:
        assert "not found" in errors_of(answer)[0] or "no such" in errors_of(answer)[0]


async def test_a_request_is_listed_with_everything_known(office: Office) -> None:
    number = await number_of(
        office, address_string="建设路12号", first_name="Ann", last_name="Lee", phone="13812345678"
    )

    [item] = await listed(office)

    assert [name for name in REQUEST_MEMBERS if name not in item] == ["expected_datetime", "media_url"]
    assert (item["service_request_id"], item["status"]) == (number, "open")
    assert (item["service_code"], item["service_name"]) == ("0101", "Exposed garbage")
    assert (item["lat"], item["long"], item["address"]) == (34.02, 113.82, "建设路12号")
    assert item["description"] == "Bins overflow at the school gate"
    assert item["requested_datetime"] == office.clock.now().astimezone(office.desk.zone).isoformat(timespec="seconds")
    assert item["requested_datetime"].endswith("+08:00")
    assert item["status_notes"] == "Accepted; it is being sent to the department in charge."


async def test_xml_has_every_member_and_empty_elements_for_what_is_not_known(office: Office) -> None:
    await number_of(office, description="a < b & c\nsecond line")

    root = parsed(await office.client.get(f"{BASE}/requests.xml"))

    assert (root.tag, root[0].tag) == ("service_requests", "request")
    assert [part.tag for part in root[0]] == REQUEST_MEMBERS
    assert root.findtext("request/description") == "a < b & c\nsecond line"
    assert root.findtext("request/media_url") == ""


async def test_an_empty_list_is_a_list(office: Office) -> None:
    root = parsed(await office.client.get(f"{BASE}/requests.xml"))

    assert (root.tag, len(root)) == ("service_requests", 0)
    assert await listed(office) == []


async def test_one_request_is_a_list_of_one(office: Office) -> None:
    number = await number_of(office)

    [item] = (await office.client.get(f"{BASE}/requests/{number}.json")).json()

    assert item == (await listed(office))[0]
    assert (
        parsed(await office.client.get(f"{BASE}/requests/{number}.xml")).find("request/service_request_id") is not None
    )


async def test_requests_are_found_by_their_numbers_whatever_else_is_asked(office: Office) -> None:
    first = await number_of(office)
    office.clock.advance(timedelta(days=200))
    second = await number_of(office)
    await number_of(office)

    found = await numbers(office, service_request_id=f"{first}, {second},123", status="closed", start_date="2000-01-01")

    assert found == [second, first]


async def test_the_default_is_the_latest_90_days_newest_first(office: Office) -> None:
    await number_of(office)
    office.clock.advance(timedelta(days=91))
    second = await number_of(office)
    office.clock.advance(timedelta(days=1))
    third = await number_of(office)

    assert await numbers(office) == [third, second]


async def test_times_bound_the_list(office: Office) -> None:
    start = office.clock.now()
    made = []
    for _ in range(4):
        made.append(await number_of(office))
        office.clock.advance(timedelta(days=40))

    def at(days: float) -> str:
        return (start + timedelta(days=days)).isoformat()

    assert await numbers(office, start_date=at(30), end_date=at(100)) == [made[2], made[1]]
    assert await numbers(office, start_date=at(30)) == [made[3], made[2], made[1]]
    assert await numbers(office, end_date=at(90)) == [made[2], made[1], made[0]]
    assert await numbers(office, start_date=at(0), end_date=at(0)) == [made[0]]


async def test_a_request_counts_from_when_the_city_had_it_not_from_when_it_was_entered(office: Office) -> None:
    found = office.clock.now() - timedelta(days=30)
    late = (await office.register(channel="box", received_at=found.isoformat()))["receipt_number"]
    today = await number_of(office)

    items = await listed(office)

    assert [item["service_request_id"] for item in items] == [today, late]
    assert items[1]["requested_datetime"] == found.astimezone(office.desk.zone).isoformat(timespec="seconds")
    assert await numbers(office, end_date=(found + timedelta(days=1)).isoformat()) == [late]


async def test_more_than_90_days_are_refused(office: Office) -> None:
    answer = await office.client.get(
        f"{BASE}/requests.json", params={"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"}
    )

    assert answer.status_code == 400
    assert "90 days" in errors_of(answer)[0]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"start_date": "yesterday"}, "start_date"),
        ({"end_date": "2026-13-01"}, "end_date"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-01"}, "end_date"),
        ({"status": "half"}, "status"),
        ({"page": "0"}, "page"),
        ({"page_size": "-1"}, "page_size"),
        ({"page": "x"}, "page"),
        ({"updated_after": "x"}, "updated_after"),
        ({"lat": "x"}, "lat"),
        ({"radius": "5"}, "radius"),
        ({"lat": "34", "long": "113", "radius": "inf"}, "radius"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"q": "x" * 201}, "q"),
        ({"q": "\x00"}, "q"),
    ],
)
async def test_arguments_that_cannot_be_read_are_named(office: Office, query: dict[str, str], named: str) -> None:
    answer = await office.client.get(f"{BASE}/requests.json", params=query)

    assert answer.status_code == 400, answer.text
    assert errors_of(answer)[0].startswith(named)


async def test_empty_arguments_are_no_arguments(office: Office) -> None:
    number = await number_of(office)
    empty = ("service_request_id", "service_code", "start_date", "end_date", "status", "page", "q", "jurisdiction_id")

    assert await numbers(office, **dict.fromkeys(empty, "")) == [number]


@pytest.mark.parametrize("name", ["service_code", "service_code[]", "Service_Code"])
async def test_services_filter_the_list_however_they_are_named(office: Office, name: str) -> None:
    await load_services(office)
    first = await number_of(office)
    second = await number_of(office, service_code="0102")

    assert await numbers(office, **{name: "0102"}) == [second]
    assert await numbers(office, **{name: "0102,0101"}) == [second, first]
    assert await numbers(office, **{name: ["0101", "0102"]}) == [second, first]
    assert await numbers(office, **{name: "9999"}) == []


async def test_pages_follow_one_another_without_gap_or_repetition(office: Office) -> None:
    made = [await number_of(office) for _ in range(7)]

    pages = [await numbers(office, page=page, page_size=3) for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert sorted(number for page in pages for number in page) == sorted(made)
    assert await numbers(office, page_size=5000) == [number for page in pages for number in page]


async def test_places_filter_the_list(office: Office) -> None:
    near = await number_of(office, lat="34.0201", long="113.8201")
    await number_of(office, lat="34.05", long="113.82")

    assert await numbers(office, lat="34.02", long="113.82", radius="50") == [near]
    assert await numbers(office, lat="34.02", long="113.82", radius="10") == []
    assert len(await numbers(office, lat="34.02", lng="113.82")) == 2
    assert await numbers(office, bbox="113.81,34.01,113.83,34.03") == [near]


async def test_a_text_filters_the_list_as_it_stands(office: Office) -> None:
    number = await number_of(office, description="100% Full bins")
    await number_of(office, description="1000 full bins")

    assert await numbers(office, q="100% fULL") == [number]


async def test_what_changed_is_found_by_when(office: Office) -> None:
    number = await number_of(office)
    moment = office.clock.now()

    assert await numbers(office, updated_after=moment.isoformat(), updated_before=moment.isoformat()) == [number]
    assert await numbers(office, updated_after=(moment + timedelta(seconds=1)).isoformat()) == []
    assert await numbers(office, updated_before=str(moment - timedelta(seconds=1))) == []


async def test_jurisdictions_are_checked_when_the_city_has_set_one(office: Office) -> None:
    assert (await office.client.get(f"{BASE}/services.json?jurisdiction_id=any.where")).status_code == 200
    set_by_the_city(office.app, open311_jurisdictions=("City.gov",))

    answers = [await office.client.get(f"{BASE}/services.json{q}") for q in ("", "?jurisdiction_id=city.gov")]
    wrong = await office.client.get(f"{BASE}/services.json?jurisdiction_id=other.gov")
    posted = await submit(office, jurisdiction_id="other.gov")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert (wrong.status_code, posted.status_code) == (404, 404)
    assert errors_of(wrong) == ["The jurisdiction_id was not found."]


async def test_one_of_several_jurisdictions_has_to_be_named(office: Office) -> None:
    set_by_the_city(office.app, open311_jurisdictions=("a.gov", "b.gov"))

    answer = await office.client.get(f"{BASE}/requests.json")

    assert answer.status_code == 400
    assert errors_of(answer) == ["jurisdiction_id: was not provided"]
    assert (await submit(office, jurisdiction_id="b.gov")).status_code == 200


async def test_a_city_may_answer_with_tokens(office: Office) -> None:
    set_by_the_city(office.app, open311_answer="token")

    [told] = (await submit(office)).json()
    services = (await office.client.get(f"{BASE}/services.json")).json()
    [found] = (await office.client.get(f"{BASE}/tokens/{told['token']}.json")).json()

    assert "service_request_id" not in told
    assert services[0]["type"] == "batch"
    assert found == {"service_request_id": (await numbers(office))[0], "token": told["token"]}
    root = parsed(await office.client.get(f"{BASE}/tokens/{told['token']}.xml"))
    assert root.findtext("request/token") == told["token"]


async def test_extensions_add_steps_and_choices(office: Office) -> None:
    await ask_questions(office)
    answers: dict[str, Any] = {"attribute[CONTAINER]": "B", "attribute[AMOUNT]": "3"}
    number = await number_of(office, **answers)

    [item] = await listed(office, extensions="true")

    assert item["attributes"] == [{"label": "Which container?", "name": "CONTAINER", "value": "Bin", "code": "B"}]
    assert item["extended_attributes"] == {"channel": "open311", "status": "awaiting_dispatch"}
    assert [note["type"] for note in item["notes"]] == ["submitted"]
    [alone] = (await office.client.get(f"{BASE}/requests/{number}.json?extensions=true")).json()
    assert alone == item
    root = parsed(await office.client.get(f"{BASE}/requests.xml?extensions=v1"))
    assert root.findtext("request/notes/note/type") == "submitted"


async def test_a_list_costs_the_same_queries_however_long_it_is(office: Office) -> None:
    await number_of(office)
    with office.counted_queries() as one:
        await listed(office, extensions="true")
    for _ in range(5):
        await number_of(office)
    with office.counted_queries() as six:
        assert len(await listed(office, extensions="true")) == 6

    assert len(six) == len(one)
    assert len(one) <= 4
