"""What the clients that exist send and how they read the answers, call by call as their sources do it.

Replayed are the Python packages three 0.8, open311 1.1, georeport 0.3, civicbot 0.4 and chicagorequests 0.0.5, and
FixMyStreet's Open311.pm with what XML::Simple makes of our XML.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import BASE, ask_questions, key_of, load_services, number_of

GROUPS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def xml_simple(element: ElementTree.Element, *, is_root: bool = True) -> Any:
    """What XML::Simple makes of an element with FixMyStreet's options: ForceArray, GroupTags, SuppressEmpty."""
    if len(element) == 0:
        return element.text
    found: dict[str, Any] = {}
    for child in element:
        value = xml_simple(child, is_root=False)
        if child.tag in GROUPS.values():
            found.setdefault(child.tag, []).append(value)
        else:
            assert child.tag not in found, f"{child.tag} stands twice in {element.tag}"
            found[child.tag] = value
    group = GROUPS.get(element.tag)
    return found[group] if group in found and not is_root else found


class FixMyStreet:
    """The calls of Open311.pm."""

    def __init__(self, office: Office) -> None:
        self.office = office

    async def get(self, path: str, **params: str) -> Any:
        answer = await self.office.client.get(f"{BASE}/{path}", params={"jurisdiction_id": "city.gov", **params})
        return xml_simple(ElementTree.fromstring(answer.content))

    async def post(self, params: dict[str, str]) -> Any:
        body = urlencode({"jurisdiction_id": "city.gov", "api_key": key_of(self.office), **params})
        answer = await self.office.client.post(f"{BASE}/requests.xml", content=body, headers=FORM)
        return answer.status_code, xml_simple(ElementTree.fromstring(answer.content))


async def test_fixmystreet_populates_its_categories(office: Office) -> None:
    await load_services(office)
    await ask_questions(office)
    client = FixMyStreet(office)

    listed = await client.get("services.xml")
    meta = await client.get("services/0101.xml")

    assert [(item["service_code"], item["metadata"], item["group"]) for item in listed["service"]] == [
        ("0101", "true", "City appearance"),
        ("0102", "false", "City appearance"),
    ]
    questions = sorted(meta["attributes"], key=lambda item: int(item["order"]))
    assert [(item["code"], item["required"], item["variable"]) for item in questions] == [
        ("CONTAINER", "true", "true"),
        ("AMOUNT", "false", "true"),
        ("KINDS", "false", "true"),
    ]
    assert questions[0]["values"] == [{"key": "B", "name": "Bin"}, {"key": "S", "name": "Skip"}]
    assert questions[1]["values"] is None


async def test_fixmystreet_sends_a_report_and_follows_it(office: Office) -> None:
    await ask_questions(office)
    client = FixMyStreet(office)
    report = {
        "description": "title: Bins\n\ndetail: They överflow\n\nurl: http://fms.example/7\n\nSubmitted via FMS\n",
        "service_code": "0101",
        "first_name": "Ann",
        "last_name": "Lee",
        "email": "ann@example.com",
        "lat": "34.020000",
        "long": "113.820000",
        "media_url": "http://fms.example/photo/7.jpeg",
        "deviceid": "web",
        "attribute[CONTAINER]": "B",
        "attribute[fixmystreet_id]": "7",
    }  # fmt: skip

    status, told = await client.post(report)
    number = told["request"][0]["service_request_id"]
    followed = await client.get("requests.xml", service_request_id=f"{number},1234567890123")

    assert status == 200
    assert [item["service_request_id"] for item in followed["request"]] == [number]
    [item] = followed["request"]
    assert (item["status"], item["status_notes"]) == ("open", "Accepted; it is being sent to the department in charge.")
    assert datetime.fromisoformat(item["updated_datetime"]).tzinfo is not None
    assert float(item["lat"]), float(item["long"])
    assert "They överflow" in item["description"]


async def test_fixmystreet_reads_why_it_was_refused(office: Office) -> None:
    await ask_questions(office)

    status, told = await FixMyStreet(office).post({"service_code": "0101", "lat": "34.02", "long": "113.82"})

    assert status == 400
    assert told == {"error": [{"code": "400", "description": "attribute[CONTAINER]: is required"}]}


async def test_fixmystreet_fetches_the_reports_of_the_last_hour(office: Office) -> None:
    number = await number_of(office)
    now = office.clock.now().astimezone(UTC)
    window = {"start_date": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", "end_date": f"{now:%Y-%m-%dT%H:%M:%SZ}"}

    fetched = await FixMyStreet(office).get("requests.xml", **window)

    assert [item["service_request_id"] for item in fetched["request"]] == [number]
    nothing = await FixMyStreet(office).get("requests.xml", start_date="2020-01-01T00:00:00Z", end_date="2020-01-01")
    assert nothing is None or not nothing.get("request")


async def test_three_posts_a_form_with_a_name_and_an_address(office: Office) -> None:
    body = {
        "service_code": "0101",
        "jurisdiction_id": "city.gov",
        "address_string": "12 Jianshe Road",
        "first_name": "Zach",
        "last_name": "Williams",
        "phone": "555-5555",
        "description": "My issue description.",
        "api_key": key_of(office),
    }

    told = (await office.client.post(f"{BASE}/requests.json", data=body)).json()
    alone = (await office.client.get(f"{BASE}/requests/{told[0]['service_request_id']}.json")).json()

    assert alone[0]["address"] == "12 Jianshe Road"


async def test_three_asks_between_two_days_and_for_a_count(office: Office) -> None:
    number = await number_of(office)
    await number_of(office)
    span = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-03T00:00:00Z"}

    found = (await office.client.get(f"{BASE}/requests.json", params={**span, "page_size": "1"})).json()
    both = (await office.client.get(f"{BASE}/requests.json", params=span)).json()

    assert len(found) == 1
    assert number in {item["service_request_id"] for item in both}


async def test_open311_1_1_calls_a_definition_service_and_posts_the_key_in_the_address(office: Office) -> None:
    definition = await office.client.get(f"{BASE}/service/0101.xml", params={"jurisdiction_id": ""})
    params = {"jurisdiction_id": "", "api_key": key_of(office)}
    body = urlencode({"service_code": "0101", "lat": "34.02", "long": "113.82", "description": "Bins"})
    posted = await office.client.post(f"{BASE}/requests.xml", params=params, content=body, headers=FORM)

    assert ElementTree.fromstring(definition.content).findtext("service_code") == "0101"
    assert ElementTree.fromstring(posted.content).findtext("request/service_request_id")


async def test_georeport_takes_the_first_of_a_list_of_one(office: Office) -> None:
    number = await number_of(office)

    params = {"service_code": "0101", "status": "open,closed", "start_date": "2026-03-01T00:00:00Z"}
    listed = (await office.client.get(f"{BASE}/requests.json", params=params)).json()
    one = (await office.client.get(f"{BASE}/requests/{number}.json")).json()[0]

    assert listed == [one]


async def test_civicbot_checks_against_the_definition_and_posts_lists_with_brackets(office: Office) -> None:
    await ask_questions(office)
    place = {"lat": 34.02, "long": 113.82}
    services = (await office.client.get(f"{BASE}/services.json", params=place)).json()
    definition = (await office.client.get(f"{BASE}/services/0101.json", params=place)).json()
    form = {
        "service_code": "0101", **place, "description": "bins", "first_name": "Ann", "api_key": key_of(office),
        "attribute[CONTAINER]": "B", "attribute[KINDS][]": ["G", "P"],
    }  # fmt: skip

    answer = await office.client.post(
        f"{BASE}/requests.json",
        content=urlencode(form, doseq=True),
        headers={**FORM, "Accept": "application/json"},
    )

    assert next(item for item in services if str(item["service_code"]) == "0101")["metadata"] is True
    needed = {str(item["code"]) for item in definition["attributes"] if item["variable"] and item["required"]}
    assert needed == {"CONTAINER"}
    assert {str(value["key"]) for value in definition["attributes"][0]["values"]} == {"B", "S"}
    assert answer.status_code == 200, answer.text
    [row] = await office.rows("appeals")
    assert row["attributes"]["KINDS"] == "G\nP"


async def test_chicagorequests_turns_the_pages_of_each_day(office: Office) -> None:
    made = [await number_of(office) for _ in range(5)]
    zone = ZoneInfo("America/Chicago")
    today = office.clock.now().astimezone(zone)
    start = datetime.combine(today - timedelta(days=1), time.min, zone)
    fetched: list[str] = []

    while start < today + timedelta(days=1):
        end = datetime.combine(start, time.max, zone)
        args: dict[str, Any] = {
            "extensions": "true",
            "service_code": "0101",
            "updated_after": str(start - timedelta(days=3)),
            "updated_before": str(end + timedelta(days=3)),
            "start_date": start.isoformat(),
            "end_date": end.isoformat(),
            "page": 1,
            "page_size": 2,
        }
        page = (await office.client.get(f"{BASE}/requests.json", params=args)).json()
        fetched += [item["service_request_id"] for item in page]
        while len(page) == args["page_size"]:
            args["page"] += 1
            page = (await office.client.get(f"{BASE}/requests.json", params=args)).json()
            fetched += [item["service_request_id"] for item in page]
        start += timedelta(days=1)

    assert sorted(fetched) == sorted(made)


async def test_a_browser_of_another_origin_may_read_where_the_city_allows_it(office: Office) -> None:
    head = await office.client.head(f"{BASE}/requests.json")
    whole = await office.client.get(f"{BASE}/requests.json")
    known = await office.client.get(f"{BASE}/requests.json", headers={"If-None-Match": whole.headers["ETag"]})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    assert (known.status_code, known.content) == (304, b"")


async def test_a_wrong_method_is_told_which_ones_there_are(office: Office) -> None:
    answer = await office.client.delete(f"{BASE}/requests.xml")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert ElementTree.fromstring(answer.content).findtext("error/code") == "405"
