"""Staff search finds what its conditions say: before and after indexing, over every page, and nothing of others."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.intake.db import search, search_index
from services.intake.domain.terms import hash_of
from services.intake.use_cases import search_appeals as searching
from services.intake.use_cases.index_appeals import check_index, index_appeals
from services.intake.worker.search_index import SearchIndexer
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from tests.integration.feedback.desk import ticket_dispatched
from tests.integration.intake.office import PHONE, Office

LAMP = "建设路路灯不亮"


async def index(office: Office) -> int:
    return await office.database.transact(lambda uow: index_appeals(uow, limit=1_000))


async def found(office: Office, **filters: Any) -> list[str]:
    answer = await office.get("/v1/appeals", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def every_page(office: Office, **filters: Any) -> list[str]:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await office.get("/v1/appeals", params={**filters, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


@pytest.fixture(params=["before indexing", "after indexing"])
def indexed(request: pytest.FixtureRequest, office: Office) -> Callable[[], Awaitable[None]]:
    """Call it when everything is registered."""

    async def perhaps() -> None:
        if request.param == "after indexing":
            await index(office)

    return perhaps


async def test_words_are_found_in_title_description_and_place(office: Office, indexed: Any) -> None:
    lamp = await office.register(title=LAMP, description="连续三晚全黑", location={"address": "解放路学校门口"})
    await office.register(title="垃圾堆积", description="气味大", location={"address": "和平路"})
    await indexed()

    for words in ("路灯", "灯", "三晚", "学校 路灯", "解放路", "路灯 全黑"):
        assert await found(office, q=words) == [lamp["id"]], words
    for words in ("灯路", "路灯 垃圾", "不亮连续", "?"):
        assert await found(office, q=words) == [], words


async def test_every_filter_narrows_what_words_find(office: Office, indexed: Any) -> None:
    kept = await office.register(
        title=LAMP,
        channel="web",
        type="help",
        category_code="0203",
        urgency="P1",
        location={"grid_code": "411002001002003"},
    )
    other = await office.register(title=LAMP, location={"grid_code": "411003001002003"})
    await indexed()

    assert await found(office, q="路灯") == [other["id"], kept["id"]]
    for name, value in (
        ("channel", "web"),
        ("type", "help"),
        ("category_code", "0203"),
        ("urgency", "P1"),
        ("grid_code", "411002"),
        ("grid_code", "411002001"),
        ("grid_code", "411002001002003"),
    ):
        assert await found(office, q="路灯", **{name: value}) == [kept["id"]], name
        assert await found(office, **{name: value}) == [kept["id"]], name
    assert await found(office, q="路灯", channel="web", grid_code="411003") == []
    assert set(await found(office, q="路灯", mode="committed")) == {kept["id"], other["id"]}


async def test_a_category_finds_those_below_it(office: Office, indexed: Any) -> None:
    below = await office.register(category_code="0101", title=LAMP)
    await office.register(category_code="0203", title=LAMP)
    await indexed()

    assert await found(office, category_code="01") == [below["id"]]
    assert await found(office, category_code="01", q="路灯") == [below["id"]]


async def test_times_of_receipt_and_of_entry_are_two_things(office: Office, indexed: Any) -> None:
    now = office.clock.now()
    late = await office.register(title=LAMP, channel="box", received_at=(now - timedelta(days=3)).isoformat())
    fresh = await office.register(title=LAMP)
    await indexed()
    yesterday = (now - timedelta(days=1)).isoformat()

    for words in ({}, {"q": "路灯"}):
        assert await found(office, received_to=yesterday, **words) == [late["id"]]
        assert await found(office, received_from=yesterday, **words) == [fresh["id"]]
        assert set(await found(office, created_from=yesterday, **words)) == {late["id"], fresh["id"]}
        assert await found(office, created_to=yesterday, **words) == []


async def test_state_and_department_are_those_of_now(office: Office, indexed: Any) -> None:
    sent = await office.register(title=LAMP)
    kept = await office.register(title=LAMP)
    await indexed()
    await office.tell(sent["id"], ticket_dispatched(department_code="muni"))

    assert await found(office, q="路灯", department_code="muni") == [sent["id"]]
    assert await found(office, q="路灯", status="awaiting_dispatch") == [kept["id"]]
    assert await found(office, q="路灯", status="awaiting_acknowledgement", department_code="muni") == [sent["id"]]
    assert await found(office, channel="phone", department_code="sani") == []


async def test_many_of_a_state_are_found_through_the_index(
    office: Office, indexed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 2)
    lamps = [(await office.register(title=LAMP))["id"] for _ in range(4)][::-1]
    for _ in range(2):
        await office.register(title="垃圾堆积")
    await indexed()
    await office.tell(lamps[0], ticket_dispatched(department_code="muni"))

    assert await found(office, q="路灯", status="awaiting_dispatch") == lamps[1:]


async def test_a_department_finds_only_its_own(office: Office, indexed: Any) -> None:
    mine, other = await office.register(title=LAMP), await office.register(title=LAMP)
    await indexed()
    await office.tell(mine["id"], ticket_dispatched(department_code="muni"))
    await office.tell(other["id"], ticket_dispatched(department_code="parks"))
    key = await office.key("appeals:read", department_code="muni")

    for filters in ({"q": "路灯"}, {"q": "路灯", "channel": "phone"}, {"department_code": "muni"}):
        answer = await office.get("/v1/appeals", params=filters, headers=key)
        assert [item["id"] for item in answer.json()["items"]] == [mine["id"]]
    answer = await office.get("/v1/appeals", params={"department_code": "parks", "q": "路灯"}, headers=key)
    assert answer.json()["items"] == []


async def test_a_phone_number_is_combined_with_other_conditions(office: Office, indexed: Any) -> None:
    lamp = await office.register(title=LAMP)
    await office.register(title="垃圾堆积")
    await office.register(title=LAMP, reporter={"phone": "13900001111"})
    await indexed()

    answer = await office.post("/v1/appeals/search", {"phone": PHONE, "q": "路灯", "category_code": "01"})

    assert [item["id"] for item in answer.json()["items"]] == [lamp["id"]]


async def test_an_e_mail_address_is_found_by_its_hash(office: Office) -> None:
    lamp = await office.register(title=LAMP, reporter={"email": "Ming@Example.org"})
    await office.register(title=LAMP, reporter={"email": "other@example.org"})

    answer = await office.post("/v1/appeals/search", {"email": "ming@example.org", "q": "路灯"})
    assert [item["id"] for item in answer.json()["items"]] == [lamp["id"]]
    assert (await office.post("/v1/appeals/search", {"email": "nobody"})).status_code == 422


async def test_a_search_by_person_leaves_a_trace_on_what_it_finds(office: Office) -> None:
    lamp = await office.register(title=LAMP)
    await office.register(title="垃圾堆积", reporter={"phone": "13900001111"})

    await office.post("/v1/appeals/search", {"q": "垃圾"})
    assert await office.rows("pii_access_log") == []
    await office.post("/v1/appeals/search", {"phone": PHONE})
    assert [(str(row["appeal_id"]), row["kind"]) for row in await office.rows("pii_access_log")] == [
        (lamp["id"], "search")
    ]


async def test_a_report_is_never_found_by_its_words(office: Office, indexed: Any) -> None:
    report = await office.register(type="report", title=LAMP, category_code="1604")
    await indexed()

    assert await found(office, q="路灯") == []
    assert await found(office, type="report") == [report["id"]]


async def test_what_is_masked_is_not_found(office: Office, indexed: Any) -> None:
    lamp = await office.register(title=LAMP, description="请打 138 1234 5678 找欧阳明珠")
    await indexed()

    assert await found(office, q="欧阳明珠") == []
    assert await found(office, q="13812345678") == []
    assert await found(office, q="路灯 请打") == [lamp["id"]]


@pytest.mark.parametrize("filters", [{"q": "路灯"}, {"q": "路灯", "status": "awaiting_dispatch"}, {"channel": "phone"}])
async def test_pages_over_segments_hold_everything_once_and_in_order(
    office: Office, filters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last ones are not indexed yet, and the segments' times overlap as after an import of history."""
    monkeypatch.setattr("services.intake.use_cases.index_appeals.APPEALS_PER_SEGMENT", 3)
    expected = []
    for number in range(14):
        expected.append((await office.register(title=f"{LAMP}{number}"))["id"])
        if number in {4, 10}:
            await index(office)
        office.clock.advance(timedelta(minutes=-7 if number % 5 == 0 else 3))
    by_time = {str(row["id"]): (row["created_at"], row["id"]) for row in await office.rows("appeals")}

    assert await every_page(office, limit=2, **filters) == sorted(expected, key=lambda id_: by_time[id_], reverse=True)
    assert len(await office.rows("search_segments")) > 2


async def test_a_page_that_ends_early_leads_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for, only so many appeals are looked at for one page."""
    monkeypatch.setattr(searching, "_MOST_LOOKED_AT", 3)
    monkeypatch.setattr(searching, "_GROWTH", 1)
    monkeypatch.setattr(search, "FEW", 2)
    first = await office.register(title=LAMP)
    for _ in range(8):
        await office.tell((await office.register(title=LAMP))["id"], ticket_dispatched(department_code="muni"))
    for _ in range(2):
        await office.register(title="垃圾堆积")
    await index(office)
    filters = {"q": "路灯", "status": "awaiting_dispatch", "limit": 1}

    page = (await office.get("/v1/appeals", params=filters)).json()

    assert page["items"] == []
    assert page["next_cursor"] is not None
    assert await every_page(office, **filters) == [first["id"]]


async def test_a_changed_appeal_is_found_as_it_is_now(office: Office) -> None:
    lamp = await office.register(title=LAMP)
    await index(office)

    async def change(uow: UnitOfWork) -> None:
        statement = "UPDATE intake.appeals SET title = '井盖缺失', category_code = '0203' WHERE id = :id"
        await uow.connection.execute(sa.text(statement), {"id": UUID(lamp["id"])})

    await office.database.transact(change)
    for _ in ("queued", "indexed"):
        assert await found(office, q="井盖", channel="phone") == [lamp["id"]]
        assert await found(office, q="路灯", channel="phone") == []
        assert await found(office, category_code="01", channel="phone") == []
        await index(office)
    assert await office.rows("search_queue") == []
    assert len(await office.rows("appeal_search")) == 1


async def test_a_deleted_appeal_leaves_the_index(office: Office) -> None:
    lamp = await office.register(title=LAMP)
    await index(office)

    async def delete(uow: UnitOfWork) -> None:
        await uow.connection.execute(sa.text("DELETE FROM intake.appeals WHERE id = :id"), {"id": UUID(lamp["id"])})

    await office.database.transact(delete)
    assert await office.rows("appeal_search") == []


async def test_indexing_twice_writes_nothing_more(office: Office) -> None:
    await office.register(title=LAMP)

    assert [await index(office), await index(office)] == [1, 0]
    [segment] = await office.rows("search_segments")
    assert segment["appeals"] == 1


async def test_the_line_below_which_nothing_is_missing_waits_for_open_transactions(office: Office) -> None:
    """An id drawn long ago may still be committed by a transaction that is open: it must not be passed by."""
    begun = office.database.transact
    older: list[bool] = []

    async def slow(uow: UnitOfWork) -> None:
        before = (
            await uow.connection.execute(
                sa.text("SELECT xact_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
            )
        ).scalar_one()
        settled = await office.database.transact(lambda inner: search_index.settled_before(inner.connection))
        older.append(settled <= before - timedelta(seconds=search_index.MARGIN_SECONDS))

    await begun(slow)
    assert older == [True]


async def test_an_appeal_committed_after_younger_ones_is_indexed_all_the_same(office: Office) -> None:
    early = uuid7()
    await office.register(title=LAMP)
    await index(office)
    changed = "(jsonb_populate_record(t, jsonb_build_object({changes}))).*"
    copied = f"INSERT INTO intake.{{table}} SELECT {changed} FROM intake.{{table}} t"

    async def commit_late(uow: UnitOfWork) -> None:
        for table, changes in (
            ("appeals", "'id', CAST(:id AS text), 'receipt_number', 'late'"),
            ("progress", "'appeal_id', CAST(:id AS text)"),
        ):
            statement = sa.text(copied.format(table=table, changes=changes))
            await uow.connection.execute(statement, {"id": str(early)})

    await office.database.transact(commit_late)

    assert str(early) in await found(office, q="路灯")
    assert await index(office) == 1


async def test_the_check_finds_lost_and_outdated_rows(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await office.register(title=LAMP)
    await index(office)
    lost = (await office.rows("appeal_search"))[0]["appeal_id"]

    async def lose(uow: UnitOfWork) -> None:
        await uow.connection.execute(sa.text("DELETE FROM intake.appeal_search WHERE appeal_id = :id"), {"id": lost})
        await uow.connection.execute(sa.text("UPDATE intake.search_state SET indexed_through = :id"), {"id": uuid7()})

    await office.database.transact(lose)
    assert await index(office) == 0
    assert await office.database.transact(lambda uow: check_index(uow, limit=100)) == (None, 1)
    monkeypatch.setattr(search_index, "ALGORITHM", search_index.ALGORITHM + 1)
    assert await office.database.transact(lambda uow: check_index(uow, limit=100)) == (None, 3)
    assert len(await found(office, q="路灯")) == 3


async def test_the_worker_indexes_checks_and_samples_in_one_step(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "FEWEST_TO_SAMPLE", 5)
    for _ in range(5):
        await office.register(title=LAMP)

    assert await SearchIndexer(office.database).step() is False
    assert len(await office.rows("appeal_search")) == 5
    shares = {row["term"]: row["share"] for row in await office.rows("common_terms")}
    assert shares[hash_of("路灯")] == 1.0


@pytest.mark.parametrize(
    "filters",
    [
        {"q": "字" * 201},
        {"grid_code": "4110"},
        {"channel": "pigeon"},
        {"received_from": "yesterday"},
        {"urgency": "P9"},
    ],
)
async def test_a_condition_that_cannot_be_read_is_refused(office: Office, filters: dict[str, Any]) -> None:
    assert (await office.get("/v1/appeals", params=filters)).status_code == 422
