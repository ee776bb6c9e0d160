"""Finding and reading appeals: filters, pages, masked reporters, what another department may not see."""

from datetime import timedelta
from typing import Any

import pytest

from shared.ids import uuid7
from tests.integration.feedback.desk import ticket_dispatched
from tests.integration.intake.office import NAME, PHONE, Office, submission


async def found(office: Office, **filters: Any) -> list[str]:
    answer = await office.get("/v1/appeals", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_the_reporter_is_shown_as_a_hint_only(office: Office) -> None:
    receipt = await office.register(reporter={"name": NAME, "phone": PHONE, "email": "mingzhu@example.org"})

    answer = await office.get(f"/v1/appeals/{receipt['id']}")

    assert answer.json()["reporter"] == {
        "name": "欧***",
        "phone": "**********5678",
        "email": "m***@***.org",
        "anonymous": False,
        "confidential": False,
        "wants_reply": True,
    }
    assert NAME not in answer.text
    assert answer.headers["ETag"] == '"v1"'


@pytest.mark.parametrize("protection", ["anonymous", "confidential"])
async def test_a_protected_reporter_is_not_even_hinted_at(office: Office, protection: str) -> None:
    receipt = await office.register(reporter={"name": NAME, "phone": PHONE, protection: True})

    reporter = (await office.get(f"/v1/appeals/{receipt['id']}")).json()["reporter"]

    assert (reporter["name"], reporter["phone"], reporter[protection]) == (None, None, True)


async def test_filters_find_what_they_say(office: Office) -> None:
    first = await office.register(external_ref={"system": "crm", "id": "1"})
    office.clock.advance(timedelta(hours=1))
    second = await office.register(category_code="0203")
    middle = (office.clock.now() - timedelta(minutes=30)).isoformat()

    assert await found(office) == [second["id"], first["id"]]
    spaced = f"{second['receipt_number'][:6]} {second['receipt_number'][6:]}"
    assert await found(office, receipt_number=spaced) == [second["id"]]
    assert await found(office, external_system="crm", external_id="1") == [first["id"]]
    assert await found(office, category_code="0203") == [second["id"]]
    assert await found(office, created_to=middle) == [first["id"]]
    assert await found(office, created_from=middle) == [second["id"]]
    assert await found(office, created_from=middle, status="awaiting_dispatch") == [second["id"]]
    assert await found(office, status="closed") == []


@pytest.mark.parametrize("filters", [{}, {"status": "awaiting_dispatch"}, {"category_code": "0101"}])
async def test_pages_hold_everything_once(office: Office, filters: dict[str, str]) -> None:
    expected = [(await office.register())["id"] for _ in range(7)][::-1]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await office.get("/v1/appeals", params={"limit": 3, **filters, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == expected


@pytest.mark.parametrize(
    "filters",
    [
        {"cursor": "nonsense"},
        {"limit": 0},
        {"limit": 201},
        {"status": "lost"},
        {"external_system": "crm"},
        {"created_from": "2026-01-01T00:00:00"},
        {"category_code": "a\x00b"},
        {"receipt_number": "\x00"},
    ],
)
async def test_a_filter_that_cannot_be_read_is_refused(office: Office, filters: dict[str, Any]) -> None:
    assert (await office.get("/v1/appeals", params=filters)).status_code == 422


async def test_a_phone_number_is_found_however_it_is_written(office: Office) -> None:
    receipt = await office.register(reporter={"phone": "+86 138-1234-5678"})
    await office.register(reporter={"phone": "13900001111"})

    for written in ("13812345678", "138 1234 5678", "008613812345678", "１３８１２３４５６７８"):
        answer = await office.post("/v1/appeals/search", {"phone": written})
        assert [item["id"] for item in answer.json()["items"]] == [receipt["id"]], written
    assert (await office.post("/v1/appeals/search", {"phone": "13700000000"})).json()["items"] == []
    assert (await office.post("/v1/appeals/search", {"phone": "who?"})).status_code == 422


async def test_a_department_reads_only_what_it_is_in_charge_of(office: Office) -> None:
    mine, other = await office.register(), await office.register()
    await office.tell(mine["id"], ticket_dispatched(department_code="sani"))
    await office.tell(other["id"], ticket_dispatched(department_code="parks"))
    key = await office.key("appeals:read", "appeals:reveal", department_code="sani")

    listed = await office.get("/v1/appeals", headers=key)
    assert [item["id"] for item in listed.json()["items"]] == [mine["id"]]
    assert (await office.get(f"/v1/appeals/{mine['id']}", headers=key)).status_code == 200
    for path in (f"/v1/appeals/{other['id']}", f"/v1/appeals/{other['id']}/timeline"):
        assert (await office.get(path, headers=key)).status_code == 404
    revealed = await office.post(f"/v1/appeals/{other['id']}/reveal", {"reason": "call back"}, **key)
    assert revealed.status_code == 404
    assert [str(row["appeal_id"]) for row in await office.rows("pii_access_log")] == [mine["id"]]


async def test_an_unknown_appeal_is_not_found(office: Office) -> None:
    for path in (f"/v1/appeals/{uuid7()}", f"/v1/appeals/{uuid7()}/timeline"):
        assert (await office.get(path)).status_code == 404
    assert (await office.get("/v1/appeals/not-an-id")).status_code == 422


async def test_a_page_takes_one_statement_however_long_it_is(office: Office) -> None:
    for _ in range(5):
        await office.register()
    with office.counted_queries() as one:
        await office.get("/v1/appeals", params={"limit": 1})
    with office.counted_queries() as many:
        await office.get("/v1/appeals", params={"limit": 5})

    assert len(one) == len(many) == 1


async def test_registering_takes_few_statements(office: Office) -> None:
    await office.register()
    with office.counted_queries() as seen:
        await office.post("/v1/appeals", submission(), Idempotency_Key="counted")

    assert len(seen) <= 5
