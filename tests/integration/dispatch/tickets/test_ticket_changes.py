"""Lists and the feed of changes: complete, ordered, walked by cursor, each caller its own."""

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.db import history
from services.dispatch.db.tables_tickets import ticket_events
from services.dispatch.use_cases.open_tickets import open_tickets
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from tests.integration.dispatch.tickets.hall import (
    BURST_PIPE,
    GARBAGE,
    NOBODYS,
    RUBBLE,
    SANITATION,
    START,
    URBAN,
    WATER,
    Hall,
    accepted,
)


async def _feed(hall: Hall, cursor: str | None = None, limit: int = 1000, **headers: Any) -> tuple[list[Any], str]:
    params: dict[str, Any] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    answer = (await hall.get("/v1/changes", headers.get("headers"), **params)).json()
    return answer["items"], answer["next_cursor"]


async def test_a_row_that_was_numbered_early_and_committed_late_is_not_skipped(hall: Hall) -> None:
    may_commit, has_written = asyncio.Event(), asyncio.Event()
    slow, quick = uuid7(), uuid7()

    async def slowly(uow: UnitOfWork) -> None:
        await open_tickets(uow, hall.app.state.workplace, [(slow, accepted())])
        has_written.set()
        await may_commit.wait()

    task = asyncio.create_task(hall.database.transact(slowly))
    await has_written.wait()
    await hall.tell(quick, accepted())
    seen, cursor = await _feed(hall)
    assert seen == []  # the quick one is committed, and held back until the slow one is decided
    may_commit.set()
    await task
    later, _ = await _feed(hall, cursor)
    assert {item["appeal_id"] for item in later} == {str(slow), str(quick)}


async def test_nothing_is_skipped_or_repeated_while_many_commit_at_once(hall: Hall) -> None:
    chance = random.Random(7)
    done = asyncio.Event()
    seen: list[int] = []

    async def write(number: int) -> None:
        for _ in range(number):

            async def work(uow: UnitOfWork) -> None:
                await open_tickets(uow, hall.app.state.workplace, [(uuid7(), accepted())])
                await asyncio.sleep(chance.random() * 0.02)

            await hall.database.transact(work)

    async def read() -> None:
        cursor: str | None = None
        while True:
            finished = done.is_set()
            items, cursor = await _feed(hall, cursor, limit=7)
            seen.extend(item["id"] for item in items)
            if finished and not items:
                return

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(15) for _ in range(6)))
    done.set()
    await reader
    assert len(seen) == len(set(seen)) == 90 == await hall.count(ticket_events)


async def test_the_feed_can_be_replayed_from_the_beginning_and_from_anywhere(hall: Hall) -> None:
    for _ in range(3):
        await hall.work(await hall.open(), "under_review")
    whole, end = await _feed(hall)
    assert len(whole) == 9
    assert await _feed(hall) == (whole, end)
    pieces: list[Any] = []
    cursor: str | None = None
    for _ in range(5):
        items, cursor = await _feed(hall, cursor, limit=2)
        pieces += items
    assert pieces == whole
    assert await _feed(hall, end) == ([], end)


async def test_a_department_sees_in_the_feed_what_came_to_it_and_left_it(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    await hall.open(BURST_PIPE)
    own = hall.departments[SANITATION]
    ticket = await hall.moved(ticket, "return", own, reason_code="duty_wrong", explanation="不属本单位")
    await hall.moved(ticket, "return-decision", hall.office, decision="approve", note="x", department_code=URBAN)
    types = [item["type"] for item in (await _feed(hall, headers=own))[0]]
    assert types == ["ticket.dispatched", "ticket.return_requested", "ticket.return_decided"]
    (arrived,) = (await _feed(hall, headers=hall.departments[URBAN]))[0]
    assert (arrived["type"], arrived["ticket_id"]) == ("ticket.dispatched", ticket["id"])


@pytest.mark.parametrize("path", ["/v1/changes", "/v1/tickets", "/v1/triage"])
@pytest.mark.parametrize("cursor", ["x", "W10", "bm9uc2Vuc2U", "a" * 600])
async def test_a_foreign_cursor_is_refused(hall: Hall, path: str, cursor: str) -> None:
    assert (await hall.get(path, cursor=cursor)).status_code == 422


async def test_the_safe_horizon_is_below_every_running_transaction(hall: Hall) -> None:
    await hall.open()

    async def inside(uow: UnitOfWork) -> list[Any]:
        await open_tickets(uow, hall.app.state.workplace, [(uuid7(), accepted())])
        return await history.changes_since(uow, (0, 0), 100)

    assert len(await hall.database.transact(inside)) == 1
    assert len((await _feed(hall))[0]) == 2


# --- lists ----------------------------------------------------------------------------------------------------


async def _ids(hall: Hall, **params: Any) -> list[str]:
    answer = await hall.get("/v1/tickets", None, **params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_every_filter_narrows_the_list(hall: Hall) -> None:
    garbage = await hall.open(GARBAGE)
    pipe = await hall.open(BURST_PIPE, grid_code="411002002001001")
    lost = await hall.open(NOBODYS)
    assert await _ids(hall) == [lost["id"], pipe["id"], garbage["id"]]
    assert await _ids(hall, appeal_id=pipe["appeal_id"]) == [pipe["id"]]
    assert await _ids(hall, receipt_number=pipe["receipt_number"]) == [pipe["id"]]
    assert await _ids(hall, department_code=WATER) == [pipe["id"]]
    assert await _ids(hall, status="awaiting_dispatch") == [lost["id"]]
    assert await _ids(hall, status=["awaiting_dispatch", "awaiting_acknowledgement"]) != []
    assert await _ids(hall, category_code=GARBAGE) == [garbage["id"]]
    assert await _ids(hall, grid_code="411002002001001") == [pipe["id"]]
    assert await _ids(hall, due_before="2026-03-05T00:00:00Z") == [pipe["id"]]
    assert await _ids(hall, overdue="true") == []
    hall.clock.set(START + timedelta(days=2))
    assert await _ids(hall, overdue="true") == [pipe["id"]]
    assert await _ids(hall, overdue="false") == [lost["id"], garbage["id"]]
    assert await _ids(hall, order="due") == [pipe["id"], garbage["id"]]


@pytest.mark.parametrize("order", ["newest", "due"])
async def test_a_list_is_walked_without_gaps_or_repeats(hall: Hall, order: str) -> None:
    await hall.receive(*(hall.envelope(uuid7(), accepted(GARBAGE)) for _ in range(9)))
    await hall.receive(*(hall.envelope(uuid7(), accepted(RUBBLE)) for _ in range(4)))
    whole = await _ids(hall, order=order, limit=100)
    walked: list[str] = []
    cursor: str | None = None
    while True:
        params = {"order": order, "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await hall.get("/v1/tickets", None, **params)).json()
        walked += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert walked == whole
    assert len(set(whole)) == 13


async def test_triage_shows_the_longest_waiting_first(hall: Hall) -> None:
    first, second = await hall.open(NOBODYS), await hall.open(NOBODYS)
    page = (await hall.get("/v1/triage", None, limit=1)).json()
    assert [item["ticket"]["id"] for item in page["items"]] == [first["id"]]
    rest = (await hall.get("/v1/triage", None, cursor=page["next_cursor"])).json()
    assert [item["ticket"]["id"] for item in rest["items"]] == [second["id"]]
    assert (await hall.get("/v1/triage", hall.departments[URBAN])).status_code == 403


async def test_an_unknown_filter_value_is_refused(hall: Hall) -> None:
    assert (await hall.get("/v1/tickets", None, status="sleeping")).status_code == 422
    assert (await hall.get("/v1/tickets", None, due_before="2026-03-05")).status_code == 422
    assert (await hall.get(f"/v1/tickets/{UUID(int=0)}")).status_code == 404
