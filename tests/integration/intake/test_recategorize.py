"""POST /v1/appeals/{id}/recategorize: from the review list to acceptance, with a history and one event."""

import asyncio
from typing import Any

import pytest

from shared.ids import uuid7
from tests.integration.intake.office import Office


async def recategorize(office: Office, appeal_id: Any, code: str = "0203", **headers: str) -> Any:
    body = {"category_code": code, "reason": "the caller meant the cover"}
    return await office.post(f"/v1/appeals/{appeal_id}/recategorize", body, **headers)


async def test_setting_the_category_accepts_the_appeal(office: Office) -> None:
    receipt = await office.register(category_code=None)

    answer = await recategorize(office, receipt["id"])

    shown = answer.json()
    assert answer.status_code == 200, shown
    assert (shown["status"], shown["urgency"], shown["category_code"]) == ("awaiting_dispatch", "P1", "0203")
    assert answer.headers["ETag"] == '"v2"'
    events = sorted(await office.rows("appeal_events"), key=lambda row: int(row["sequence"]))
    assert [(row["sequence"], row["move"], row["rules"]) for row in events] == [
        (1, "register", ["T1"]),
        (2, "recategorize", ["T43", "T10"]),
    ]
    assert events[1]["details"] == {"from": None, "to": "0203", "reason": "the caller meant the cover"}
    published = await office.rows("outbox")
    assert [(row["type"], row["sequence"]) for row in published] == [("appeal.accepted", 1)] * 2
    assert published[0]["data"]["category_code"] == "0203"
    progress = await office.progress(receipt)
    assert [line["code"] for line in progress["timeline"]] == ["registered", "accepted"]


async def test_both_ways_into_acceptance_publish_the_same_facts(office: Office) -> None:
    direct = await office.register(category_code="0203", external_ref={"system": "a", "id": "1"})
    later = await office.register(category_code=None, external_ref={"system": "a", "id": "2"})
    await recategorize(office, later["id"])

    rows = {str(row["subject"]): row["data"] for row in await office.rows("outbox") if row["consumer"] == "dispatch"}
    own = ("receipt_number", "external_id")
    first, second = ({k: v for k, v in rows[r["id"]].items() if k not in own} for r in (direct, later))
    assert first == second


async def test_a_report_gets_a_neutral_title_of_its_new_category(office: Office) -> None:
    receipt = await office.register(category_code=None, type="report")

    await recategorize(office, receipt["id"], "1604")

    for row in await office.rows("outbox"):
        assert (row["data"]["title"], row["data"]["description"]) == ("Report: Integrity", "")


async def test_an_accepted_appeal_is_not_intakes_to_change(office: Office) -> None:
    receipt = await office.register()

    answer = await recategorize(office, receipt["id"])

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "illegal_move")
    assert (problem["state"], problem["allowed_moves"]) == ("awaiting_dispatch", [])


async def test_a_stale_version_changes_nothing(office: Office) -> None:
    receipt = await office.register(category_code=None)

    stale = await recategorize(office, receipt["id"], If_Match='"v7"')
    fresh = await recategorize(office, receipt["id"], If_Match='"v1"')

    assert (stale.status_code, fresh.status_code) == (412, 200)


async def test_repetition_under_one_key_moves_once(office: Office) -> None:
    receipt = await office.register(category_code=None)

    first = await recategorize(office, receipt["id"], Idempotency_Key="r-1")
    again = await recategorize(office, receipt["id"], Idempotency_Key="r-1")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert len(await office.rows("outbox")) == 2


async def test_of_two_at_once_one_wins(office: Office) -> None:
    receipt = await office.register(category_code=None)

    answers = await asyncio.gather(*(recategorize(office, receipt["id"]) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await office.rows("outbox")) == 2


@pytest.mark.parametrize("code", ["7777", "0110"])
async def test_a_category_that_cannot_be_used_changes_nothing(office: Office, code: str) -> None:
    receipt = await office.register(category_code=None)

    assert (await recategorize(office, receipt["id"], code)).status_code == 422
    assert (await office.progress(receipt))["status"] == "registered"


async def test_an_unknown_appeal_is_not_found(office: Office) -> None:
    assert (await recategorize(office, uuid7())).status_code == 404
