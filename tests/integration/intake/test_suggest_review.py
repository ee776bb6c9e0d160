"""GET /v1/appeals/review: what waits for an agent, in the order in which it is due, with what was suggested."""

from typing import Any

from tests.integration.intake.office import Office


async def review(office: Office, **params: Any) -> list[dict[str, Any]]:
    answer = await office.get("/v1/appeals/review", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def waiting(office: Office, title: str, **changes: Any) -> dict[str, Any]:
    return await office.register(category_code=None, title=title, description="", **changes)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["appeal"]["id"] for item in items]


async def test_what_waits_is_listed_with_what_was_suggested(office: Office) -> None:
    receipt = await waiting(office, "井盖缺失")
    await office.register()

    [item] = await review(office)

    assert (item["appeal"]["id"], item["appeal"]["status"]) == (receipt["id"], "registered")
    assert (item["source"], item["version"]) == ("lexicon", None)
    assert item["suggestions"][0]["category_code"] == "0203"
    assert item["suggestions"][0]["words"][0]["word"] == "井盖缺失"


async def test_what_is_due_first_comes_first(office: Office) -> None:
    written = await waiting(office, "甲", channel="web")
    spoken = await waiting(office, "乙", channel="phone")

    assert ids(await review(office)) == [spoken["id"], written["id"]]


async def test_one_suggestion_can_be_asked_for(office: Office) -> None:
    cover = await waiting(office, "井盖缺失")
    await waiting(office, "暴露垃圾")
    await waiting(office, "xyzzy")

    assert ids(await review(office, suggested="0203")) == [cover["id"]]


async def test_pages_follow_one_another_without_gaps(office: Office) -> None:
    receipts = [await waiting(office, f"井盖 {number}") for number in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        page = (
            await office.get("/v1/appeals/review", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        ).json()
        found += ids(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert sorted(found) == sorted(receipt["id"] for receipt in receipts)
    assert len(found) == 5


async def test_an_agents_decision_takes_it_off_the_list(office: Office) -> None:
    receipt = await waiting(office, "井盖缺失")

    decided = await office.post(f"/v1/appeals/{receipt['id']}/recategorize", {"category_code": "0203"})

    assert decided.json()["status"] == "awaiting_dispatch"
    assert await review(office) == []


async def test_a_matter_that_waits_for_another_reason_is_listed_without_suggestions(office: Office) -> None:
    receipt = await office.register(category_code="1604")

    [item] = await review(office)

    assert (item["appeal"]["id"], item["source"], item["suggestions"]) == (receipt["id"], None, [])


async def test_a_department_has_none_of_it(office: Office) -> None:
    await waiting(office, "井盖缺失")
    office.headers = await office.key("appeals:read", department_code="D1")

    assert await review(office) == []


async def test_reading_it_needs_the_right_to_read_appeals(office: Office) -> None:
    office.headers = await office.key("appeals:write")

    assert (await office.get("/v1/appeals/review")).status_code == 403


async def test_the_words_go_when_it_turns_out_to_be_a_report(office: Office) -> None:
    receipt = await waiting(office, "井盖缺失")

    changed = await office.post(
        f"/v1/appeals/{receipt['id']}/recategorize", {"type": "report", "reason": "it names an official"}
    )

    assert changed.status_code == 200, changed.text
    [item] = await review(office)
    assert [(each["category_code"], each["words"]) for each in item["suggestions"]] == [("0203", [])]
    assert "井盖" not in str(await office.rows("appeal_suggestions"))
