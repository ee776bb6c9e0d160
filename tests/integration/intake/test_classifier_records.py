"""Which records a model may learn from: those whose category a person has set or confirmed, and never a report."""

from typing import Any

import pytest

from deploy.classifier.records import gather
from services.intake.db.suggestions import Record
from services.intake.domain.categories import Category
from services.intake.use_cases.load_categories import load_categories
from services.intake.use_cases.switch_classifier import confirmed_records, read_tree
from shared.vocabulary import HandlingMode, Urgency
from tests.integration.intake.classifier_room import Room, room
from tests.integration.intake.office import NAME, PHONE, Office

__all__ = ["room"]


async def records(office: Office, most: int = 100) -> list[Record]:
    return await office.database.transact(lambda uow: confirmed_records(uow, most=most))


async def learnt(office: Office) -> list[tuple[str, str]]:
    return [(record.title, record.category_code) for record in await records(office)]


async def recategorize(office: Office, receipt: dict[str, Any], code: str) -> None:
    body = {"category_code": code, "reason": "it is about the cover"}
    answer = await office.post(f"/v1/appeals/{receipt['id']}/recategorize", body)
    assert answer.status_code == 200, answer.text


async def test_a_category_an_agent_entered_is_learnt(office: Office) -> None:
    await office.register(title="甲", channel="phone")

    assert await learnt(office) == [("甲", "0101")]


async def test_a_category_citizens_chose_themselves_is_not(office: Office) -> None:
    for channel in ("web", "app", "wechat"):
        await office.register(title="甲", channel=channel)

    assert await learnt(office) == []


async def test_a_category_an_agent_gave_on_the_review_list_is(office: Office) -> None:
    receipt = await office.register(title="甲", channel="web", category_code=None)
    assert await learnt(office) == []

    await recategorize(office, receipt, "0203")

    assert await learnt(office) == [("甲", "0203")]


async def test_what_an_agent_corrected_is_learnt_as_corrected(office: Office) -> None:
    receipt = await office.register(title="甲", channel="web", category_code="0101")

    await recategorize(office, receipt, "0203")

    assert await learnt(office) == [("甲", "0203")]


async def test_another_urgency_confirms_no_category(office: Office) -> None:
    receipt = await office.register(title="甲", channel="web")
    body = {"urgency": "P2", "reason": "many people"}

    assert (await office.post(f"/v1/appeals/{receipt['id']}/recategorize", body)).status_code == 200

    assert await learnt(office) == []


async def test_a_model_does_not_learn_from_itself(room: Room) -> None:
    await room.activate()
    receipt = await room.register(channel="phone")
    assert receipt["status"] == "awaiting_dispatch"
    assert await records(room.office) == []

    await recategorize(room.office, receipt, "0203")

    assert [record.category_code for record in await records(room.office)] == ["0203"]


async def test_a_report_is_never_learnt(office: Office) -> None:
    await office.register(title="甲", channel="phone", type="report")

    assert await records(office) == []


async def test_only_the_public_wording_is_learnt(office: Office) -> None:
    await office.register(title=f"{NAME}报修", description=f"电话{PHONE}", channel="phone")

    [record] = await records(office)

    assert NAME not in record.title
    assert "1234" not in record.description


async def test_the_newest_come_first_over_any_number_of_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.intake.use_cases.switch_classifier.PAGE", 2)
    titles = [f"第{number}件" for number in range(5)]
    for title in titles:
        await office.register(title=title, channel="phone")

    assert [title for title, _ in await learnt(office)] == titles[::-1]
    assert [record.title for record in await records(office, most=3)] == titles[:1:-1]


async def test_examples_carry_todays_category(office: Office) -> None:
    retired = Category(
        "0203", "Missing manhole cover", "井盖缺失", urgency=Urgency.P1, mode=HandlingMode.COMMITTED, level=1,
        retired=True, successor_code="0101",
    )  # fmt: skip
    await office.register(title="甲", channel="phone", category_code="0203")
    await office.register(title="乙", channel="phone", category_code="1604", type="complaint", mode="committed")
    gone = Category("1604", "Integrity", "廉政", urgency=Urgency.P3, level=1, retired=True)
    await office.database.transact(lambda uow: load_categories(uow, [retired, gone]))

    tree = await office.database.transact(read_tree)
    gathered = gather(await records(office), tree)

    assert [(each.question.title, each.label) for each in gathered.examples] == [("甲", "0101")]
    assert gathered.left_out == 1


async def test_a_record_that_only_repeats_the_name_of_its_category_teaches_nothing(office: Office) -> None:
    await office.register(title="Exposed garbage", description="", channel="phone")
    await office.register(title="暴露垃圾", description="", channel="phone")
    await office.register(title="暴露垃圾", description="三天没人收", channel="phone")

    tree = await office.database.transact(read_tree)
    gathered = gather(await records(office), tree)

    assert ([each.question.description for each in gathered.examples], gathered.left_out) == (["三天没人收"], 2)
