"""Timers whose time has come: warnings and breaches are told once, and T_SIGN moves the ticket on (T16)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.dispatch.db import history, tickets, timers
from services.dispatch.db.history import HistoryEntry
from services.dispatch.db.timers import DueTimer
from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_events import Event, TimerFired
from services.dispatch.domain.ticket_machine import decide, evolve
from services.dispatch.domain.ticket_moves import AutoAcknowledge
from services.dispatch.use_cases.carry_out import SYSTEM_ACTOR, tell
from shared.db.unit_of_work import UnitOfWork
from shared.observability.metrics import TIMER_LAG_SECONDS
from shared.vocabulary import AppealStatus, TimerLevel, TimerName

_LATE_FLAGS = {
    TimerName.ACKNOWLEDGE: "late_sign",
    TimerName.CONTACT: "late_contact",
    TimerName.RESOLVE: "late_resolve",
}


async def fire_due_timers(
    uow: UnitOfWork, *, limit: int, without: Sequence[UUID] = (), only: UUID | None = None
) -> list[UUID]:
    """Fire what is due on up to `limit` tickets, or on `only` one, and return these tickets.

    Exactly once: the row's state changes in the transaction that tells of it. Tickets are locked first, then their
    timers, as in every move; a ticket that somebody is moving is left for the next sweep, which sees what came of it.
    """
    candidates = [only] if only is not None else await timers.tickets_with_due_timers(uow, limit, without)
    if not candidates:
        return []
    locked = {ticket.id: ticket for ticket in await tickets.lock_tickets_unless_busy(uow, candidates)}
    due = await timers.lock_due_timers(uow, list(locked))
    if not due:
        return []
    entries: list[HistoryEntry] = []
    changed: dict[UUID, Ticket] = {}
    late_legs: list[tuple[UUID, int, str]] = []
    for timer in due:
        before = changed.get(timer.ticket_id, locked[timer.ticket_id])
        after = _fire(uow, before, timer, entries)
        if timer.level is TimerLevel.RED_CARD and timer.timer in _LATE_FLAGS and timer.leg != before.leg_number:
            late_legs.append((timer.ticket_id, timer.leg, _LATE_FLAGS[timer.timer]))
        if replace(after, updated_at=before.updated_at) != before:
            changed[timer.ticket_id] = after
    await tickets.save_tickets(uow, [replace(ticket, version=ticket.version + 1) for ticket in changed.values()])
    await tickets.mark_late_legs(uow, late_legs)
    await timers.mark_fired(uow, due)
    await history.append(uow, entries)
    for entry in entries:
        tell(uow, entry.after, entry.event)
    uow.after_commit(lambda: _observe(due, uow.now))
    return sorted(locked)


def _observe(fired: Sequence[DueTimer], now: datetime) -> None:
    for timer in fired:
        TIMER_LAG_SECONDS.labels(timer.timer.value).observe((now - timer.fire_at).total_seconds())


def _fire(uow: UnitOfWork, ticket: Ticket, timer: DueTimer, entries: list[HistoryEntry]) -> Ticket:
    fired = TimerFired(uow.now, timer.leg, timer.timer, timer.level, timer.due_at)
    events: list[Event] = [fired]
    runs_out = timer.timer is TimerName.ACKNOWLEDGE and timer.level is TimerLevel.RED_CARD
    if runs_out and ticket.status is AppealStatus.AWAITING_ACKNOWLEDGEMENT and timer.leg == ticket.leg_number:
        events += decide(ticket, AutoAcknowledge(), uow.now)
    for event in events:
        before, ticket = ticket, evolve(ticket, event)
        entries.append(HistoryEntry.of(before, ticket, event, SYSTEM_ACTOR))
    return ticket
