"""From what happened to a ticket to what the other services are told: one contract event per domain event, or none."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, TypeVar, cast

from services.dispatch.domain import ticket_events as facts
from services.dispatch.domain.ticket import Leg, Ticket
from services.dispatch.domain.ticket_events import Event
from shared.contracts import events as contract
from shared.contracts.envelope import EventData
from shared.observability.redaction import mask_text
from shared.vocabulary import TimerName

E = TypeVar("E")
Announcer = Callable[[Ticket, Any], EventData | None]
_announcers: dict[type[Any], Announcer] = {}


def announcement(ticket: Ticket, event: Event) -> EventData | None:
    """Return the contract event for `event`, `ticket` being the state after it; None when nobody else is concerned.

    Free text passes the mask: a department's words may hold a phone number, an event may not.
    """
    announce = _announcers.get(type(event))
    return None if announce is None else announce(ticket, event)


def _announces(
    kind: type[E],
) -> Callable[[Callable[[Ticket, E], EventData | None]], Callable[[Ticket, E], EventData | None]]:
    def register(function: Callable[[Ticket, E], EventData | None]) -> Callable[[Ticket, E], EventData | None]:
        _announcers[kind] = cast("Announcer", function)
        return function

    return register


def _leg(ticket: Ticket) -> Leg:
    if ticket.leg is None:
        raise AssertionError("a ticket that moves inside a turn has a leg")
    return ticket.leg


def _turn(ticket: Ticket) -> dict[str, Any]:
    leg = _leg(ticket)
    return {"ticket_id": ticket.id, "round": leg.round, "leg": leg.number, "department_code": leg.department_code}


@_announces(facts.Triaged)
def _triaged(ticket: Ticket, event: facts.Triaged) -> EventData:
    return contract.TicketTriaged(ticket_id=ticket.id, reason=event.reason, at=event.at)


@_announces(facts.Dispatched)
def _dispatched(ticket: Ticket, event: facts.Dispatched) -> EventData:
    leg, matter = event.leg, ticket.matter
    clocks = leg.clocks
    return contract.TicketDispatched(
        ticket_id=ticket.id,
        round=leg.round,
        leg=leg.number,
        department_code=leg.department_code,
        department_name=leg.department_name,
        category_code=matter.category_code,
        grid_code=matter.grid_code,
        urgency=matter.urgency,
        mode=matter.mode,
        policy_code=clocks.policy_code,
        dispatched_at=leg.dispatched_at,
        acknowledge_due_at=clocks.acknowledge_due_at,
        contact_due_at=clocks.contact_due_at,
        resolve_due_at=clocks.resolve_due_at,
        promised_by=event.promised_by,
        provisional=clocks.provisional,
    )


@_announces(facts.Acknowledged)
def _acknowledged(ticket: Ticket, event: facts.Acknowledged) -> EventData:
    return contract.TicketAcknowledged(**_turn(ticket), at=event.at, automatic=event.automatic, late=event.late)


@_announces(facts.Contacted)
def _contacted(ticket: Ticket, event: facts.Contacted) -> EventData:
    return contract.TicketContacted(**_turn(ticket), at=event.at, late=event.late)


@_announces(facts.Progressed)
def _progressed(ticket: Ticket, event: facts.Progressed) -> EventData:
    leg = _leg(ticket)
    return contract.TicketProgressed(
        ticket_id=ticket.id,
        round=leg.round,
        department_code=leg.department_code,
        at=event.at,
        note=mask_text(event.note),
    )


@_announces(facts.ReturnRequested)
def _return_requested(ticket: Ticket, event: facts.ReturnRequested) -> EventData:
    return contract.TicketReturnRequested(**_turn(ticket), reason_code=event.reason_code.value, at=event.at)


@_announces(facts.ReturnApproved)
def _return_approved(ticket: Ticket, event: facts.ReturnApproved) -> EventData:
    return contract.TicketReturnDecided(**_turn(ticket), approved=True, at=event.at)


@_announces(facts.ReturnRefused)
def _return_refused(ticket: Ticket, event: facts.ReturnRefused) -> EventData:
    return contract.TicketReturnDecided(**_turn(ticket), approved=False, at=event.at)


@_announces(facts.Resolved)
def _resolved(ticket: Ticket, event: facts.Resolved) -> EventData:
    return contract.TicketResolved(
        **_turn(ticket),
        at=event.at,
        resolved=event.resolution.resolved,
        measure=event.resolution.measure,
        late=event.late,
    )


@_announces(facts.ResolutionRejected)
def _resolution_rejected(ticket: Ticket, event: facts.ResolutionRejected) -> EventData:
    return contract.TicketResolutionRejected(**_turn(ticket), at=event.at)


@_announces(facts.ResolutionAccepted)
def _resolution_accepted(ticket: Ticket, event: facts.ResolutionAccepted) -> EventData:
    leg = _leg(ticket)
    if leg.resolution is None or leg.resolved_at is None:
        raise AssertionError("what is accepted has been submitted")
    return contract.TicketResolutionAccepted(
        **_turn(ticket),
        department_name=leg.department_name,
        accepted_at=event.at,
        resolved_at=leg.resolved_at,
        resolve_due_at=leg.clocks.resolve_due_at,
        late=leg.late_resolve,
        resolved=leg.resolution.resolved,
        public_reply=mask_text(leg.resolution.public_reply or ""),
    )


@_announces(facts.RedoStarted)
def _redo_started(ticket: Ticket, event: facts.RedoStarted) -> EventData:
    leg = event.leg
    return contract.TicketRedoStarted(
        **_turn(ticket),
        department_name=leg.department_name,
        at=event.at,
        contact_due_at=leg.clocks.contact_due_at,
        resolve_due_at=leg.clocks.resolve_due_at,
        promised_by=ticket.promised_by or leg.clocks.resolve_due_at,
    )


@_announces(facts.Resumed)
def _resumed(ticket: Ticket, event: facts.Resumed) -> EventData | None:
    return _rescheduled(ticket, "resumed", event.at)


@_announces(facts.Recategorized)
def _recategorized(ticket: Ticket, event: facts.Recategorized) -> EventData | None:
    return None if event.dues is None else _rescheduled(ticket, "recategorized", event.at)


def _rescheduled(ticket: Ticket, reason: Literal["resumed", "recategorized"], at: datetime) -> EventData | None:
    """Of interest only while a department has it; what waits for dispatch has promised nothing yet."""
    leg = ticket.leg
    if leg is None or not ticket.has_open_leg:
        return None
    return contract.TicketRescheduled(
        **_turn(ticket),
        department_name=leg.department_name,
        reason=reason,
        status=ticket.status,
        at=at,
        policy_code=leg.clocks.policy_code,
        acknowledge_due_at=leg.clocks.acknowledge_due_at,
        contact_due_at=leg.clocks.contact_due_at,
        resolve_due_at=leg.clocks.resolve_due_at,
        promised_by=ticket.promised_by or leg.clocks.resolve_due_at,
    )


@_announces(facts.Imported)
def _imported(ticket: Ticket, event: facts.Imported) -> EventData:
    leg = _leg(ticket)
    return contract.TicketImported(
        ticket_id=ticket.id,
        department_code=leg.department_code,
        department_name=leg.department_name,
        category_code=ticket.matter.category_code,
        grid_code=ticket.matter.grid_code,
        dispatched_at=leg.dispatched_at,
        resolve_due_at=leg.clocks.resolve_due_at if event.due_known else None,
        resolved_at=leg.resolved_at,
        closed_at=ticket.closed_at,
        late=leg.late_resolve if event.due_known else None,
    )


@_announces(facts.TimerFired)
def _timer_fired(ticket: Ticket, event: facts.TimerFired) -> EventData:
    is_of_turn = event.timer is not TimerName.DISPATCH
    return contract.TicketTimerFired(
        ticket_id=ticket.id,
        round=ticket.round,
        leg=event.leg_number,
        department_code=ticket.department_code if is_of_turn else None,
        timer=event.timer,
        level=event.level,
        due_at=event.due_at,
        fired_at=event.at,
    )
