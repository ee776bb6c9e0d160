"""The knowledge base: articles that say from when to when they hold, and answers that cite what holds (trap 42)."""

import asyncio
from typing import Any

import pytest

from tests.integration.intake.office import Office
from tests.integration.intake.test_moves import move

RELIEF = {
    "title": "城市低保标准",
    "question": "低保每月多少钱？",
    "text": "每人每月380元。",
    "category_codes": ["01"],
    "valid_from": "2011-01-01",
    "valid_to": "2011-12-31",
    "source": "玉政发〔2011〕3号",
}
CURRENT = {**RELIEF, "text": "每人每月1000元。", "valid_from": "2026-01-01", "valid_to": None}


@pytest.fixture
async def author(office: Office) -> dict[str, str]:
    return await office.key("knowledge:write")


async def put(office: Office, author: dict[str, str], code: str, body: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.put(f"/v1/knowledge/{code}", json=body, headers={**author, **named})


async def codes(office: Office, **wanted: Any) -> list[str]:
    return [item["code"] for item in (await office.get("/v1/knowledge", params=wanted)).json()["items"]]


async def test_what_does_not_hold_today_is_not_cited(office: Office, author: dict[str, str]) -> None:
    old = (await put(office, author, "relief-2011", RELIEF)).json()
    receipt = await office.register()

    answer = await move(office, receipt, "answer", {"text": "380元", "article_ids": [old["id"], "no-such"]})

    problem = answer.json()
    assert answer.status_code == 422
    assert [(error["field"], error["message"]) for error in problem["errors"]] == [
        ("/article_ids/0", "article relief-2011 is not valid on 2026-03-02"),
        ("/article_ids/1", "is no article of the knowledge base"),
    ]
    assert problem["errors"][0]["allowed"] == {"valid_from": "2011-01-01", "valid_to": "2011-12-31"}
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"


async def test_an_answer_keeps_the_version_it_cited(office: Office, author: dict[str, str]) -> None:
    article = (await put(office, author, "relief", CURRENT)).json()
    receipt = await office.register()

    answer = await move(office, receipt, "answer", {"text": "1000元", "article_ids": [article["id"], "relief"]})
    await put(office, author, "relief", {**CURRENT, "text": "每人每月1100元。"})

    assert answer.status_code == 200, answer.text
    steps = (await office.get(f"/v1/appeals/{receipt['id']}/history")).json()["items"]
    assert steps[-1]["details"]["articles"] == [
        {
            "id": article["id"],
            "code": "relief",
            "version": 1,
            "title": "城市低保标准",
            "valid_from": "2026-01-01",
            "valid_to": None,
        }
    ]
    versions = (await office.get("/v1/knowledge/relief/versions")).json()["items"]
    assert [(one["article"]["version"], one["article"]["text"]) for one in versions] == [
        (2, "每人每月1100元。"),
        (1, "每人每月1000元。"),
    ]


async def test_an_offices_number_is_told_and_a_persons_is_not(office: Office, author: dict[str, str]) -> None:
    await put(office, author, "relief", {**CURRENT, "text": "民政局低保科，电话0374-3112345，窗口3。"})
    receipt = await office.register()
    text = "请拨0374-3112345，或找李科长13912345678、03743112345。"

    await move(office, receipt, "answer", {"text": text, "article_ids": ["relief"]})

    line = (await office.progress(receipt))["timeline"][-1]
    assert line["text_zh"] == "答复：请拨0374-3112345，或找李科长[phone]、[phone]。"


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [
        ("2026-03-02", "2026-03-02", 200),
        ("2026-03-03", None, 422),
        ("2020-01-01", "2026-03-01", 422),
    ],
)
async def test_both_days_of_validity_belong_to_it(
    office: Office, author: dict[str, str], first: str, last: str | None, status: int
) -> None:
    await put(office, author, "a", {**RELIEF, "valid_from": first, "valid_to": last})
    receipt = await office.register()

    answer = await move(office, receipt, "answer", {"text": "x", "article_ids": ["a"]})

    assert answer.status_code == status


async def test_the_day_is_the_citys(office: Office, author: dict[str, str]) -> None:
    """23:30 in China on 2 March is still 2 March, and half an hour later it is not, though in UTC it is."""
    await put(office, author, "a", {**RELIEF, "valid_from": "2026-03-02", "valid_to": "2026-03-02"})
    evening, night = await office.register(), await office.register()
    clock = office.clock
    local = clock.now().astimezone(office.desk.zone)
    clock.advance(local.replace(hour=23, minute=30, second=0, microsecond=0) - local)

    first = await move(office, evening, "answer", {"text": "x", "article_ids": ["a"]})
    clock.advance(local.replace(hour=1) - local.replace(hour=0))
    second = await move(office, night, "answer", {"text": "x", "article_ids": ["a"]})

    assert (first.status_code, second.status_code) == (200, 422)


async def test_a_retired_article_is_not_cited(office: Office, author: dict[str, str]) -> None:
    await put(office, author, "relief", {**CURRENT, "retired": True})
    receipt = await office.register()

    answer = await move(office, receipt, "answer", {"text": "x", "article_ids": ["relief"]})

    assert answer.json()["errors"][0]["message"] == "article relief is retired"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_from": None}, "/valid_from"),
        ({"valid_from": "2026-02-30"}, "/valid_from"),
        ({"valid_from": 20_000}, "/valid_from"),
        ({"valid_to": "2010-01-01"}, "/valid_to"),
        ({"category_codes": ["7777"]}, "/category_codes/0"),
        ({"source": " "}, "/source"),
    ],
)
async def test_an_article_that_does_not_say_when_and_whence_is_refused(
    office: Office, author: dict[str, str], changes: dict[str, Any], field: str
) -> None:
    answer = await put(office, author, "relief", {**RELIEF, **changes})

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert await office.rows("knowledge_articles") == []


@pytest.mark.parametrize("missing", ["valid_from", "valid_to", "source"])
async def test_validity_must_be_said(office: Office, author: dict[str, str], missing: str) -> None:
    body = {name: value for name, value in RELIEF.items() if name != missing}

    assert (await put(office, author, "relief", body)).status_code == 422


async def test_articles_are_found_by_day_text_and_category(office: Office, author: dict[str, str]) -> None:
    await put(office, author, "relief-2011", RELIEF)
    await put(office, author, "relief-2026", {**CURRENT, "title": "低保 100%"})
    await put(office, author, "old-age", {**CURRENT, "title": "高龄津贴", "question": "", "category_codes": []})

    assert await codes(office) == ["old-age", "relief-2011", "relief-2026"]
    assert await codes(office, valid_on="2011-06-01") == ["relief-2011"]
    assert await codes(office, valid_on="2026-06-01", text="低保") == ["relief-2026"]
    assert await codes(office, text="100%") == ["relief-2026"]
    assert await codes(office, text="%") == ["relief-2026"]
    assert await codes(office, category_code="01") == ["relief-2011", "relief-2026"]
    assert await codes(office, retired=True) == []
    first = (await office.get("/v1/knowledge", params={"limit": 2})).json()
    rest = (await office.get("/v1/knowledge", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["code"] for item in rest["items"]] == ["relief-2026"]


async def test_only_what_was_seen_is_changed(office: Office, author: dict[str, str]) -> None:
    created = await put(office, author, "relief", CURRENT)
    changed = {**CURRENT, "text": "x"}

    stale = await put(office, author, "relief", changed, If_Match='"v7"')
    fresh = await put(office, author, "relief", changed, If_Match='"v1"')
    same = await put(office, author, "relief", changed)
    unseen = await put(office, author, "new", changed, If_Match='"v1"')

    answers = (created, stale, fresh, same, unseen)
    assert [answer.status_code for answer in answers] == [201, 412, 200, 200, 412]
    assert (created.json()["id"], same.headers["ETag"]) == (fresh.json()["id"], '"v2"')


async def test_an_article_written_twice_at_once_is_one(office: Office, author: dict[str, str]) -> None:
    answers = await asyncio.gather(*(put(office, author, "relief", {**CURRENT, "text": str(n)}) for n in range(3)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert sorted(row["version"] for row in await office.rows("knowledge_versions")) == [1, 2, 3]


async def test_agents_read_and_authors_write(office: Office, author: dict[str, str]) -> None:
    await put(office, author, "relief", CURRENT)
    agent = await office.key("appeals:write")

    read = await office.client.get("/v1/knowledge/relief", headers=agent)
    written = await office.client.put("/v1/knowledge/relief", json=RELIEF, headers=agent)

    assert (read.status_code, written.status_code) == (200, 403)
    assert read.headers["ETag"] == '"v1"'
    assert (await office.get("/v1/knowledge/nothing")).status_code == 404
