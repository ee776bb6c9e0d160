"""Timers: told once, in time or late, never after the stop that came first, never swallowed."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.dispatch.db.tables_tickets import timers
from services.dispatch.use_cases import fire_timers
from services.dispatch.worker.timer_sweep import TimerSweep
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from tests.integration.dispatch.tickets.hall import GARBAGE, NOBODYS, SANITATION, START, Hall, accepted


async def _swept(hall: Hall) -> None:
    while await hall.sweep.sweep():
        pass


async def _fired(hall: Hall, ticket: dict[str, Any]) -> list[tuple[str, str]]:
    told = await hall.published(ticket["appeal_id"])
    return [(each["timer"], each["level"]) for each in told if each["type"] == "ticket.timer_fired"]


async def test_nothing_fires_before_its_time_and_each_rung_once(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    await _swept(hall)
    assert await _fired(hall, ticket) == []
    hall.clock.set(START + timedelta(days=1, hours=14, minutes=59, seconds=59))
    await _swept(hall)
    assert ("T_SIGN", "L2") not in await _fired(hall, ticket)
    hall.clock.advance(timedelta(seconds=1))
    await _swept(hall)
    await _swept(hall)
    fired = await _fired(hall, ticket)
    assert sorted(fired) == sorted(set(fired))
    assert {("T_SIGN", "L2"), ("T_CONTACT", "L2")} <= set(fired)


async def test_a_ticket_nobody_signs_goes_into_handling_marked_late(hall: Hall) -> None:
    """T16."""
    ticket = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=1, hours=15))
    await _swept(hall)
    moved = await hall.ticket_of(UUID(ticket["appeal_id"]))
    assert (moved["status"], moved["late_sign"], moved["acknowledged_at"]) == ("in_progress", True, None)
    assert moved["auto_acknowledged_at"] is not None
    assert moved["resolve_due_at"] == ticket["resolve_due_at"]
    assert moved["version"] == ticket["version"] + 1
    (told,) = [each for each in await hall.published(ticket["appeal_id"]) if each["type"] == "ticket.acknowledged"]
    assert (told["automatic"], told["late"]) == (True, True)
    signed = await hall.moved(moved, "acknowledge", hall.departments[SANITATION])
    assert signed["acknowledged_at"] is not None


async def test_what_stops_a_timer_in_time_cancels_it(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "in_progress")
    await hall.moved(ticket, "contact", hall.departments[SANITATION], channel="phone")
    hall.clock.advance(timedelta(days=3))
    await _swept(hall)
    assert not {("T_SIGN", "L2"), ("T_CONTACT", "L2")} & set(await _fired(hall, ticket))


async def test_a_stop_that_comes_too_late_does_not_swallow_the_breach(hall: Hall) -> None:
    """The worker was away when T_SIGN ran out, and the department signed before it came back."""
    ticket = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=1, hours=15))
    signed = await hall.moved(ticket, "acknowledge", hall.departments[SANITATION])
    assert signed["late_sign"] is True
    await _swept(hall)
    assert ("T_SIGN", "L2") in await _fired(hall, ticket)
    told = [each for each in await hall.published(ticket["appeal_id"]) if each["type"] == "ticket.acknowledged"]
    assert [each["automatic"] for each in told] == [False]


async def test_a_breach_of_a_turn_that_has_ended_is_marked_on_that_turn(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    own = hall.departments[SANITATION]
    returned = await hall.moved(ticket, "return", own, reason_code="duty_wrong", explanation="不属本单位")
    hall.clock.advance(timedelta(days=1, hours=15))
    await hall.moved(returned, "return-decision", hall.office, decision="approve", note="x", department_code="urban")
    await _swept(hall)
    legs = await hall.legs(ticket)
    assert [leg.late_sign for leg in legs] == [True, False]


async def test_a_late_answer_is_late_and_a_review_that_waits_is_told(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "in_progress")
    hall.clock.set(START + timedelta(days=7, hours=15))
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["overdue"] is True
    ticket = await hall.moved(ticket, "resolve", hall.departments[SANITATION], reply="已清运", resolved=True)
    assert (ticket["late_resolve"], ticket["overdue"]) == (True, False)
    hall.clock.advance(timedelta(days=2))
    await _swept(hall)
    fired = await _fired(hall, ticket)
    assert {("T_RESOLVE", "L0"), ("T_RESOLVE", "L1"), ("T_RESOLVE", "L2"), ("T_REVIEW", "L2")} <= set(fired)


async def test_what_waits_for_a_dispatcher_too_long_is_told(hall: Hall) -> None:
    ticket = await hall.open(NOBODYS)
    hall.clock.advance(timedelta(days=1))
    await _swept(hall)
    assert await _fired(hall, ticket) == [("T_DISPATCH", "L2")]


async def test_two_sweepers_at_once_fire_everything_once(hall: Hall) -> None:
    ids = [uuid7() for _ in range(60)]
    await hall.receive(*(hall.envelope(id_, accepted(GARBAGE)) for id_ in ids))
    hall.clock.advance(timedelta(days=20))

    async def sweep_all() -> None:
        sweep = TimerSweep(hall.database, batch=10)
        while await sweep.sweep():
            pass

    await asyncio.gather(*(sweep_all() for _ in range(4)))
    await _swept(hall)
    for id_ in ids:
        told = [
            (each["timer"], each["level"]) for each in await hall.published(id_) if each["type"] == "ticket.timer_fired"
        ]
        assert sorted(told) == sorted(set(told))
        assert len(told) == 5
        ticket = await hall.ticket_of(id_)
        assert set((await hall.timer_states(ticket)).values()) == {"fired"}


async def test_a_move_and_the_sweep_at_the_same_moment_one_wins(hall: Hall) -> None:
    tickets = [await hall.open(GARBAGE) for _ in range(12)]
    hall.clock.advance(timedelta(days=1, hours=15))
    own = hall.departments[SANITATION]
    swept = asyncio.gather(*(hall.sweep.sweep() for _ in range(3)))
    answers = await asyncio.gather(*(hall.move(ticket, "acknowledge", own) for ticket in tickets))
    await swept
    await _swept(hall)
    assert [answer.status_code for answer in answers] == [200] * 12
    for ticket in tickets:
        after = await hall.ticket_of(UUID(ticket["appeal_id"]))
        assert (after["status"], after["late_sign"]) == ("in_progress", True)
        assert (await _fired(hall, ticket)).count(("T_SIGN", "L2")) == 1
        told = await hall.published(ticket["appeal_id"])
        acknowledged = [each["automatic"] for each in told if each["type"] == "ticket.acknowledged"]
        assert acknowledged in ([False], [True, False])


async def test_a_worker_that_was_away_catches_up(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=30))
    await _swept(hall)
    states = await hall.timer_states(ticket)
    assert set(states.values()) == {"fired"}
    assert len(await _fired(hall, ticket)) == len(states)


async def test_a_ticket_that_cannot_be_fired_holds_up_no_other(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned, healthy = await hall.open(GARBAGE), await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=30))
    real = fire_timers._fire

    def spoiled(uow: Any, ticket: Any, timer: Any, entries: Any) -> Any:
        if str(ticket.id) == poisoned["id"]:
            raise ValueError("spoiled")
        return real(uow, ticket, timer, entries)

    monkeypatch.setattr(fire_timers, "_fire", spoiled)
    sweep = hall.sweep
    while await sweep.sweep():
        pass
    assert set((await hall.timer_states(healthy)).values()) == {"fired"}
    assert "fired" not in (await hall.timer_states(poisoned)).values()
    assert list(sweep.set_aside) == [UUID(poisoned["id"])]
    monkeypatch.setattr(fire_timers, "_fire", real)
    hall.clock.advance(timedelta(minutes=2))
    while await sweep.sweep():
        pass
    assert set((await hall.timer_states(poisoned)).values()) == {"fired"}


async def test_a_sweep_that_dies_before_its_commit_has_told_nothing(hall: Hall) -> None:
    ticket = await hall.open(GARBAGE)
    hall.clock.advance(timedelta(days=30))

    async def dies(uow: UnitOfWork) -> None:
        await fire_timers.fire_due_timers(uow, limit=10)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await hall.database.transact(dies)
    assert await _fired(hall, ticket) == []
    await _swept(hall)
    assert len(await _fired(hall, ticket)) == 5


async def test_a_closed_case_leaves_nothing_armed(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(GARBAGE), "awaiting_callback")
    await hall.close_case(ticket)

    async def armed(uow: UnitOfWork) -> int:
        query = sa.select(sa.func.count()).select_from(timers).where(timers.c.state == "armed")
        return (await uow.connection.execute(query)).scalar_one()

    assert await hall.database.transact(armed) == 0
