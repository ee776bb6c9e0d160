"""Switching models on and off while the service runs, and what happens when one cannot be used."""

from typing import Any

import pytest

from services.intake.domain.categories import Category
from services.intake.suggestion.advisor import Advisor
from services.intake.use_cases.load_categories import load_categories
from services.intake.use_cases.switch_classifier import CategoriesLost, activate_classifier
from shared.errors import NotFound
from shared.vocabulary import HandlingMode, Urgency
from tests.integration.intake.classifier_room import LAMPS, VERSION, Room, room
from tests.support.polling import eventually

__all__ = ["room"]


async def ready(room: Room) -> dict[str, Any]:
    answer = await room.office.get("/readyz")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def retire(room: Room, code: str, successor: str | None) -> None:
    category = {"0204": LAMPS}[code]
    retired = Category(
        code, category.name, category.name_zh, urgency=Urgency.P3, mode=HandlingMode.COMMITTED, level=1, retired=True,
        successor_code=successor,
    )  # fmt: skip
    await room.office.database.transact(lambda uow: load_categories(uow, [retired]))
    room.office.desk.catalogue.forget()


async def test_a_running_service_follows_within_seconds(room: Room) -> None:
    assert (await room.suggest())["source"] == "lexicon"
    switch = room.office.database.transact
    await switch(lambda uow: activate_classifier(uow, VERSION, actor="test"))

    async def follows() -> bool:
        return str((await room.suggest())["source"]) == "model"

    followed: bool = await eventually(follows, timeout=5)
    assert followed


async def test_each_switch_stays_on_record(room: Room) -> None:
    await room.activate()
    await room.activate()
    await room.deactivate()

    assert [row["version"] for row in await room.office.rows("classifier_switches")] == [VERSION, None]


async def test_a_version_that_is_not_there_cannot_be_switched_on(room: Room) -> None:
    with pytest.raises(NotFound):
        await room.office.database.transact(lambda uow: activate_classifier(uow, "20260101-000000", actor="test"))


async def test_a_model_whose_category_is_gone_cannot_be_switched_on(room: Room) -> None:
    await retire(room, "0204", None)

    with pytest.raises(CategoriesLost, match="0204"):
        await room.activate()
    assert await room.office.rows("classifier_switches") == []


async def test_what_a_retired_category_was_for_is_suggested_as_its_successor(room: Room) -> None:
    await retire(room, "0204", "0101")
    await room.activate()

    found = await room.suggest("建设路7号路灯不亮，夜间漆黑，灯杆")

    assert found["suggestions"][0]["category_code"] == "0101"


async def test_a_category_that_is_retired_later_is_not_suggested_any_more(room: Room) -> None:
    await room.activate()
    text = "建设路7号路灯不亮，夜间漆黑，灯杆"
    assert (await room.suggest(text))["suggestions"][0]["category_code"] == "0204"

    await retire(room, "0204", None)

    assert "0204" not in [each["category_code"] for each in (await room.suggest(text))["suggestions"]]


@pytest.mark.parametrize("file", ["model.json", "weights.npz"])
async def test_a_file_that_was_tampered_with_is_not_used(room: Room, file: str) -> None:
    path = room.directory / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    await room.activate()

    found = await room.suggest()
    receipt = await room.register()

    assert (found["source"], receipt["status"]) == ("lexicon", "registered")
    state = await ready(room)
    assert (state["status"], state["missing"]) == ("degraded", ["classifier"])


async def test_files_that_are_missing_show_before_anybody_asks(room: Room) -> None:
    (room.directory / "model.json").unlink()
    assert (await ready(room))["status"] == "ready"

    await room.activate()

    assert (await ready(room))["missing"] == ["classifier"]


async def test_files_that_come_back_are_used_after_a_while(room: Room) -> None:
    now = [0.0]
    room.office.app.state.desk.advisor._monotonic = lambda: now[0]
    hidden = room.directory.with_name("elsewhere")
    room.directory.rename(hidden)
    await room.activate()
    assert (await room.suggest())["source"] == "lexicon"

    hidden.rename(room.directory)

    assert (await room.suggest())["source"] == "lexicon"
    now[0] += 31
    assert (await room.suggest())["source"] == "model"
    assert (await ready(room))["status"] == "ready"


async def test_nothing_is_read_before_the_first_question(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await room.activate()
    made: list[str] = []
    real = Advisor._made

    def note(self: Advisor, *given: Any) -> Any:
        made.append("made")
        return real(self, *given)

    monkeypatch.setattr(Advisor, "_made", note)

    await room.office.register()
    await ready(room)
    assert made == []

    await room.suggest()
    await room.suggest()
    assert made == ["made"]


async def test_switches_are_never_rewritten(room: Room) -> None:
    await room.activate()

    async def rewrite(uow: Any) -> None:
        from sqlalchemy import text

        await uow.connection.execute(text("UPDATE intake.classifier_switches SET version = NULL"))

    with pytest.raises(Exception, match="never changed"):
        await room.office.database.transact(rewrite)
