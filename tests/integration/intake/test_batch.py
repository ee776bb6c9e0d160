"""POST /v1/appeals/batch: a result per item, one transaction, refused items stop no other."""

from typing import Any

import pytest

from tests.integration.intake.office import Office, submission


async def post_batch(office: Office, *items: Any, **headers: str) -> dict[str, Any]:
    answer = await office.post("/v1/appeals/batch", {"items": list(items)}, **headers)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def test_each_item_is_judged_by_itself(office: Office) -> None:
    reference = {"system": "crm", "id": "A-1"}
    result = await post_batch(
        office,
        submission(external_ref=reference),
        submission(category_code="7777"),
        {"title": "no type"},
        submission(external_ref=reference),
        submission(title="last"),
    )

    assert (result["created"], result["rejected"]) == (2, 3)
    assert [item["index"] for item in result["items"]] == [0, 1, 2, 3, 4]
    assert [item["status"] for item in result["items"]] == ["created", "rejected", "rejected", "rejected", "created"]
    unknown, shapeless, twice = (result["items"][index]["problem"] for index in (1, 2, 3))
    assert (unknown["code"], unknown["errors"][0]["field"]) == ("invalid_input", "/category_code")
    assert {error["field"] for error in shapeless["errors"]} == {"/type", "/channel"}
    assert (twice["code"], twice["appeal_id"]) == ("duplicate_external_ref", result["items"][0]["id"])
    stored = await office.rows("appeals")
    assert {str(row["id"]) for row in stored} == {result["items"][index]["id"] for index in (0, 4)}
    assert len(await office.rows("outbox")) == 4


async def test_a_created_item_can_be_tracked(office: Office) -> None:
    [item] = (await post_batch(office, submission()))["items"]

    assert (await office.progress(item))["status"] == "awaiting_dispatch"


async def test_the_same_batch_again_gets_the_same_reply(office: Office) -> None:
    body = {"items": [submission(), submission()]}
    first = await office.post("/v1/appeals/batch", body, Idempotency_Key="batch-1")
    again = await office.post("/v1/appeals/batch", body, Idempotency_Key="batch-1")

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await office.rows("appeals")) == 2


async def test_five_hundred_are_taken_and_five_hundred_and_one_are_not(office: Office) -> None:
    result = await post_batch(office, *(submission(title=f"Matter {n}") for n in range(500)))
    too_many = await office.post("/v1/appeals/batch", {"items": [submission()] * 501})

    assert result["created"] == 500
    assert too_many.status_code == 422
    assert len(await office.rows("appeals")) == 500


@pytest.mark.parametrize("body", [{"items": []}, {"items": ["text"]}, {"items": [submission()], "more": 1}, {}])
async def test_a_body_of_another_shape_is_refused(office: Office, body: Any) -> None:
    assert (await office.post("/v1/appeals/batch", body)).status_code == 422
    assert await office.rows("appeals") == []


async def test_a_batch_takes_the_same_number_of_statements_whatever_its_size(office: Office) -> None:
    async def statements(size: int) -> int:
        with office.counted_queries() as seen:
            await post_batch(office, *[submission()] * size)
        return len(seen)

    await statements(1)
    assert await statements(1) == await statements(40)
