"""The ticket's state machine: every state against every move, the guards, the timers, what a move leaves behind."""

from datetime import timedelta
from typing import Any

import pytest

from services.dispatch.domain import ticket as t
from services.dispatch.domain import ticket_events as facts
from services.dispatch.domain import ticket_moves as moves
from services.dispatch.domain.ticket import LegOutcome, ReturnReason, Ticket
from services.dispatch.domain.ticket_from_intake import classification_of
from services.dispatch.domain.ticket_machine import GUARDS, allowed_moves, decide, evolve
from services.dispatch.domain.ticket_moves import Move
from services.dispatch.domain.ticket_rules import PUBLIC_NAMES, RULES, Role, TimerAction
from shared.errors import Conflict, IllegalMove
from shared.ids import uuid7
from shared.vocabulary import AppealStatus as S
from shared.vocabulary import TimerLevel, TimerName
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
DUES = t.Dues(clocks(LATER), LATER + 40 * HOUR)
COMMANDS: dict[Move, Any] = {
    Move.DISPATCH: moves.Dispatch("urban", "Urban", clocks(LATER)),
    Move.ACKNOWLEDGE: moves.Acknowledge(),
    Move.AUTO_ACKNOWLEDGE: moves.AutoAcknowledge(),
    Move.CONTACT: moves.Contact("phone"),
    Move.PROGRESS: moves.Progress("已派车"),
    Move.RETURN: moves.Return(ReturnReason.DUTY_WRONG, "不属本单位"),
    Move.APPROVE_RETURN: moves.ApproveReturn("派错", LATER + HOUR),
    Move.REFUSE_RETURN: moves.RefuseReturn("属本单位"),
    Move.RESOLVE: moves.Resolve(RESOLUTION, LATER + HOUR),
    Move.ACCEPT_RESOLUTION: moves.AcceptResolution(),
    Move.REJECT_RESOLUTION: moves.RejectResolution("没有照片"),
    Move.REDO: moves.Redo(2, clocks(LATER, can_return=False)),
    Move.CLOSE: moves.Close(1, "satisfied"),
    Move.PUT_ON_LEDGER: moves.PutOnLedger(1, "conditions missing"),
    Move.ANSWER: moves.CallBack(S.CLOSED, "T2", "answered", LATER),
    Move.REFER: moves.CallBack(S.REFERRED, "T8", "referred", LATER),
    Move.DECLINE: moves.CallBack(S.NOT_ACCEPTED, "T7", "out of scope", LATER),
    Move.WITHDRAW: moves.CallBack(S.WITHDRAWN, "T41", "withdrawn", LATER),
    Move.PAUSE: moves.StopForPapers(LATER, LATER + 80 * HOUR),
    Move.RESUME: moves.Resume(LATER, DUES),
    Move.ATTACH: moves.Attach(MASTER),
    Move.DETACH: moves.Detach(MATTER),
    Move.TRIAGE: moves.Triage("no rule", LATER),
    Move.RECATEGORIZE: moves.Recategorize(classification_of(MATTER), DUES),
    Move.URGE: moves.Urge(1, "phone"),
    Move.RAISE_GROUP_RISK: moves.RaiseGroupRisk("persons", 209, 209, 1),
    Move.COUNT_MEMBERS: moves.CountMembers(t.Members(1, 0, 1), "x"),
    Move.NOTE: moves.Note("x"),
}


def in_state(status: S) -> Ticket:
    """A ticket in `status`, half an hour after its dispatch, reached by legal moves only."""
    at = START + HOUR / 2
    paths: dict[S, list[Any]] = {
        S.AWAITING_ACKNOWLEDGEMENT: [],
        S.IN_PROGRESS: [moves.AutoAcknowledge()],
        S.RETURN_REVIEW: [moves.Return(ReturnReason.DUTY_WRONG, "x")],
        S.UNDER_REVIEW: [moves.Acknowledge(), moves.Resolve(RESOLUTION, at)],
        S.AWAITING_CALLBACK: [moves.Acknowledge(), moves.Resolve(RESOLUTION, at), moves.AcceptResolution()],
        S.CLOSED: [moves.Acknowledge(), moves.Resolve(RESOLUTION, at), moves.AcceptResolution(), moves.Close(1, "x")],
        S.ON_LEDGER: [
            moves.Acknowledge(),
            moves.Resolve(RESOLUTION, at),
            moves.AcceptResolution(),
            moves.PutOnLedger(1, "x"),
        ],
        S.SUPPLEMENTING: [moves.StopForPapers(at, at + HOUR)],
        S.ATTACHED: [moves.Attach(MASTER)],
        S.REFERRED: [COMMANDS[Move.REFER]],
        S.NOT_ACCEPTED: [COMMANDS[Move.DECLINE]],
        S.WITHDRAWN: [COMMANDS[Move.WITHDRAW]],
    }
    if status is S.AWAITING_DISPATCH:
        return waiting_ticket()
    ticket = dispatched()
    for command in paths[status]:
        ticket = after(ticket, command, at)
    assert ticket.status is status
    return ticket


@pytest.mark.parametrize("status", t.TICKET_STATES)
@pytest.mark.parametrize("move", Move)
def test_a_move_is_legal_exactly_where_the_table_says(status: S, move: Move) -> None:
    ticket = in_state(status)
    rule = RULES.get((status, move))
    if rule is None:
        with pytest.raises(IllegalMove) as refusal:
            decide(ticket, COMMANDS[move], LATER)
        assert refusal.value.extra["state"] == status.value
        assert refusal.value.extra["allowed_moves"] == allowed_moves(ticket, LATER)
    else:
        back = S.AWAITING_ACKNOWLEDGEMENT if move is Move.RESUME else status
        assert after(ticket, COMMANDS[move], LATER).status is (rule.to or back)


def test_the_table_has_the_plain_path_of_the_field_and_nothing_else() -> None:
    """T11 T15 T16 T17 T18 T19 T21 T30 T31 T32 T34 T35 T36; the rest is what intake says, which no client can."""
    of_clients_and_feedback = {*PUBLIC_NAMES, Move.AUTO_ACKNOWLEDGE, Move.REDO, Move.CLOSE, Move.PUT_ON_LEDGER}
    moves = {
        (status.value, move.value): rule.to and rule.to.value
        for (status, move), rule in RULES.items()
        if move in of_clients_and_feedback
    }
    assert moves == {
        ("awaiting_dispatch", "dispatch"): "awaiting_acknowledgement",
        ("awaiting_acknowledgement", "acknowledge"): "in_progress",
        ("awaiting_acknowledgement", "auto_acknowledge"): "in_progress",
        ("awaiting_acknowledgement", "return"): "return_review",
        ("in_progress", "acknowledge"): None,
        ("in_progress", "contact"): None,
        ("in_progress", "progress"): None,
        ("in_progress", "return"): "return_review",
        ("in_progress", "resolve"): "under_review",
        ("return_review", "approve_return"): "awaiting_dispatch",
        ("return_review", "refuse_return"): "in_progress",
        ("under_review", "accept_resolution"): "awaiting_callback",
        ("under_review", "reject_resolution"): "in_progress",
        ("awaiting_callback", "redo"): "in_progress",
        ("awaiting_callback", "close"): "closed",
        ("awaiting_callback", "put_on_ledger"): "on_ledger",
        ("attached", "close"): "closed",
        ("attached", "put_on_ledger"): "on_ledger",
    }


def test_every_guard_named_exists_and_every_move_of_people_has_a_public_name() -> None:
    assert {name for rule in RULES.values() for name in rule.guards} <= GUARDS.keys()
    for (_, move), rule in RULES.items():
        assert (move in PUBLIC_NAMES) is bool(rule.roles - {Role.SYSTEM})


def test_the_resolve_clock_starts_at_dispatch_not_at_signing() -> None:
    """Trap 1."""
    ticket = dispatched()
    assert ticket.leg is not None
    signed = after(ticket, moves.Acknowledge(), START + 7 * HOUR)
    assert signed.leg is not None
    assert signed.leg.clocks.resolve_due_at == ticket.leg.clocks.resolve_due_at == START + 40 * HOUR


@pytest.mark.parametrize(("wait", "late"), [(8 * HOUR - timedelta(microseconds=1), False), (8 * HOUR, True)])
def test_on_time_is_strictly_before_the_due_time(wait: timedelta, late: bool) -> None:
    ticket = after(dispatched(), moves.Acknowledge(), START + wait)
    assert ticket.leg is not None
    assert ticket.leg.late_sign is late


def test_only_the_first_contact_counts() -> None:
    ticket = after(in_state(S.IN_PROGRESS), moves.Contact("phone"), LATER)
    again = after(ticket, moves.Contact("visit"), START + 30 * HOUR)
    assert again.leg is not None
    assert (again.leg.contacted_at, again.leg.late_contact) == (LATER, False)


def test_a_department_returns_a_ticket_once() -> None:
    returned = in_state(S.RETURN_REVIEW)
    kept = after(returned, moves.RefuseReturn("x"), LATER)
    with pytest.raises(Conflict) as refusal:
        decide(kept, COMMANDS[Move.RETURN], LATER)
    assert refusal.value.code == "not_first_return_of_department"
    assert "return" not in refusal.value.extra["allowed_moves"]


def test_a_designated_ticket_cannot_be_returned() -> None:
    ticket = after(waiting_ticket(returnable=False), COMMANDS[Move.DISPATCH], LATER)
    with pytest.raises(Conflict) as refusal:
        decide(ticket, COMMANDS[Move.RETURN], LATER)
    assert refusal.value.code == "not_returnable"


@pytest.mark.parametrize(("wait", "allowed"), [(4 * HOUR - timedelta(microseconds=1), True), (4 * HOUR, False)])
def test_silence_after_the_window_is_acceptance(wait: timedelta, allowed: bool) -> None:
    assert ("return" in allowed_moves(dispatched(), START + wait)) is allowed


def test_a_redo_cannot_be_returned() -> None:
    redone = after(in_state(S.AWAITING_CALLBACK), COMMANDS[Move.REDO], LATER)
    assert "return" not in allowed_moves(redone, LATER)


def test_the_second_return_asks_for_a_consultation() -> None:
    first = after(in_state(S.RETURN_REVIEW), COMMANDS[Move.APPROVE_RETURN], LATER)
    second = after(after(first, COMMANDS[Move.DISPATCH], LATER), COMMANDS[Move.RETURN], LATER)
    assert (second.status, second.needs_consultation) == (S.RETURN_REVIEW, True)


def test_a_return_keeps_the_citizens_date() -> None:
    """Trap 11."""
    approved = after(in_state(S.RETURN_REVIEW), COMMANDS[Move.APPROVE_RETURN], LATER)
    assert approved.leg is not None
    assert (approved.leg.outcome, approved.department_code) == (LegOutcome.RETURNED, None)
    sent = after(approved, moves.Dispatch("urban", "Urban", clocks(START + 20 * HOUR)), START + 20 * HOUR)
    assert sent.promised_by == START + 40 * HOUR
    assert sent.leg is not None
    assert (sent.leg.number, sent.leg.round) == (2, 1)


def test_a_rejected_answer_leaves_no_stop_behind() -> None:
    """Trap 15."""
    rejected = after(in_state(S.UNDER_REVIEW), moves.RejectResolution("x"), START + 50 * HOUR)
    assert rejected.leg is not None
    assert (rejected.leg.resolved_at, rejected.leg.resolution) == (None, None)
    assert rejected.leg.late_resolve is True
    assert rejected.is_overdue(START + 50 * HOUR) is True
    effects = {effect.action: effect.timers for effect in RULES[(S.UNDER_REVIEW, Move.REJECT_RESOLUTION)].timers}
    assert effects[TimerAction.UNSTOP] == {TimerName.RESOLVE}


def test_a_redo_begins_a_new_leg_and_freezes_the_old_one() -> None:
    """Trap 16."""
    ready = in_state(S.AWAITING_CALLBACK)
    (event,) = decide(ready, COMMANDS[Move.REDO], LATER)
    redone = evolve(ready, event)
    assert redone.leg is not None
    assert ready.leg is not None
    assert (redone.round, redone.leg.number, redone.leg.round) == (2, 2, 2)
    assert redone.promised_by == LATER + 40 * HOUR
    assert redone.pull_pending is True
    assert (ready.leg.outcome, ready.leg.resolution) == (LegOutcome.ACCEPTED, RESOLUTION)


@pytest.mark.parametrize("round_", [1, 3])
def test_a_redo_of_another_round_is_refused(round_: int) -> None:
    with pytest.raises(Conflict):
        decide(in_state(S.AWAITING_CALLBACK), moves.Redo(round_, clocks(LATER)), LATER)


def test_a_decision_about_another_round_is_refused() -> None:
    for command in (moves.Close(2, "x"), moves.PutOnLedger(2, "x")):
        with pytest.raises(Conflict):
            decide(in_state(S.AWAITING_CALLBACK), command, LATER)


def test_an_empty_reply_resolves_nothing() -> None:
    with pytest.raises(Conflict):
        decide(in_state(S.IN_PROGRESS), moves.Resolve(t.Resolution("  ", resolved=True), LATER), LATER)


def test_it_stays_on_offer_until_the_department_moves_it() -> None:
    assert dispatched().pull_pending is True
    assert in_state(S.IN_PROGRESS).pull_pending is True  # acknowledged by the clock, not by the department
    for move in (Move.CONTACT, Move.PROGRESS, Move.RETURN, Move.RESOLVE, Move.ACKNOWLEDGE):
        assert after(in_state(S.IN_PROGRESS), COMMANDS[move], LATER).pull_pending is False


def test_a_breach_marks_the_leg_it_belongs_to_and_a_warning_marks_nothing() -> None:
    ticket = dispatched()

    def fired(timer: TimerName, level: TimerLevel, leg: int = 1) -> Ticket:
        return evolve(ticket, facts.TimerFired(LATER, leg, timer, level, LATER))

    for timer, flag in (
        (TimerName.ACKNOWLEDGE, "late_sign"),
        (TimerName.CONTACT, "late_contact"),
        (TimerName.RESOLVE, "late_resolve"),
    ):
        assert getattr(fired(timer, TimerLevel.RED_CARD).leg, flag) is True
        assert getattr(fired(timer, TimerLevel.YELLOW_CARD).leg, flag) is False
        assert getattr(fired(timer, TimerLevel.RED_CARD, leg=2).leg, flag) is False
    assert fired(TimerName.REVIEW, TimerLevel.RED_CARD).leg == ticket.leg


def test_nothing_is_overdue_once_an_answer_was_submitted() -> None:
    late = START + 100 * HOUR
    assert dispatched().is_overdue(late) is True
    for status in (S.UNDER_REVIEW, S.AWAITING_CALLBACK, S.CLOSED, S.ON_LEDGER):
        assert in_state(status).is_overdue(late) is False
