"""POST /v1/appeals/csv: a table of letters or cards, a result per line, and the same as a table."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.integration.intake.office import Office

BOX = (
    "type,title,category_code,location_id,found_at,received_at,name,phone\n"
    "complaint,垃圾堆积,0101,,2026-02-28 17:30,2026-03-01 09:00,王小明,13812345678\n"
    "complaint,=1+1,7777,,,,,\n"
    "complaint,Late,0101,,2026-03-01 17:30,2026-02-28,,\n"
    "complaint,Odd,0101,,soon,,,\n"
    "complaint,Fine,0101,,,,,\n"
)


async def send(office: Office, body: str | bytes, kind: str = "box", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body.encode() if isinstance(body, str) else body
    return await office.client.post(
        f"/v1/appeals/csv?kind={kind}",
        content=content,
        headers={**office.headers, "Content-Type": "text/csv; charset=utf-8", **named},
    )


async def test_each_line_is_judged_by_itself_and_errors_name_line_and_column(office: Office) -> None:
    answer = await send(office, BOX)

    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert (result["created"], result["rejected"]) == (2, 3)
    told = [
        (item["line"], item["status"], [(e["line"], e["column"]) for e in (item["problem"] or {}).get("errors", [])])
        for item in result["items"]
    ]
    assert told == [
        (2, "created", []),
        (3, "rejected", [(3, "category_code")]),
        (4, "rejected", [(4, "found_at")]),
        (5, "rejected", [(5, "found_at")]),
        (6, "created", []),
    ]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_line_is_registered_as_a_request_would_be(office: Office) -> None:
    [item, *_] = (await send(office, BOX)).json()["items"]

    view = (await office.get(f"/v1/appeals/{item['id']}")).json()
    assert (view["channel"], view["status"], view["reporter"]["name"]) == ("box", "awaiting_dispatch", "王**")
    assert view["channel_details"] == {"entered_via": "csv", "found_at": "2026-02-28T09:30:00+00:00"}
    assert view["received_at"].startswith("2026-03-01T01:00:00")
    assert (await office.progress(item))["status"] == "awaiting_dispatch"


async def test_the_answer_as_a_table_holds_no_formula(office: Office) -> None:
    answer = await send(office, BOX, Accept="text/csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["line"], row["status"], row["title"]) for row in rows] == [
        ("2", "created", "垃圾堆积"),
        ("3", "rejected", "'=1+1"),
        ("4", "rejected", "Late"),
        ("5", "rejected", "Odd"),
        ("6", "created", "Fine"),
    ]
    assert (rows[1]["column"], rows[0]["access_code"] != "") == ("category_code", True)


async def test_gb18030_is_read_when_it_is_declared_and_told_when_it_is_not(office: Office) -> None:
    table = "诉求类型,标题,分类代码\n建议,增设路灯,0101\n".encode("gb18030")

    fine = await send(office, table, "book", Content_Type="text/csv; charset=GB18030")
    undeclared = await send(office, table, "book")

    assert fine.json()["created"] == 1
    assert undeclared.status_code == 422
    assert "line 1 is not utf-8" in undeclared.text
    [row] = await office.rows("appeals")
    assert (row["title"], row["type"], row["channel"]) == ("增设路灯", "suggestion", "book")


async def test_the_same_table_again_gets_the_same_reply(office: Office) -> None:
    first = await send(office, BOX, Idempotency_Key="t-1")
    again = await send(office, BOX, Idempotency_Key="t-1")
    as_table = await send(office, BOX, Idempotency_Key="t-1", Accept="text/csv")

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == as_table.headers["Idempotent-Replayed"] == "true"
    assert len(await office.rows("appeals")) == 2


@pytest.mark.parametrize(
    ("body", "headers", "kind", "status"),
    [
        ("title\nx\n", {"Content_Type": "application/json"}, "box", 415),
        ("title\nx\n", {"Content_Type": "text/csv; charset=utf-7"}, "box", 422),
        ("title\nx\n", {}, "letter", 422),
        ("colour\nx\n", {}, "box", 422),
        ("title\n" + "x\n" * 501, {}, "box", 422),
        ("", {}, "box", 422),
        ("title\n" + "x" * 9_000_000, {}, "box", 413),
    ],
)
async def test_what_is_no_table_of_ours_is_refused_as_a_whole(
    shut_office: Office, body: str, headers: dict[str, str], kind: str, status: int
) -> None:
    answer = await send(shut_office, body, kind, **headers)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await shut_office.rows("appeals") == []


async def test_five_hundred_lines_are_registered_at_once(office: Office) -> None:
    answer = await send(office, "type,title\n" + "".join(f"other,Matter {n}\n" for n in range(500)))

    assert (answer.json()["created"], len(await office.rows("appeals"))) == (500, 500)


async def test_who_may_not_write_gets_no_table_in(shut_office: Office) -> None:
    reader = await shut_office.key("appeals:read")
    answer = await shut_office.client.post(
        "/v1/appeals/csv?kind=box", content=b"title\nx\n", headers={**reader, "Content-Type": "text/csv"}
    )

    assert answer.status_code == 403


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_template_comes_back_as_an_appeal(office: Office, lang: str) -> None:
    template = await office.get(f"/v1/appeals/csv-template?kind=card&lang={lang}")
    assert template.headers["content-type"].startswith("text/csv")
    await office.client.put(
        "/v1/entry-points/B-01", json={"kind": "card_stand", "name": "Stand"}, headers=office.headers
    )

    answer = await send(office, template.content, "card")

    assert answer.json()["created"] == 1, answer.text


SURVEY: dict[str, Any] = {
    "title": "群众满意度调查",
    "category_code": "0101",
    "fields": [
        {"key": "road", "label": "道路", "kind": "choice", "choices": ["满意", "不满意"], "required": True},
        {"key": "uses", "label": "出行", "kind": "multiple", "choices": ["公交", "步行", "驾车"]},
        {"key": "score", "label": "评分", "kind": "scale"},
        {"key": "wish", "label": "意见", "kind": "opinion"},
    ],
}


async def surveyed(office: Office, **changes: Any) -> None:
    answer = await office.client.put("/v1/surveys/S-1", json={**SURVEY, **changes}, headers=office.headers)
    assert answer.status_code in {200, 201}, answer.text


def card(number: str, **answers: Any) -> dict[str, Any]:
    return {"card_number": number, "answers": answers}


async def test_cards_are_counted_and_opinions_become_suggestions(office: Office) -> None:
    await surveyed(office)
    cards = [
        card("1", road="满意", uses=["公交", "步行"], score=8, wish="多设路灯 13812345678"),
        card("2", road="不满意", uses=["公交"], score=4),
        card("3", road="满意", score="high"),
        card("1", road="满意"),
    ]

    answer = await office.post("/v1/surveys/S-1/answers", {"items": cards})

    items = answer.json()["items"]
    assert [(item["card_number"], item["status"]) for item in items] == [
        ("1", "created"),
        ("2", "created"),
        ("3", "rejected"),
        ("1", "rejected"),
    ]
    assert items[2]["problem"]["errors"][0]["field"] == "/answers/score"
    assert items[3]["problem"]["code"] == "card_on_record"
    [appeal] = await office.rows("appeals")
    assert (appeal["type"], appeal["channel"], appeal["category_code"]) == ("suggestion", "survey", "0101")
    assert appeal["channel_details"] == {"survey_id": "S-1", "card_number": "1"}
    assert (appeal["description"], items[0]["id"]) == ("多设路灯 [phone]", str(appeal["id"]))
    results = (await office.get("/v1/surveys/S-1/results")).json()
    assert (results["cards"], results["opinions"]) == (2, 1)
    road, uses, score, wish = results["fields"]
    assert road["counts"] == [{"answer": "满意", "cards": 1}, {"answer": "不满意", "cards": 1}]
    assert [count["cards"] for count in uses["counts"]] == [2, 1, 0]
    assert (score["mean"], wish["counts"]) == (6.0, [])


async def test_a_card_is_entered_once(office: Office) -> None:
    await surveyed(office)
    body = {"items": [card("1", road="满意", wish="more lamps")]}
    first = await office.post("/v1/surveys/S-1/answers", body, Idempotency_Key="c-1")
    replay = await office.post("/v1/surveys/S-1/answers", body, Idempotency_Key="c-1")
    again = await office.post("/v1/surveys/S-1/answers", body)

    assert replay.content == first.content
    assert again.json()["items"][0]["problem"]["code"] == "card_on_record"
    assert len(await office.rows("appeals")) == 1


async def test_no_answer_is_stored_with_the_opinion_in_it(office: Office) -> None:
    await surveyed(office)
    await office.post("/v1/surveys/S-1/answers", {"items": [card("1", road="满意", wish="my neighbour Zhao")]})

    assert "Zhao" not in str(await office.rows("survey_answers"))


async def test_a_retired_survey_takes_no_more_cards(office: Office) -> None:
    await surveyed(office)
    await surveyed(office, retired=True)

    answer = await office.post("/v1/surveys/S-1/answers", {"items": [card("1", road="满意")]})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fields": []}, "/fields"),
        ({"category_code": "7777"}, "/category_code"),
        ({"fields": [{"key": "a", "label": "A", "kind": "choice"}]}, "/fields/0/choices"),
        ({"fields": [{"key": "1a", "label": "A", "kind": "text"}]}, "/fields/0/key"),
    ],
)
async def test_a_survey_that_cannot_be_is_refused(shut_office: Office, changes: dict[str, Any], field: str) -> None:
    answer = await shut_office.client.put("/v1/surveys/S-1", json={**SURVEY, **changes}, headers=shut_office.headers)

    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_survey_cards_can_come_as_a_table_of_suggestions(office: Office) -> None:
    await surveyed(office)

    answer = await send(office, "survey_id,card_number,title\nS-1,7,More lamps\nS-2,8,More trees\n", "survey")

    assert [item["status"] for item in answer.json()["items"]] == ["created", "rejected"]
    assert answer.json()["items"][1]["problem"]["errors"][0]["column"] == "survey_id"
