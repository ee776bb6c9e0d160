"""Look-alikes are found by what is said and where, with reasons, and shown to nobody who may not see them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from services.intake.use_cases.index_appeals import index_appeals
from shared.ids import uuid7
from tests.integration.feedback.desk import ticket_dispatched
from tests.integration.intake.office import PHONE, Office

SEWER = {"title": "化粪池堵塞污水外溢", "description": "三号楼后面污水横流,臭气熏天"}
AGAIN = {"title": "污水外溢没人管", "description": "化粪池堵塞好几天,楼后面臭气熏天"}
HERE = {"address": "建设路12号", "longitude": 113.82, "latitude": 34.02}
BESIDE = {"address": "建设路14号", "longitude": 113.8203, "latitude": 34.0202}
OTHER_PERSON = {"phone": "13900001111"}


@pytest.fixture(params=["before indexing", "after indexing"])
def indexed(request: pytest.FixtureRequest, office: Office) -> Callable[[], Awaitable[None]]:
    """Call it when everything is registered."""

    async def perhaps() -> None:
        if request.param == "after indexing":
            await office.database.transact(lambda uow: index_appeals(uow, limit=1_000))

    return perhaps


Indexed = Callable[[], Awaitable[None]]


async def similar(office: Office, receipt: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    answer = await office.get(f"/v1/appeals/{receipt['id']}/similar", **options)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def drafted(office: Office, **draft: Any) -> list[dict[str, Any]]:
    answer = await office.post("/v1/appeals/similar", {**AGAIN, "location": BESIDE, **draft})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_same_matter_over_two_channels_is_recognised(office: Office, indexed: Indexed) -> None:
    first = await office.register(**SEWER, location=HERE, channel="phone")
    office.clock.advance(timedelta(days=2))
    second = await office.register(**AGAIN, location=BESIDE, channel="wechat", reporter=OTHER_PERSON)
    await office.register(title="广场舞噪音扰民", description="每晚十点以后", location=HERE)
    await indexed()

    [best, *_] = await similar(office, second)

    assert best["id"] == first["id"]
    assert (best["suggestion"], best["same_person"], best["status"]) == ("attach", False, "awaiting_dispatch")
    assert best["score"] == pytest.approx(sum(reason["weight"] for reason in best["reasons"]), abs=0.001)
    assert {reason["kind"] for reason in best["reasons"]} == {"text", "distance", "category", "time"}
    assert "化粪池堵塞" in best["reasons"][0]["detail"]
    assert 30 < best["distance_metres"] < 40


async def test_another_matter_at_the_same_place_is_not_suggested(office: Office, indexed: Indexed) -> None:
    first = await office.register(**SEWER, location=HERE)
    second = await office.register(title="广场舞噪音扰民", description="每晚十点以后", location=HERE)
    await indexed()

    [shown] = await similar(office, second)

    assert (shown["id"], shown["suggestion"]) == (first["id"], None)


async def test_a_matter_without_a_place_is_found_by_its_rare_words(office: Office, indexed: Indexed) -> None:
    first = await office.register(**SEWER, location=None)
    await indexed()

    assert [item["id"] for item in await drafted(office, location=None, category_code="0101")] == [first["id"]]


async def test_the_same_person_is_told_apart_and_an_urge_suggested(office: Office, indexed: Indexed) -> None:
    first = await office.register(**SEWER, location=HERE)
    await indexed()

    [found] = await drafted(office, category_code="0101", phone=PHONE)
    assert (found["id"], found["same_person"], found["suggestion"]) == (first["id"], True, "urge")
    [found] = await drafted(office, category_code="0101", phone="13900001111")
    assert (found["same_person"], found["suggestion"]) == (False, "attach")


@pytest.mark.parametrize("protection", ["anonymous", "confidential"])
async def test_nothing_is_told_of_who_a_protected_reporter_is(office: Office, protection: str) -> None:
    hidden = await office.register(**SEWER, location=HERE, reporter={"phone": PHONE, protection: True})
    open_one = await office.register(**AGAIN, location=BESIDE)

    told = {item["id"]: item["same_person"] for item in await drafted(office, category_code="0101", phone=PHONE)}
    assert told == {hidden["id"]: False, open_one["id"]: True}
    assert [item["same_person"] for item in await similar(office, hidden)] == [False]
    assert [item["same_person"] for item in await similar(office, open_one)] == [False]


async def test_reports_are_look_alikes_for_reviewers_only(office: Office, indexed: Indexed) -> None:
    report = await office.register(type="report", category_code="1604", **SEWER, location=HERE)
    other = await office.register(category_code="1604", **SEWER, location=HERE, reporter=OTHER_PERSON)
    await indexed()
    agent = await office.key("appeals:read")

    assert [item["id"] for item in await similar(office, other, headers=agent)] == []
    reviewed = await similar(office, other)
    assert [item["id"] for item in reviewed] == [report["id"]]
    assert not reviewed[0]["same_person"]


async def test_a_department_sees_its_own_look_alikes_only(office: Office, indexed: Indexed) -> None:
    mine = [await office.register(**SEWER, location=HERE) for _ in range(2)]
    other = await office.register(**SEWER, location=HERE)
    for receipt in mine:
        await office.tell(receipt["id"], ticket_dispatched(department_code="muni"))
    await office.tell(other["id"], ticket_dispatched(department_code="parks"))
    await indexed()
    key = await office.key("appeals:read", department_code="muni")

    assert [item["id"] for item in await similar(office, mine[0], headers=key)] == [mine[1]["id"]]
    assert (await office.get(f"/v1/appeals/{other['id']}/similar", headers=key)).status_code == 404
    answer = await office.post("/v1/appeals/similar", {**AGAIN, "location": BESIDE}, **key)
    assert {item["id"] for item in answer.json()["items"]} == {receipt["id"] for receipt in mine}


async def test_what_ended_long_ago_is_left_out(office: Office, indexed: Indexed) -> None:
    await office.register(**SEWER, location=HERE)
    await indexed()

    assert len(await drafted(office, category_code="0101")) == 1
    office.clock.advance(timedelta(days=181))
    assert await drafted(office, category_code="0101") == []


async def test_the_likest_stand_first_and_no_more_than_asked_for(office: Office, indexed: Indexed) -> None:
    exact = await office.register(**AGAIN, location=BESIDE)
    for _ in range(3):
        await office.register(title="污水外溢", description="气味大", location=HERE)
    await indexed()

    found = await drafted(office, category_code="0101", limit=3)

    assert len(found) == 3
    assert found[0]["id"] == exact["id"]
    assert [item["score"] for item in found] == sorted((item["score"] for item in found), reverse=True)


async def test_asking_about_a_draft_leaves_no_trace(office: Office) -> None:
    before = await office.counts()

    await drafted(office, phone=PHONE)

    assert await office.counts() == before


@pytest.mark.parametrize(
    "draft",
    [
        {"title": ""},
        {"phone": "who?"},
        {"location": {"longitude": 113.8}},
        {"location": {"longitude": 200.0, "latitude": 10.0}},
        {"limit": 0},
        {"limit": 51},
        {"colour": "red"},
    ],
)
async def test_a_draft_that_cannot_be_read_is_refused(office: Office, draft: dict[str, Any]) -> None:
    assert (await office.post("/v1/appeals/similar", {"title": "x", **draft})).status_code == 422


async def test_an_unknown_appeal_has_no_look_alikes(office: Office) -> None:
    assert (await office.get(f"/v1/appeals/{uuid7()}/similar")).status_code == 404
