"""The state machine of a ticket (domain 2.3): the guards of the table, `decide` and `evolve`.

`decide` says what a move causes, `evolve` what an event changes; both are pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from services.dispatch.domain import ticket_events as facts
from services.dispatch.domain import ticket_moves as moves
from services.dispatch.domain.ticket import Leg, LegOutcome, Ticket, is_late
from services.dispatch.domain.ticket_events import Event, IntakeEvent, TicketEvent
from services.dispatch.domain.ticket_from_intake import decide_for_intake, evolve_for_intake
from services.dispatch.domain.ticket_moves import Command, IntakeCommand
from services.dispatch.domain.ticket_rules import PUBLIC_NAMES, RULES, Rule
from shared.errors import Conflict, IllegalMove
from shared.vocabulary import AppealStatus as S
from shared.vocabulary import TimerLevel, TimerName

MOST_RETURNS = 2
Guard = Callable[[Ticket, Any, datetime], bool]


# --- guards ---------------------------------------------------------------------------------------------------


def _not_yet_acknowledged(ticket: Ticket, _command: Any, _now: datetime) -> bool:
    return ticket.leg is not None and ticket.leg.acknowledged_at is None


def _returnable(ticket: Ticket, _command: Any, _now: datetime) -> bool:
    return ticket.returnable


def _before_first_contact(ticket: Ticket, _command: Any, _now: datetime) -> bool:
    return ticket.leg is not None and ticket.leg.contacted_at is None


def _within_return_window(ticket: Ticket, _command: Any, now: datetime) -> bool:
    """Silence after T_RETURN is acceptance; a redo has no window, the matter is the department's already (3.4)."""
    until = ticket.leg.clocks.return_until if ticket.leg is not None else None
    return until is not None and now < until


def _first_return_of_department(ticket: Ticket, _command: Any, _now: datetime) -> bool:
    return ticket.department_code not in ticket.returned_by


def _fewer_than_two_returns(ticket: Ticket, _command: Any, _now: datetime) -> bool:
    return len(ticket.returned_by) < MOST_RETURNS


def _reply_given(_ticket: Ticket, command: Any, _now: datetime) -> bool:
    return not isinstance(command, moves.Resolve) or bool(command.resolution.reply.strip())


def _is_next_round(ticket: Ticket, command: Any, _now: datetime) -> bool:
    return not isinstance(command, moves.Redo) or command.next_round == ticket.round + 1


def _is_this_round(ticket: Ticket, command: Any, _now: datetime) -> bool:
    return not isinstance(command, moves.Close | moves.PutOnLedger) or command.round == ticket.round


@dataclass(frozen=True, slots=True)
class NamedGuard:
    """A condition and what is told when it does not hold."""

    holds: Guard
    refusal: str


GUARDS: Mapping[str, NamedGuard] = {
    "not_yet_acknowledged": NamedGuard(_not_yet_acknowledged, "the department has acknowledged this ticket already"),
    "returnable": NamedGuard(_returnable, "the owner of this ticket was designated; it cannot be returned"),
    "before_first_contact": NamedGuard(
        _before_first_contact, "the citizen has been contacted; it can no longer be returned"
    ),
    "within_return_window": NamedGuard(_within_return_window, "the time to return it has passed"),
    "first_return_of_department": NamedGuard(
        _first_return_of_department, "the department has returned it once already"
    ),
    "fewer_than_two_returns": NamedGuard(_fewer_than_two_returns, "it has been returned twice already"),
    "reply_given": NamedGuard(_reply_given, "a resolution needs a reply"),
    "is_next_round": NamedGuard(_is_next_round, "the round asked for does not follow the present one"),
    "is_this_round": NamedGuard(_is_this_round, "the decision is about another round"),
}


# --- deciding -------------------------------------------------------------------------------------------------


def allowed_moves(ticket: Ticket, now: datetime) -> list[str]:
    """Return the public names of the moves that somebody could make now, guards included."""
    return sorted(
        {
            PUBLIC_NAMES[move]
            for (status, move), rule in RULES.items()
            if status is ticket.status and move in PUBLIC_NAMES and _failing(rule, ticket, None, now) is None
        }
    )


def rule_for(ticket: Ticket, command: Command, now: datetime) -> Rule:
    """Return the rule that allows the move.

    Raises IllegalMove when the state has no such move, Conflict with the guard's name as code when a guard refuses.
    """
    rule = RULES.get((ticket.status, command.MOVE))
    name = PUBLIC_NAMES.get(command.MOVE, command.MOVE.value)
    if rule is None:
        raise IllegalMove(name, ticket.status.value, allowed_moves(ticket, now))
    failing = _failing(rule, ticket, command, now)
    if failing is not None:
        raise Conflict(
            f"'{name}' is refused: {GUARDS[failing].refusal}",
            code=f"not_{failing}" if not failing.startswith("not_") else failing.removeprefix("not_"),
            move=name,
            state=ticket.status.value,
            allowed_moves=allowed_moves(ticket, now),
        )
    return rule


def decide(ticket: Ticket, command: Command, now: datetime) -> list[Event]:
    """Return what `command` causes at `now`. Raises as `rule_for`."""
    rule_for(ticket, command, now)
    if isinstance(command, IntakeCommand):
        return decide_for_intake(ticket, command, now)
    if isinstance(command, moves.Dispatch | moves.Redo | moves.ApproveReturn | moves.RefuseReturn):
        return [_decide_turn(ticket, command, now)]
    if isinstance(command, moves.Close):
        return [facts.Closed(now, command.reason)]
    if isinstance(command, moves.PutOnLedger):
        return [facts.PlacedOnLedger(now, command.reason)]
    return [_decide_in_leg(ticket, _leg(ticket), command, now)]


def _decide_turn(
    ticket: Ticket, command: moves.Dispatch | moves.Redo | moves.ApproveReturn | moves.RefuseReturn, now: datetime
) -> Event:
    """Moves that begin or end a department's turn."""
    match command:
        case moves.Dispatch():
            leg = Leg(
                ticket.leg_number + 1,
                ticket.round,
                command.department_code,
                command.department_name,
                now,
                command.clocks,
            )
            promised_by = ticket.promised_by or command.clocks.resolve_due_at
            return facts.Dispatched(now, leg, promised_by, command.reason)
        case moves.Redo():
            last = _leg(ticket)
            leg = Leg(
                last.number + 1, command.next_round, last.department_code, last.department_name, now, command.clocks
            )
            return facts.RedoStarted(now, leg)
        case moves.ApproveReturn():
            return facts.ReturnApproved(now, command.note, command.dispatch_due_at, command.timers)
        case moves.RefuseReturn():
            return facts.ReturnRefused(now, command.note)
        case _:
            assert_never(command)


_InLeg = (
    moves.Acknowledge
    | moves.AutoAcknowledge
    | moves.Contact
    | moves.Progress
    | moves.Return
    | moves.Resolve
    | moves.AcceptResolution
    | moves.RejectResolution
)


def _decide_in_leg(ticket: Ticket, leg: Leg, command: _InLeg, now: datetime) -> Event:
    """Moves inside a department's turn."""
    match command:
        case moves.Acknowledge():
            late = leg.late_sign or is_late(now, leg.clocks.acknowledge_due_at)
            return facts.Acknowledged(now, automatic=False, late=late)
        case moves.AutoAcknowledge():
            return facts.Acknowledged(now, automatic=True, late=True)
        case moves.Contact():
            first = leg.contacted_at is None
            late = is_late(now, leg.clocks.contact_due_at) if first else leg.late_contact
            return facts.Contacted(now, command.channel, command.note, first=first, late=late)
        case moves.Progress():
            return facts.Progressed(now, command.note)
        case moves.Return():
            second = len(ticket.returned_by) + 1 >= MOST_RETURNS
            return facts.ReturnRequested(now, command.reason_code, command.explanation, needs_consultation=second)
        case moves.Resolve():
            late = is_late(now, leg.clocks.resolve_due_at)
            return facts.Resolved(now, command.resolution, late, command.review_due_at, command.timers)
        case moves.AcceptResolution():
            return facts.ResolutionAccepted(now, command.note)
        case moves.RejectResolution():
            return facts.ResolutionRejected(now, command.note)
        case _:
            assert_never(command)


def _failing(rule: Rule, ticket: Ticket, command: Command | None, now: datetime) -> str | None:
    return next((name for name in rule.guards if not GUARDS[name].holds(ticket, command, now)), None)


def _leg(ticket: Ticket) -> Leg:
    if ticket.leg is None:
        raise AssertionError(f"a ticket in state {ticket.status} has a leg")
    return ticket.leg


# --- evolving -------------------------------------------------------------------------------------------------


def evolve(ticket: Ticket, event: Event) -> Ticket:
    """Return the ticket after `event`; replaying a ticket's events gives the ticket."""
    changed = evolve_for_intake(ticket, event) if isinstance(event, IntakeEvent) else _evolve_turn(ticket, event)
    return changed if changed.updated_at == event.at else replace(changed, updated_at=event.at)


def evolve_all(ticket: Ticket, events: Iterable[Event]) -> Ticket:
    """Return the ticket after all of `events`."""
    for event in events:
        ticket = evolve(ticket, event)
    return ticket


def _evolve_turn(ticket: Ticket, event: TicketEvent) -> Ticket:
    if isinstance(event, facts.Imported) or (isinstance(event, facts.TimerFired) and ticket.leg is None):
        return ticket
    match event:
        case facts.Triaged():
            return replace(ticket, status=S.AWAITING_DISPATCH, dispatch_due_at=event.dispatch_due_at)
        case facts.Dispatched():
            return _begin_leg(ticket, event.leg, S.AWAITING_ACKNOWLEDGEMENT, event.promised_by)
        case facts.RedoStarted():
            promised_by = event.leg.clocks.resolve_due_at
            begun = _begin_leg(ticket, event.leg, S.IN_PROGRESS, promised_by)
            return replace(begun, round=event.leg.round)
        case facts.ReturnApproved():
            leg = replace(_leg(ticket), ended_at=event.at, outcome=LegOutcome.RETURNED)
            return replace(
                ticket,
                status=S.AWAITING_DISPATCH,
                department_code=None,
                department_name=None,
                dispatch_due_at=event.dispatch_due_at,
                needs_consultation=False,
                leg=leg,
            )
        case facts.Closed():
            return replace(ticket, status=S.CLOSED, closed_at=event.at)
        case facts.PlacedOnLedger():
            return replace(ticket, status=S.ON_LEDGER, closed_at=event.at)
        case _:
            return _evolve_leg(ticket, _leg(ticket), event)


def _begin_leg(ticket: Ticket, leg: Leg, status: S, promised_by: datetime) -> Ticket:
    """A department gets the ticket: it is offered to its pullers, and an older lease on it is void."""
    return replace(
        ticket,
        status=status,
        department_code=leg.department_code,
        department_name=leg.department_name,
        promised_by=promised_by,
        dispatch_due_at=None,
        review_due_at=None,
        leg=leg,
        pull_pending=True,
        lease_token_hash=None,
        lease_expires_at=None,
    )


_LegEvent = (
    facts.Acknowledged
    | facts.Contacted
    | facts.Progressed
    | facts.ReturnRequested
    | facts.ReturnRefused
    | facts.Resolved
    | facts.ResolutionRejected
    | facts.ResolutionAccepted
    | facts.TimerFired
)


def _evolve_leg(ticket: Ticket, leg: Leg, event: _LegEvent) -> Ticket:
    match event:
        case facts.Acknowledged():
            return _acknowledged(ticket, leg, event)
        case facts.Contacted():
            if event.first:
                leg = replace(leg, contacted_at=event.at, late_contact=leg.late_contact or event.late)
            return replace(ticket, leg=leg, pull_pending=False)
        case facts.Progressed():
            return replace(ticket, pull_pending=False)
        case facts.ReturnRequested() | facts.ReturnRefused():
            return _returning(ticket, leg, event)
        case facts.Resolved() | facts.ResolutionRejected() | facts.ResolutionAccepted():
            return _reviewing(ticket, leg, event)
        case facts.TimerFired():
            return _timer_fired(ticket, leg, event)
        case _:
            assert_never(event)


def _acknowledged(ticket: Ticket, leg: Leg, event: facts.Acknowledged) -> Ticket:
    late = leg.late_sign or event.late
    if event.automatic:
        # The department still has not taken it: it stays on offer to its pullers.
        leg = replace(leg, auto_acknowledged_at=event.at, late_sign=late)
        return replace(ticket, status=S.IN_PROGRESS, leg=leg)
    leg = replace(leg, acknowledged_at=event.at, late_sign=late)
    return replace(ticket, status=S.IN_PROGRESS, leg=leg, pull_pending=False)


def _returning(ticket: Ticket, leg: Leg, event: facts.ReturnRequested | facts.ReturnRefused) -> Ticket:
    if isinstance(event, facts.ReturnRefused):
        leg = replace(leg, return_refused_at=event.at)
        return replace(ticket, status=S.IN_PROGRESS, leg=leg, needs_consultation=False)
    leg = replace(leg, return_requested_at=event.at, return_reason=event.reason_code)
    return replace(
        ticket,
        status=S.RETURN_REVIEW,
        leg=leg,
        pull_pending=False,
        returned_by=(*ticket.returned_by, leg.department_code),
        needs_consultation=event.needs_consultation,
    )


def _reviewing(
    ticket: Ticket, leg: Leg, event: facts.Resolved | facts.ResolutionRejected | facts.ResolutionAccepted
) -> Ticket:
    match event:
        case facts.Resolved():
            leg = replace(leg, resolved_at=event.at, late_resolve=event.late, resolution=event.resolution)
            review_due_at: datetime | None = event.review_due_at
            return replace(ticket, status=S.UNDER_REVIEW, leg=leg, pull_pending=False, review_due_at=review_due_at)
        case facts.ResolutionRejected():
            leg = replace(
                leg, resolved_at=None, resolution=None, late_resolve=is_late(event.at, leg.clocks.resolve_due_at)
            )
            return replace(ticket, status=S.IN_PROGRESS, leg=leg, review_due_at=None)
        case facts.ResolutionAccepted():
            leg = replace(leg, ended_at=event.at, outcome=LegOutcome.ACCEPTED)
            return replace(ticket, status=S.AWAITING_CALLBACK, leg=leg, review_due_at=None)
        case _:
            assert_never(event)


def _timer_fired(ticket: Ticket, leg: Leg, event: facts.TimerFired) -> Ticket:
    """A breach marks the leg it belongs to, once and for good; a warning marks nothing."""
    if event.level is not TimerLevel.RED_CARD or event.leg_number != leg.number:
        return ticket
    match event.timer:
        case TimerName.ACKNOWLEDGE:
            return replace(ticket, leg=replace(leg, late_sign=True))
        case TimerName.CONTACT:
            return replace(ticket, leg=replace(leg, late_contact=True))
        case TimerName.RESOLVE:
            return replace(ticket, leg=replace(leg, late_resolve=True))
        case _:
            return ticket
