"""Appeals that come in without a category: what decides, what waits for an agent, what is kept of their words."""

from typing import Any

import pytest

from tests.integration.intake.classifier_room import SURE, UNSURE, VERSION, Room, room
from tests.integration.intake.office import NAME, PHONE, Office

__all__ = ["room"]


async def stored(office: Office, receipt: dict[str, Any]) -> dict[str, Any]:
    [row] = [row for row in await office.rows("appeal_suggestions") if str(row["appeal_id"]) == receipt["id"]]
    return row


async def first_event(office: Office, receipt: dict[str, Any]) -> dict[str, Any]:
    [row] = [row for row in await office.rows("appeal_events") if str(row["appeal_id"]) == receipt["id"]]
    return row


async def test_the_lexicon_alone_never_accepts(office: Office) -> None:
    receipt = await office.register(category_code=None, title="井盖缺失 井盖 missing manhole cover", description="")

    assert (receipt["status"], receipt["category_code"]) == ("registered", None)
    row = await stored(office, receipt)
    assert (row["source"], row["version"], row["top_code"]) == ("lexicon", None, "0203")
    assert row["suggestions"][0]["words"]
    assert await office.rows("outbox") == []


async def test_a_model_that_is_sure_accepts_and_the_history_says_so(room: Room) -> None:
    await room.activate()

    receipt = await room.register()

    assert (receipt["status"], receipt["category_code"], receipt["urgency"]) == ("awaiting_dispatch", "0101", "P3")
    event = await first_event(room.office, receipt)
    decided = event["details"]["category"]
    assert (event["rules"], decided["by"], decided["version"]) == (["T1", "T10"], "model", VERSION)
    assert (decided["code"], decided["confidence"] >= 0.9) == ("0101", True)
    assert any("垃圾" in word for word in decided["words"])
    published = await room.office.rows("outbox")
    assert {row["data"]["category_code"] for row in published} == {"0101"}


async def test_a_model_that_is_not_sure_leaves_it_to_an_agent(room: Room) -> None:
    await room.activate()

    receipt = await room.register(UNSURE)

    assert (receipt["status"], receipt["category_code"]) == ("registered", None)
    assert (await first_event(room.office, receipt))["details"] == {}
    assert (await stored(room.office, receipt))["source"] == "model"
    assert await room.office.rows("outbox") == []


async def test_a_model_that_is_not_switched_on_decides_nothing(room: Room) -> None:
    assert (await room.register())["status"] == "registered"

    await room.activate()
    assert (await room.register())["status"] == "awaiting_dispatch"

    await room.deactivate()
    assert (await room.register())["status"] == "registered"


async def test_a_category_that_is_given_is_not_second_guessed(room: Room) -> None:
    await room.activate()

    receipt = await room.register(category_code="0203")

    assert receipt["category_code"] == "0203"
    assert await room.office.rows("appeal_suggestions") == []


async def test_a_report_is_always_read_by_a_person_and_none_of_its_words_is_kept(room: Room) -> None:
    await room.activate()

    receipt = await room.register(type="report")

    assert receipt["status"] == "registered"
    row = await stored(room.office, receipt)
    assert (row["top_code"], row["source"]) == ("0101", "model")
    assert all(each["words"] == [] for each in row["suggestions"])
    assert "垃圾" not in str(await room.office.rows("appeal_suggestions"))
    assert "垃圾" not in str(await room.office.rows("appeal_events"))


@pytest.mark.parametrize("switched_on", [True, False])
async def test_no_person_is_named_in_the_words_that_are_kept(room: Room, switched_on: bool) -> None:
    if switched_on:
        await room.activate()

    await room.register(f"{NAME} {PHONE} {UNSURE} 垃圾 井盖")

    kept = str(await room.office.rows("appeal_suggestions")) + str(await room.office.rows("appeal_events"))
    assert NAME not in kept
    assert "1234" not in kept


async def test_a_model_does_not_decide_about_what_it_has_not_learnt(room: Room) -> None:
    """It knows nothing of 1604; the words for it stand in the text."""
    await room.activate()

    receipt = await room.register("廉政 integrity", description=SURE)

    assert receipt["status"] == "registered"
    row = await stored(room.office, receipt)
    assert row["source"] == "model"
    assert "1604" in [each["category_code"] for each in row["suggestions"]]


async def test_a_batch_is_judged_item_by_item(room: Room) -> None:
    await room.activate()
    item = {"type": "complaint", "channel": "web", "description": ""}

    answer = await room.office.post(
        "/v1/appeals/batch",
        {
            "items": [
                {**item, "title": SURE},
                {**item, "title": UNSURE},
                {**item, "title": ""},
                {**item, "title": SURE, "category_code": "0203"},
                {**item, "title": SURE, "category_code": "7777"},
            ]
        },
    )

    results = answer.json()["items"]
    assert [each["status"] for each in results] == ["created", "created", "rejected", "created", "rejected"]
    created = [each["appeal"] for each in results if each["status"] == "created"]
    assert [(each["status"], each["category_code"]) for each in created] == [
        ("awaiting_dispatch", "0101"),
        ("registered", None),
        ("awaiting_dispatch", "0203"),
    ]
    assert len(await room.office.rows("appeal_suggestions")) == 2


async def test_repetition_under_one_key_suggests_once(room: Room) -> None:
    await room.activate()
    body = {"type": "complaint", "channel": "web", "title": SURE}

    first = await room.office.post("/v1/appeals", body, Idempotency_Key="s-1")
    await room.deactivate()
    again = await room.office.post("/v1/appeals", body, Idempotency_Key="s-1")

    assert again.content == first.content
    assert len(await room.office.rows("appeal_suggestions")) == 1


async def test_the_answer_to_a_question_tells_what_would_happen(room: Room) -> None:
    await room.activate()

    sure, unsure = await room.suggest(SURE), await room.suggest(UNSURE)
    report = await room.suggest(SURE, type="report")

    assert (sure["source"], sure["version"], sure["accept_at"]) == ("model", VERSION, 0.9)
    assert [found["below_threshold"] for found in (sure, unsure, report)] == [False, True, True]
    assert sure["suggestions"][0]["category_code"] == "0101"
    assert any("垃圾" in each["word"] for each in sure["suggestions"][0]["words"])
