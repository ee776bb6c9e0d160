"""Carrying out a move on a locked ticket: decide, change ticket and timers, write the history, tell the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from services.dispatch.db import history, tickets, timers
from services.dispatch.db.history import HistoryEntry
from services.dispatch.domain.ticket import Ticket, TimerPlan
from services.dispatch.domain.ticket_events import Event
from services.dispatch.domain.ticket_machine import decide, evolve, rule_for
from services.dispatch.domain.ticket_moves import Command
from services.dispatch.domain.ticket_rules import TimerAction, TimerEffect
from services.dispatch.use_cases.announce import announcement
from services.dispatch.use_cases.lease_tokens import matches
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, Forbidden
from shared.identity.principal import Principal
from shared.identity.scopes import Scope

SYSTEM_ACTOR = "system"
INTAKE_ACTOR = "intake"
FEEDBACK_ACTOR = "feedback"


class Expectation(Protocol):
    """What the caller has seen, e.g. an If-Match header; raises StaleVersion when `current` is something else."""

    def check(self, current: int) -> None: ...


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """Who wants to move which ticket, and on what it was decided: a lease, a version seen, or neither."""

    ticket_id: UUID
    principal: Principal
    lease_token: str | None = None
    expected: Expectation | None = None


async def lock_for_department(uow: UnitOfWork, request: MoveRequest) -> Ticket:
    """Lock a ticket for a move of its department.

    In this order (trap 39): not the caller's to see (NotFound), not the caller's to move (Forbidden), a lease that does
    not hold (Conflict `lease_lost`), a version that is not current (StaleVersion).
    """
    principal = request.principal
    ticket = await tickets.lock_ticket(uow, request.ticket_id, principal.department_code)
    if principal.department_code is None and not principal.has(Scope.ADMIN):
        raise Forbidden("Only the department that has the ticket makes this move.")
    _check_basis(uow, ticket, request)
    return ticket


async def lock_for_office(uow: UnitOfWork, request: MoveRequest) -> Ticket:
    """Lock a ticket for a move of the hotline office; a department never judges itself."""
    principal = request.principal
    ticket = await tickets.lock_ticket(uow, request.ticket_id, principal.department_code)
    if principal.department_code is not None:
        raise Forbidden("Only the hotline office makes this move.")
    _check_basis(uow, ticket, request)
    return ticket


def _check_basis(uow: UnitOfWork, ticket: Ticket, request: MoveRequest) -> None:
    if request.lease_token is not None:
        holds = ticket.lease_expires_at is not None and ticket.lease_expires_at > uow.now
        if not holds or not matches(request.lease_token, ticket.lease_token_hash):
            raise Conflict("The lease has ended or is another's; pull again.", code="lease_lost")
    if request.expected is not None:
        request.expected.check(ticket.version)


async def carry_out(
    uow: UnitOfWork, workplace: Workplace, ticket: Ticket, command: Command, actor: str = SYSTEM_ACTOR
) -> Ticket:
    """Make one move on a locked ticket and return the ticket after it.

    Raises IllegalMove or Conflict and changes nothing when the state or a guard forbids it. Tickets are locked before
    timers, here and in the sweep, so that a move and a timer at the same moment queue up and one of them wins.
    """
    effects = rule_for(ticket, command, uow.now).timers
    events = decide(ticket, command, uow.now)
    entries = []
    after = ticket
    for event in events:
        before, after = after, evolve(after, event)
        entries.append(HistoryEntry.of(before, after, event, actor))
    after = replace(after, version=ticket.version + 1)
    await tickets.save_ticket(uow, ticket, after)
    await _apply_to_timers(uow, ticket, after, effects, events)
    await history.append(uow, entries)
    for entry in entries:
        tell(uow, entry.after, entry.event)
    is_new_offer = after.leg_number != ticket.leg_number or not ticket.pull_pending
    if after.pull_pending and is_new_offer and after.department_code is not None:
        workplace.offer(uow, [after.department_code])
    return after


def tell(uow: UnitOfWork, ticket: Ticket, event: Event) -> None:
    """Publish what the other services are to know of an event."""
    told = announcement(ticket, event)
    if told is not None:
        uow.publish(told, subject=ticket.appeal_id)


async def _apply_to_timers(
    uow: UnitOfWork, before: Ticket, after: Ticket, effects: Iterable[TimerEffect], events: Sequence[Event]
) -> None:
    plans: list[TimerPlan] = [plan for event in events for plan in getattr(event, "timers", ())]
    for effect in effects:
        match effect.action:
            case TimerAction.STOP:
                await timers.cancel(uow, before.id, before.leg_number, effect.timers)
            case TimerAction.UNSTOP:
                await timers.restore(uow, before.id, before.leg_number, effect.timers)
            case TimerAction.START:
                wanted = [plan for plan in plans if plan.timer in effect.timers]
                if after.leg_number == before.leg_number:
                    await timers.arm_again(uow, after.id, after.leg_number, wanted)
                else:
                    await timers.arm(uow, [(after.id, after.leg_number, plan) for plan in wanted])
            case TimerAction.RESUME:
                await timers.resume(uow, before.id, before.leg_number, plans)
            case TimerAction.SHIFT:
                await timers.shift(uow, before.id, before.leg_number, plans)
            case TimerAction.PAUSE:
                since = uow.now if after.pause is None else after.pause.at
                await timers.pause(uow, before.id, before.leg_number, effect.timers, since)
