"""Pulling: each ticket to one puller at a time, offered until it is moved, and waiting that is woken."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from services.dispatch.use_cases.workplace import offers_topic
from shared.ids import uuid7
from tests.integration.dispatch.tickets.hall import (
    BURST_PIPE,
    DEPARTMENT_SCOPES,
    GARBAGE,
    SANITATION,
    URBAN,
    WATER,
    Hall,
    accepted,
)
from tests.support.polling import eventually


async def _open_many(hall: Hall, number: int) -> None:
    await hall.receive(*(hall.envelope(uuid7(), accepted(GARBAGE)) for _ in range(number)))


async def test_twenty_pullers_at_once_never_get_the_same_ticket(hall: Hall) -> None:
    await _open_many(hall, 100)
    answers = await asyncio.gather(*(hall.pull(max=7) for _ in range(20)))
    pulled = [item["ticket"]["id"] for items in answers for item in items]
    assert len(pulled) == len(set(pulled)) == 100
    tokens = {item["lease"]["token"] for items in answers for item in items}
    assert len(tokens) == 100


async def test_a_department_gets_only_its_own(hall: Hall) -> None:
    await hall.open(GARBAGE)
    assert await hall.pull(URBAN) == []
    assert len(await hall.pull(SANITATION)) == 1


async def test_the_most_urgent_and_first_due_comes_first(hall: Hall) -> None:
    old = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=1))
    new = await hall.open(GARBAGE)
    (first,) = await hall.pull(max=1)
    assert first["ticket"]["id"] == old["id"]
    urgent = await hall.open(GARBAGE, urgency="P2")
    items = await hall.pull(max=10)
    assert [item["ticket"]["id"] for item in items] == [urgent["id"], new["id"]]
    assert await hall.pull(WATER) == []
    await hall.open(BURST_PIPE)
    assert len(await hall.pull(WATER)) == 1


async def test_a_lease_that_ends_is_offered_again(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    (first,) = await hall.pull(lease_seconds=30)
    assert first["lease"]["expires_at"] == "2026-03-02T01:00:30Z"
    assert await hall.pull() == []
    hall.clock.advance(timedelta(seconds=30))
    (second,) = await hall.pull(lease_seconds=30)
    assert second["ticket"]["id"] == ticket["id"]
    assert second["lease"]["token"] != first["lease"]["token"]


@pytest.mark.parametrize("move", ["acknowledge", "return"])
async def test_a_ticket_that_was_moved_is_offered_no_more(hall: Hall, move: str) -> None:
    ticket = await hall.open(GARBAGE)
    await hall.pull(lease_seconds=5)
    body = {} if move == "acknowledge" else {"reason_code": "duty_wrong", "explanation": "不属本单位"}
    await hall.moved(ticket, move, hall.departments[SANITATION], **body)
    hall.clock.advance(timedelta(seconds=10))
    assert await hall.pull() == []


async def test_an_automatic_acknowledgement_leaves_it_on_offer(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=2))
    while await hall.sweep.sweep():
        pass
    (item,) = await hall.pull()
    assert (item["ticket"]["id"], item["ticket"]["status"]) == (ticket["id"], "in_progress")


async def _timed_pull(hall: Hall, **body: Any) -> tuple[list[dict[str, Any]], float]:
    started = time.perf_counter()
    items = await hall.pull(**body)
    return items, time.perf_counter() - started


async def _waiting(hall: Hall, number: int, department: str = SANITATION) -> None:
    desk = hall.app.state.pull_desk
    await eventually(lambda: len(desk._lines.get(department, ())) == number)


async def test_a_waiting_puller_is_woken_by_a_hint(hall: Hall) -> None:
    """With the poll far away, only the hint can have woken it."""

    async def never() -> None: ...

    hall.app.state.pull_desk._poll = never
    puller = asyncio.create_task(_timed_pull(hall, wait_seconds=20))
    await _waiting(hall, 1)
    await hall.open(GARBAGE)
    items, seconds = await puller
    assert len(items) == 1
    assert seconds < 5


async def test_a_waiting_puller_is_served_when_every_hint_is_lost(hall: Hall) -> None:
    class Silent:
        def signal(self, topic: str) -> None: ...

    hall.app.state.workplace.wake = Silent()
    puller = asyncio.create_task(_timed_pull(hall, wait_seconds=20))
    await _waiting(hall, 1)
    await hall.open(GARBAGE)
    items, seconds = await puller
    assert len(items) == 1
    assert seconds < 10


async def test_a_lease_that_ends_reaches_who_waits(hall: Hall) -> None:
    await hall.open(GARBAGE)
    await hall.pull(lease_seconds=5)
    puller = asyncio.create_task(hall.pull(wait_seconds=20))
    await _waiting(hall, 1)
    hall.clock.advance(timedelta(seconds=5))
    assert len(await puller) == 1


async def test_one_batch_serves_a_whole_line_of_waiting_pullers(hall: Hall) -> None:
    pullers = [asyncio.create_task(hall.pull(max=1, wait_seconds=20)) for _ in range(10)]
    await _waiting(hall, 10)
    await _open_many(hall, 10)
    answers = await asyncio.gather(*pullers)
    assert sorted(len(items) for items in answers) == [1] * 10
    assert len({items[0]["ticket"]["id"] for items in answers}) == 10


async def test_waiting_costs_the_database_nothing_but_one_poll(hall: Hall) -> None:
    desk = hall.app.state.pull_desk
    pullers = [asyncio.create_task(hall.pull(max=1, wait_seconds=1.5)) for _ in range(40)]
    await _waiting(hall, 40)
    taken: list[object] = []
    take = desk._take

    async def counting(wish: object) -> object:
        taken.append(wish)
        return await take(wish)

    desk._take = counting
    assert all(items == [] for items in await asyncio.gather(*pullers))
    assert taken == []


async def test_a_wait_that_ends_answers_with_nothing(hall: Hall) -> None:
    items, seconds = await _timed_pull(hall, wait_seconds=0.3)
    assert items == []
    assert 0.25 <= seconds < 5


async def test_a_puller_who_hung_up_takes_nothing_from_the_next(hall: Hall) -> None:
    gone = asyncio.create_task(hall.pull(max=10, wait_seconds=20))
    await _waiting(hall, 1)
    staying = asyncio.create_task(hall.pull(max=10, wait_seconds=20))
    await _waiting(hall, 2)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await hall.open(GARBAGE)
    assert len(await staying) == 1


async def test_the_topic_names_the_department() -> None:
    assert offers_topic("urban") == "pull:urban"


async def test_a_key_without_a_department_pulls_for_nobody(hall: Hall) -> None:
    stranger = await hall.key(*DEPARTMENT_SCOPES)
    administrator = await hall.key("admin")
    await hall.open(GARBAGE)
    path = "/v1/tickets/pull"
    assert (await hall.client.post(path, json={}, headers=stranger)).status_code == 403
    named = {"department_code": SANITATION}
    assert (await hall.client.post(path, json=named, headers=stranger)).status_code == 403
    assert (await hall.client.post(path, json=named, headers=hall.departments[URBAN])).status_code == 403
    assert (await hall.client.post(path, json={}, headers=administrator)).status_code == 422
    answer = await hall.client.post(path, json=named, headers=administrator)
    assert len(answer.json()["items"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"max": 0},
        {"max": 101},
        {"wait_seconds": 61},
        {"wait_seconds": -1},
        {"lease_seconds": 4},
        {"lease_seconds": 3601},
        {"max": "3"},
        {"priority": 1},
    ],
)
async def test_a_malformed_pull_is_refused(hall: Hall, body: dict[str, Any]) -> None:
    answer = await hall.client.post("/v1/tickets/pull", json=body, headers=hall.departments[SANITATION])
    assert answer.status_code == 422
