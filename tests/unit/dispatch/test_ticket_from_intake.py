"""What intake's word does to a ticket: any journey replays to the same ticket, and what waits is offered to nobody."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.domain import ticket as t
from services.dispatch.domain import ticket_moves as moves
from services.dispatch.domain.ticket import LegOutcome, Pause, ReturnReason, Ticket
from services.dispatch.domain.ticket_events import Event
from services.dispatch.domain.ticket_machine import allowed_moves, decide, evolve, evolve_all
from services.dispatch.domain.ticket_moves import CALL_BACKS
from shared.errors import Conflict, IllegalMove
from shared.ids import uuid7
from shared.vocabulary import AppealStatus as S
from shared.vocabulary import HandlingMode, Urgency
from tests.unit.dispatch.ticket_builders import (
    HOUR,
    MATTER,
    RESOLUTION,
    START,
    after,
    clocks,
    dispatched,
    waiting_ticket,
)

LATER = START + HOUR
MASTER = uuid7()
ACCEPT = moves.AcceptResolution()
URGENT = t.Classification("0301", "爆管", Urgency.P2, HandlingMode.COMMITTED, "爆管", confidential=True)


def _commands(round_: int) -> list[Any]:
    return [
        moves.Dispatch("urban", "Urban", clocks(LATER)),
        moves.Acknowledge(),
        moves.AutoAcknowledge(),
        moves.Contact("phone"),
        moves.Progress("x"),
        moves.Return(ReturnReason.OTHER, "x"),
        moves.ApproveReturn("x", LATER),
        moves.RefuseReturn("x"),
        moves.Resolve(RESOLUTION, LATER),
        moves.AcceptResolution(),
        moves.RejectResolution("x"),
        moves.Redo(round_ + 1, clocks(LATER, can_return=False)),
        moves.Close(round_, "x"),
        moves.CallBack(S.WITHDRAWN, "T41", "by_citizen", LATER),
        moves.CallBack(S.CLOSED, "T2", "answered", LATER),
        moves.StopForPapers(LATER, LATER + HOUR),
        moves.Resume(LATER, t.Dues(clocks(LATER), LATER + 40 * HOUR)),
        moves.Attach(MASTER),
        moves.Detach(replace(MATTER, title="另一件")),
        moves.Triage("x", LATER),
        moves.Recategorize(URGENT, t.Dues(clocks(LATER), LATER + 24 * HOUR)),
        moves.Urge(1, "phone"),
        moves.RaiseGroupRisk("persons", 209, 209, 1),
        moves.CountMembers(t.Members(2, 0, 2), "x"),
        moves.Note("x"),
    ]


@settings(max_examples=150, deadline=None)
@given(picks=st.lists(st.integers(0, 24), max_size=40))
def test_any_journey_replays_to_the_same_ticket_and_what_waits_is_offered_to_nobody(picks: list[int]) -> None:
    first = ticket = waiting_ticket()
    now = START
    happened: list[Event] = []
    for pick in picks:
        now += timedelta(minutes=7)
        try:
            events = decide(ticket, _commands(ticket.round)[pick], now)
        except Conflict:
            continue
        ticket = evolve_all(ticket, events)
        happened += events
        if ticket.status in {*t.ENDED_STATES, S.SUPPLEMENTING, S.ATTACHED}:
            assert ticket.pull_pending is False
            assert allowed_moves(ticket, now) == []
        assert (ticket.status is S.ATTACHED) <= (ticket.master_appeal_id == MASTER)
    assert evolve_all(first, happened) == ticket


@pytest.mark.parametrize("status", CALL_BACKS)
def test_a_called_back_ticket_ends_its_turn_and_lets_nobody_move_it(status: S) -> None:
    ticket = after(dispatched(), moves.CallBack(status, "T2", "x", LATER), LATER + HOUR)
    assert ticket.leg is not None
    assert (ticket.status, ticket.closed_at, ticket.leg.outcome) == (status, LATER, LegOutcome.CALLED_BACK)
    assert ticket.department_code == "sanitation"
    with pytest.raises(IllegalMove) as refusal:
        decide(ticket, moves.Acknowledge(), LATER + HOUR)
    assert refusal.value.extra["state"] == status.value


def test_a_turn_that_was_over_keeps_its_own_end() -> None:
    at = LATER
    done = after(after(after(dispatched(), moves.Acknowledge(), at), moves.Resolve(RESOLUTION, at), at), ACCEPT, at)
    assert done.leg is not None
    called_back = after(done, moves.CallBack(S.WITHDRAWN, "T41", "x", LATER), LATER)
    assert called_back.leg == done.leg


def test_a_pause_remembers_where_it_was_and_what_was_left() -> None:
    ticket = dispatched()
    (event,) = decide(ticket, moves.StopForPapers(START + 10 * HOUR, LATER), START + 10 * HOUR)
    paused = evolve(ticket, event)
    assert (paused.status, paused.pause) == (
        S.SUPPLEMENTING,
        Pause(START + 10 * HOUR, S.AWAITING_ACKNOWLEDGEMENT, offered=True),
    )
    # T_SIGN (8 h) had run out; what lay ahead is kept in seconds.
    assert getattr(event, "remaining_seconds", None) == {
        "promised_by": 30 * 3600,
        "contact_due_at": 6 * 3600,
        "resolve_due_at": 30 * 3600,
    }
    assert paused.is_overdue(START + 100 * HOUR) is False


def test_a_resumed_ticket_is_offered_again_only_if_it_was() -> None:
    def resumed(ticket: Ticket) -> Ticket:
        paused = after(ticket, moves.StopForPapers(LATER, LATER), LATER)
        return after(paused, moves.Resume(LATER + HOUR, t.Dues(clocks(LATER), LATER)), LATER + HOUR)

    assert resumed(dispatched()).pull_pending is True
    taken = after(dispatched(), moves.Acknowledge(), LATER)
    assert (resumed(taken).status, resumed(taken).pull_pending) == (S.IN_PROGRESS, False)


def test_what_nobody_signed_in_the_moment_before_the_pause_is_taken_as_received_afterwards() -> None:
    """T16 cannot happen while papers are awaited, and must not be forgotten either."""
    ticket = dispatched()
    assert ticket.leg is not None
    paused = after(ticket, moves.StopForPapers(LATER, LATER), LATER)
    assert paused.leg is not None
    unsigned = replace(paused, leg=replace(paused.leg, late_sign=True))
    back = after(unsigned, moves.Resume(LATER + HOUR, t.Dues(clocks(LATER), LATER)), LATER + HOUR)
    assert back.leg is not None
    assert (back.status, back.leg.auto_acknowledged_at) == (S.IN_PROGRESS, LATER + HOUR)


def test_a_detached_ticket_belongs_to_nobody_and_has_promised_nothing_yet() -> None:
    attached = after(dispatched(), moves.Attach(MASTER), LATER)
    assert attached.leg is not None
    assert attached.leg.outcome is LegOutcome.ATTACHED
    free = after(attached, moves.Detach(MATTER), LATER + HOUR)
    assert (free.status, free.department_code, free.promised_by) == (S.AWAITING_DISPATCH, None, None)
    again = after(free, moves.Dispatch("urban", "Urban", clocks(LATER)), LATER + HOUR)
    assert again.leg is not None
    assert again.leg.number == 2


def test_a_change_of_category_says_what_it_was_and_under_which_versions() -> None:
    """T43."""
    ticket = dispatched()
    dues = t.Dues(replace(clocks(START), policy_code="L24", policy_version=3), START + 24 * HOUR)
    (event,) = decide(ticket, moves.Recategorize(URGENT, dues), LATER)
    changed = evolve(ticket, event)
    assert changed.leg is not None
    assert (changed.matter.category_code, changed.matter.urgency, changed.matter.confidential) == (
        "0301",
        Urgency.P2,
        True,
    )
    assert (changed.leg.clocks.policy_code, changed.promised_by) == ("L24", START + 24 * HOUR)
    assert getattr(event, "previous_policy", None) == "G5D@1"
    assert changed.leg.dispatched_at == START
