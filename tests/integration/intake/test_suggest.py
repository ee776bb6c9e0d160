"""POST /v1/categories/suggest: what is answered from the first day, and what a city's own words change."""

from typing import Any

import pytest

from services.intake.domain.categories import Category
from services.intake.use_cases.load_categories import load_categories
from tests.integration.intake.office import Office


async def suggest(office: Office, **body: Any) -> Any:
    return await office.post("/v1/categories/suggest", body)


async def test_a_text_gets_its_category_without_any_training(office: Office) -> None:
    answer = await suggest(office, text="小区井盖丢失，很危险")

    found = answer.json()
    assert answer.status_code == 200, found
    assert (found["source"], found["version"], found["below_threshold"]) == ("lexicon", None, True)
    first = found["suggestions"][0]
    assert (first["category_code"], first["name"], first["name_zh"]) == ("0203", "Missing manhole cover", "井盖缺失")
    assert 0 < first["confidence"] <= 0.9
    assert [each["word"] for each in first["words"]] == ["井盖"]


async def test_english_is_understood_by_the_names(office: Office) -> None:
    found = (await suggest(office, title="Manhole covers missing", description="On the corner.")).json()

    assert found["suggestions"][0]["category_code"] == "0203"
    assert "manhole" in " ".join(each["word"] for each in found["suggestions"][0]["words"])


async def test_unknown_words_suggest_nothing(office: Office) -> None:
    found = (await suggest(office, text="xyzzy plugh")).json()

    assert (found["suggestions"], found["below_threshold"]) == ([], True)


async def test_neither_a_retired_category_nor_a_heading_is_suggested(office: Office) -> None:
    found = (await suggest(office, text="old garbage, city appearance, exposed garbage 市容环境 暴露垃圾")).json()

    assert [each["category_code"] for each in found["suggestions"]] == ["0101"]


async def test_no_more_than_the_limit(office: Office) -> None:
    text = "暴露垃圾，井盖缺失，廉政"

    assert len((await suggest(office, text=text)).json()["suggestions"]) == 3
    assert len((await suggest(office, text=text, limit=1)).json()["suggestions"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/text"),
        ({"text": "a", "title": "b"}, "/title"),
        ({"text": "a", "description": "b"}, "/description"),
        ({"text": "a", "longitude": 113.8}, "/latitude"),
        ({"text": ""}, "/text"),
        ({"text": "a", "limit": 4}, "/limit"),
        ({"text": "a" * 20_001}, "/text"),
        ({"text": "a", "longitude": 181, "latitude": 0}, "/longitude"),
    ],
)
async def test_a_question_that_is_not_complete_is_refused(office: Office, body: dict[str, Any], field: str) -> None:
    answer = await suggest(office, **body)

    assert answer.status_code == 422
    assert field in [problem["field"] for problem in answer.json()["errors"]]


async def test_a_question_leaves_nothing_behind(office: Office) -> None:
    before = await office.counts()

    await suggest(office, text="井盖 13812345678")

    assert await office.counts() == before
    assert await office.rows("appeal_suggestions") == []


async def test_asking_needs_a_key(office: Office) -> None:
    office.headers = {}
    assert (await suggest(office, text="井盖")).status_code == 401


async def test_a_citys_own_word_counts_from_the_next_suggestion_on(office: Office) -> None:
    assert (await suggest(office, text="下水道铁盖子没了")).json()["suggestions"] == []

    saved = await office.client.put(
        "/v1/categories/0203/synonyms", json={"words": ["铁盖子", "iron lid"]}, headers=office.headers
    )

    assert (saved.status_code, saved.json()["is_default"], saved.headers["ETag"]) == (200, False, '"v1"')
    for text in ("下水道铁盖子没了", "Iron lids are gone"):
        assert (await suggest(office, text=text)).json()["suggestions"][0]["category_code"] == "0203"


async def test_a_new_category_is_suggested_at_once(office: Office) -> None:
    await suggest(office, text="路灯")
    added = Category("0204", "Street lighting", "路灯照明", level=1)
    await office.database.transact(lambda uow: load_categories(uow, [added]))
    office.desk.catalogue.forget()

    assert (await suggest(office, text="路灯不亮")).json()["suggestions"][0]["category_code"] == "0204"


async def test_the_words_of_the_default_taxonomy_come_along(office: Office) -> None:
    await office.database.transact(lambda uow: load_categories(uow, [Category("0204", "Lamps", "路灯照明", level=1)]))
    office.desk.catalogue.forget()

    found = (await office.get("/v1/categories/0204/synonyms")).json()

    assert (found["is_default"], found["version"]) == (True, None)
    assert {"路灯不亮", "street light"} <= set(found["words"])


async def test_words_are_put_back_by_putting_none(office: Office) -> None:
    path = "/v1/categories/0101/synonyms"
    await office.client.put(path, json={"words": ["臭袋子"]}, headers=office.headers)

    await office.client.put(path, json={"words": []}, headers=office.headers)

    assert (await suggest(office, text="臭袋子")).json()["suggestions"] == []


async def test_words_are_changed_on_the_version_that_was_seen(office: Office) -> None:
    path = "/v1/categories/0101/synonyms"

    async def put(words: list[str], **headers: str) -> int:
        answer = await office.client.put(path, json={"words": words}, headers={**office.headers, **headers})
        return answer.status_code

    assert await put(["a1"], **{"If-Match": '"v1"'}) == 412
    assert await put(["a1"]) == 200
    assert await put(["a2"], **{"If-Match": '"v1"'}) == 200
    assert await put(["a3"], **{"If-Match": '"v1"'}) == 412
    assert (await office.get(path)).json()["words"] == ["a2"]


async def test_synonyms_of_no_category_are_not_found(office: Office) -> None:
    put = await office.client.put("/v1/categories/7777/synonyms", json={"words": ["x"]}, headers=office.headers)

    assert put.status_code == 404
    assert (await office.get("/v1/categories/7777/synonyms")).status_code == 404
