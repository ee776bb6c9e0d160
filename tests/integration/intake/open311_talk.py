"""What the GeoReport tests share: a taxonomy with services of every kind, posting and listing, reading XML."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx

from services.intake.domain.categories import Category
from services.intake.use_cases.load_categories import load_categories
from shared.vocabulary import HandlingMode, Urgency
from tests.integration.intake.office import Office

BASE = "/open311/v2"


def category(code: str, name: str, name_zh: str = "", **changes: Any) -> Category:
    """A category of the second level whose matters have a place."""
    fields: dict[str, Any] = {
        "parent_code": code[:2],
        "urgency": Urgency.P3,
        "mode": HandlingMode.COMMITTED,
        "location_required": True,
        **changes,
    }
    return Category(code, name, name_zh, **fields)


SERVICES = (
    category("0102", "Street cleaning", "道路保洁"),
    category("0103", "Secret rubble", "秘密", confidential=True),
    category("0104", "Advice on bins", "垃圾分类咨询", location_required=False),
    Category("10", "Health & medical insurance", "医疗卫生与医疗保障", level=1),
    category("1001", "Clinic queue", "就诊排队"),
)
ATTRIBUTES = {
    "attributes": [
        {
            "code": "CONTAINER",
            "datatype": "singlevaluelist",
            "order": 1,
            "description": "Which container?",
            "required": True,
            "values": [{"key": "B", "name": "Bin"}, {"key": "S", "name": "Skip"}],
        },
        {"code": "AMOUNT", "datatype": "number", "order": 2, "description": "How many bags?"},
        {
            "code": "KINDS",
            "datatype": "multivaluelist",
            "order": 3,
            "description": "What is in them?",
            "values": [{"key": "G", "name": "Glass"}, {"key": "P", "name": "Paper"}],
        },
    ]
}


async def load_services(office: Office) -> None:
    """Add the services to the small city."""
    await office.database.transact(lambda uow: load_categories(uow, SERVICES))
    office.desk.catalogue.forget()


async def ask_questions(office: Office, code: str = "0101") -> None:
    """Give a service its questions."""
    answer = await office.client.put(f"/v1/categories/{code}/attributes", json=ATTRIBUTES, headers=office.headers)
    assert answer.status_code == 200, answer.text


def key_of(office: Office) -> str:
    """The text of the key that may do everything."""
    return office.headers["Authorization"].removeprefix("Bearer ")


async def submit(
    office: Office, *, suffix: str = ".json", idempotency_key: str | None = None, **fields: Any
) -> httpx.Response:
    """Post a request as a form; a field of None is left out."""
    whole = {
        "api_key": key_of(office),
        "service_code": "0101",
        "lat": "34.02",
        "long": "113.82",
        "description": "Bins overflow at the school gate",
        **fields,
    }
    given = {name: value for name, value in whole.items() if value is not None}
    form = urlencode(given, doseq=True)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    return await office.client.post(f"{BASE}/requests{suffix}", content=form, headers=headers)


async def number_of(office: Office, **fields: Any) -> str:
    """Post a request and return its number."""
    answer = await submit(office, **fields)
    assert answer.status_code == 200, answer.text
    number: str = answer.json()[0]["service_request_id"]
    return number


async def listed(office: Office, **query: Any) -> list[dict[str, Any]]:
    """The public requests."""
    answer = await office.client.get(f"{BASE}/requests.json", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def numbers(office: Office, **query: Any) -> list[str]:
    """The numbers of the public requests."""
    return [str(item["service_request_id"]) for item in await listed(office, **query)]


def parsed(answer: httpx.Response) -> ElementTree.Element:
    """An XML answer's root element."""
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8", answer.headers
    return ElementTree.fromstring(answer.content)


def errors_of(answer: httpx.Response) -> list[str]:
    """The descriptions of an answer that must be the specification's list of errors."""
    assert answer.headers["Content-Type"].startswith("application/json"), answer.text
    document = answer.json()
    assert isinstance(document, list)
    assert document
    assert {item["code"] for item in document} == {answer.status_code}
    assert all(set(item) == {"code", "description"} for item in document)
    return [item["description"] for item in document]
