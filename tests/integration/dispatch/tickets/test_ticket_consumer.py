"""What arrives from intake and feedback: applied once, in order, whole or not at all; poison blocks only itself."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.dispatch.db.tables_tickets import routing_decisions, ticket_events, ticket_legs, timers
from services.dispatch.use_cases.load_registry import LoadRegistry, RegistryPack, load_registry
from services.dispatch.worker.handlers import make_subscriptions
from shared.contracts import events as e
from shared.ids import uuid7
from tests.integration.dispatch.tickets.hall import (
    GARBAGE,
    NOBODYS,
    RUBBLE,
    SANITATION,
    START,
    Hall,
    accepted,
    broken,
    imported,
)


async def test_every_event_sent_to_dispatch_has_a_handler(hall: Hall) -> None:
    assert make_subscriptions(hall.app.state.workplace).missing() == []


async def test_the_same_event_twice_makes_one_ticket(hall: Hall) -> None:
    appeal_id = uuid7()
    envelope = hall.envelope(appeal_id, accepted())
    await hall.receive(envelope)
    await hall.receive(envelope)
    assert await hall.count() == 1
    assert len(await hall.published(appeal_id)) == 1


async def test_an_appeal_told_of_twice_still_has_one_ticket(hall: Hall) -> None:
    appeal_id = uuid7()
    await hall.tell(appeal_id, accepted())
    await hall.tell(appeal_id, accepted(RUBBLE))
    await hall.tell(appeal_id, imported())
    assert await hall.count() == 1
    assert (await hall.ticket_of(appeal_id))["category_code"] == GARBAGE
    assert await hall.inbox_states(appeal_id) == ["applied"] * 3


async def test_an_early_event_waits_for_its_predecessor(hall: Hall) -> None:
    appeal_id = uuid7()
    first, second = hall.envelope(appeal_id, accepted()), hall.envelope(appeal_id, accepted(RUBBLE))
    await hall.receive(second)
    assert await hall.count() == 0
    await hall.receive(first)
    assert (await hall.ticket_of(appeal_id))["category_code"] == GARBAGE


async def test_poison_blocks_only_its_own_appeal(hall: Hall) -> None:
    good, bad = uuid7(), uuid7()
    poison = hall.envelope(bad, accepted())
    poison = poison.model_copy(update={"data": {"nonsense": True}})
    applied = await hall.receive(hall.envelope(good, accepted()), poison, hall.envelope(bad, accepted()))
    assert [stream[1] for stream in applied.failed] == [bad]
    assert (await hall.ticket_of(good))["status"] == "awaiting_acknowledgement"
    assert await hall.inbox_states(bad) == ["pending", "pending"]
    for _ in range(8):
        hall.clock.advance(timedelta(minutes=5))
        await hall.drain.drain([(poison.source, bad)])
    assert await hall.inbox_states(bad) == ["dead", "pending"]
    assert await hall.count() == 1


async def test_a_crash_before_the_commit_leaves_nothing_and_loses_nothing(hall: Hall) -> None:
    ids = [uuid7() for _ in range(5)]
    envelopes = [hall.envelope(id_, accepted()) for id_ in ids]
    await hall.store(envelopes)
    with broken(hall.database), pytest.raises(ConnectionResetError):
        await hall.drain.drain([(each.source, each.subject) for each in envelopes])
    for table in (ticket_legs, ticket_events, routing_decisions, timers):
        assert await hall.count(table) == 0
    streams = await hall.drain.ready_streams()
    await hall.drain.drain(streams)
    assert await hall.count() == 5
    assert await hall.count(ticket_legs) == 5


async def test_a_retired_department_is_not_sent_anything(hall: Hall) -> None:
    from services.dispatch.domain.registry import Department

    retired = RegistryPack(departments=[Department(SANITATION, "环卫处", retired_at=START)], rules=[])
    await hall.database.transact(lambda uow: load_registry(uow, LoadRegistry(retired)))
    ticket = await hall.open(GARBAGE)
    assert ticket["status"] == "awaiting_dispatch"


async def test_a_city_without_rules_sends_everything_to_triage(hall: Hall) -> None:
    await hall.database.transact(lambda uow: load_registry(uow, LoadRegistry(RegistryPack(rules=[]))))
    ticket = await hall.open(GARBAGE)
    assert ticket["status"] == "awaiting_dispatch"
    assert ticket["dispatch_due_at"] is not None


async def test_a_published_rule_set_acts_on_the_next_appeal(hall: Hall) -> None:
    from services.dispatch.domain.routing import Rule

    assert (await hall.open(GARBAGE))["department_code"] == SANITATION
    pack = RegistryPack(rules=[Rule("all", "urban")])
    await hall.database.transact(lambda uow: load_registry(uow, LoadRegistry(pack)))
    assert (await hall.open(GARBAGE))["department_code"] == "urban"


# --- feedback -------------------------------------------------------------------------------------------------


async def test_a_redo_is_opened_once_per_round(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(), "awaiting_callback")
    await hall.request_redo(ticket)
    applied = await hall.request_redo(ticket)
    assert applied.failed == ()
    assert len(await hall.legs(ticket)) == 2


async def test_a_case_put_on_the_ledger_ends_its_ticket(hall: Hall) -> None:
    """T36."""
    ticket = await hall.work(await hall.open(), "awaiting_callback")
    event = e.CasePutOnLedger(
        round=1, at=hall.clock.now(), review_at=START + timedelta(days=90), reason="conditions missing"
    )
    await hall.tell(UUID(ticket["appeal_id"]), event)
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["status"] == "on_ledger"


async def test_a_case_closed_before_its_time_is_poison_and_is_shown(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(), "in_progress")
    applied = await hall.close_case(ticket)
    assert [stream[1] for stream in applied.failed] == [UUID(ticket["appeal_id"])]
    assert (await hall.ticket_of(UUID(ticket["appeal_id"])))["status"] == "in_progress"


async def test_a_second_round_ends_on_its_own_terms(hall: Hall) -> None:
    ticket = await hall.work(await hall.open(), "awaiting_callback")
    await hall.request_redo(ticket)
    own = hall.departments[SANITATION]
    again = await hall.ticket_of(UUID(ticket["appeal_id"]))
    again = await hall.moved(again, "resolve", own, reply="再次清运", resolved=True)
    again = await hall.moved(again, "review", hall.office, decision="accept")
    told = (await hall.published(ticket["appeal_id"]))[-1]
    assert (told["type"], told["round"], told["leg"]) == ("ticket.resolution_accepted", 2, 2)
    await hall.close_case(again)
    detail = (await hall.get(f"/v1/tickets/{ticket['id']}")).json()
    assert detail["status"] == "closed"
    assert [leg["resolution"]["reply"] for leg in detail["legs"]] == ["已清运", "再次清运"]


# --- history --------------------------------------------------------------------------------------------------


async def test_a_matter_of_the_past_is_closed_with_its_own_times_and_arms_nothing(hall: Hall) -> None:
    appeal_id = uuid7()
    await hall.tell(appeal_id, imported())
    ticket = await hall.ticket_of(appeal_id)
    assert (ticket["status"], ticket["imported"]) == ("closed", True)
    assert ticket["dispatched_at"] == "2025-08-14T01:00:00Z"
    assert ticket["closed_at"] == "2025-08-20T01:00:00Z"
    assert ticket["late_resolve"] is False
    assert await hall.timer_states(ticket) == {}
    assert await hall.pull() == []
    told = await hall.published(appeal_id)
    assert [each["type"] for each in told] == ["ticket.imported"]
    assert (told[0]["late"], told[0]["department_code"]) == (False, SANITATION)


async def test_an_open_matter_of_the_past_is_in_progress_and_only_what_is_to_come_is_armed(hall: Hall) -> None:
    late, coming = uuid7(), uuid7()
    open_ = {"resolved_at": None, "closed_at": None}
    await hall.tell(late, imported(**open_))
    await hall.tell(coming, imported(**open_, resolve_due_at=START + timedelta(days=3)))
    ticket = await hall.ticket_of(late)
    assert (ticket["status"], ticket["overdue"]) == ("in_progress", True)
    assert await hall.timer_states(ticket) == {}
    states = await hall.timer_states(await hall.ticket_of(coming))
    assert states == {(1, "T_RESOLVE", "L2"): "armed"}


async def test_history_without_a_due_date_says_nothing_about_lateness(hall: Hall) -> None:
    appeal_id = uuid7()
    await hall.tell(appeal_id, imported(resolve_due_at=None))
    (told,) = await hall.published(appeal_id)
    assert (told["late"], told["resolve_due_at"]) == (None, None)


async def test_many_imports_at_once(hall: Hall) -> None:
    applied = await hall.receive(*(hall.envelope(uuid7(), imported()) for _ in range(30)))
    assert applied.events == 30
    assert await hall.count() == 30


async def test_a_mixed_batch_falls_apart_without_losing_anything(hall: Hall) -> None:
    envelopes = [hall.envelope(uuid7(), accepted(code)) for code in (GARBAGE, NOBODYS, RUBBLE)]
    spoiled = hall.envelope(uuid7(), accepted()).model_copy(update={"data": {}})
    applied = await hall.receive(*envelopes, spoiled)
    assert (applied.events, len(applied.failed)) == (3, 1)
    assert await hall.count() == 3
