"""Emergencies (T3): handed over at once, with latency and result on record, and a directory of whom they go to."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.intake.office import Office
from tests.integration.intake.test_moves import events, move

FIRE = {"service": "fire", "name": "消防救援大队", "phone": "119", "hours": "24 h"}


async def hand_over(office: Office, receipt: dict[str, Any], **changes: Any) -> Any:
    return await move(office, receipt, "hand-over", {"service": "fire", **changes})


async def open_ones(office: Office) -> list[dict[str, Any]]:
    answer = await office.get("/v1/appeals/hand-overs", params={"with_result": False})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.fixture
async def directory(office: Office) -> dict[str, str]:
    """A key that may write the directory, with the fire brigade in it."""
    clerk = await office.key("entry:write")
    answer = await office.client.put("/v1/partners/fire-1", json=FIRE, headers=clerk)
    assert answer.status_code == 201, answer.text
    return clerk


@pytest.mark.usefixtures("directory")
async def test_a_hand_over_is_logged_with_how_long_it_took(office: Office) -> None:
    receipt = await office.register(category_code="0203")
    office.clock.advance(timedelta(seconds=90))
    at = (office.clock.now() - timedelta(seconds=30)).isoformat()

    answer = await hand_over(office, receipt, partner_code="fire-1", reference="F-77", handed_over_at=at)

    assert (answer.status_code, answer.json()["status"]) == (200, "referred")
    [logged] = await open_ones(office)
    assert (logged["latency_seconds"], logged["partner_name"], logged["reference"]) == (60, "消防救援大队", "F-77")
    [ended] = await events(office, "appeal.ended", "feedback")
    assert (ended["rule"], ended["reason_code"], ended["evaluable"]) == ("T3", "fire", False)


async def test_a_result_that_comes_later_is_recorded_and_told(office: Office) -> None:
    receipt = await office.register()
    await hand_over(office, receipt)
    office.clock.advance(timedelta(minutes=20))

    answer = await move(office, receipt, "hand-over-result", {"result": "火已扑灭，无人员伤亡。"})

    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "referred", 3)
    assert await open_ones(office) == []
    lines = (await office.progress(receipt))["timeline"]
    assert [line["code"] for line in lines][-2:] == ["handed_over", "hand_over_result"]
    assert lines[-1]["text_zh"] == "消防（119）反馈：火已扑灭，无人员伤亡。"


async def test_a_result_that_is_known_at_once_leaves_nothing_open(office: Office) -> None:
    receipt = await office.register()

    await hand_over(office, receipt, result="已到场")

    assert await open_ones(office) == []
    [row] = await office.rows("hand_overs")
    assert (row["result"], row["result_at"]) == ("已到场", row["recorded_at"])
    assert [line["code"] for line in (await office.progress(receipt))["timeline"]][-1] == "hand_over_result"


async def test_what_is_left_of_it_goes_on_to_a_department(office: Office) -> None:
    receipt = await office.register()

    answer = await hand_over(office, receipt, keep_handling=True)

    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_dispatch")
    assert await events(office, "appeal.ended") == []
    assert len(await open_ones(office)) == 1


async def test_each_of_two_hand_overs_gets_its_result_in_turn(office: Office) -> None:
    receipt = await office.register()
    await hand_over(office, receipt, keep_handling=True)
    office.clock.advance(timedelta(minutes=1))
    await hand_over(office, receipt, service="ambulance", keep_handling=True)

    await move(office, receipt, "hand-over-result", {"result": "火已扑灭"})

    assert [row["service"] for row in await open_ones(office)] == ["ambulance"]


async def test_without_a_hand_over_there_is_no_result(office: Office) -> None:
    receipt = await office.register()

    answer = await move(office, receipt, "hand-over-result", {"result": "x"})

    assert (answer.status_code, answer.json()["code"]) == (409, "no_result_missing")


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"service": "army"}, "/service"),
        ({"partner_code": "nobody"}, "/partner_code"),
        ({"service": "police", "partner_code": "fire-1"}, "/partner_code"),
        ({"handed_over_at": "2199-01-01T00:00:00Z"}, "/handed_over_at"),
        ({"handed_over_at": "2001-01-01T00:00:00Z"}, "/handed_over_at"),
    ],
)
async def test_a_hand_over_that_does_not_fit_changes_nothing(
    office: Office, changes: dict[str, str], field: str
) -> None:
    receipt = await office.register()

    answer = await hand_over(office, receipt, **changes)

    assert (answer.status_code, [problem["field"] for problem in answer.json()["errors"]]) == (422, [field])
    assert await office.rows("hand_overs") == []
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"


async def test_a_result_lies_not_before_its_hand_over(office: Office) -> None:
    receipt = await office.register()
    await hand_over(office, receipt)

    answer = await move(office, receipt, "hand-over-result", {"result": "x", "at": "2001-01-01T00:00:00Z"})

    assert answer.status_code == 422
    assert len(await open_ones(office)) == 1


async def test_hand_overs_come_in_pages_oldest_first(office: Office) -> None:
    receipts = []
    for _ in range(3):
        receipts.append(await office.register())
        office.clock.advance(timedelta(minutes=1))
        await hand_over(office, receipts[-1])

    first = (await office.get("/v1/appeals/hand-overs", params={"limit": 2})).json()
    rest = (await office.get("/v1/appeals/hand-overs", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    found = [item["receipt_number"] for item in [*first["items"], *rest["items"]]]
    assert (found, rest["next_cursor"]) == ([receipt["receipt_number"] for receipt in receipts], None)


async def test_the_directory_is_the_citys_to_change(office: Office, directory: dict[str, str]) -> None:
    changed = {**FIRE, "phone": "0374-119"}
    stale = await office.client.put("/v1/partners/fire-1", json=changed, headers={**directory, "If-Match": '"v9"'})
    new = await office.client.put("/v1/partners/new", json=FIRE, headers={**directory, "If-Match": '"v1"'})
    fresh = await office.client.put("/v1/partners/fire-1", json=changed, headers={**directory, "If-Match": '"v1"'})
    again = await office.client.put("/v1/partners/fire-1", json=changed, headers=directory)

    assert [answer.status_code for answer in (stale, new, fresh, again)] == [412, 412, 200, 200]
    assert (fresh.headers["ETag"], again.headers["ETag"]) == ('"v2"', '"v2"')
    listed = (await office.get("/v1/partners", params={"service": "fire"})).json()["items"]
    assert [(item["code"], item["phone"]) for item in listed] == [("fire-1", "0374-119")]
    assert (await office.get("/v1/partners", params={"service": "police"})).json()["items"] == []


async def test_a_retired_organisation_gets_nothing_any_more(office: Office, directory: dict[str, str]) -> None:
    await office.client.put("/v1/partners/fire-1", json={**FIRE, "retired": True}, headers=directory)
    receipt = await office.register()

    assert (await hand_over(office, receipt, partner_code="fire-1")).status_code == 422


async def test_agents_do_not_write_the_directory(office: Office) -> None:
    agent = await office.key("appeals:write", "appeals:read")

    assert (await office.client.put("/v1/partners/x", json=FIRE, headers=agent)).status_code == 403
    assert (await office.get("/v1/partners/x")).status_code == 404
