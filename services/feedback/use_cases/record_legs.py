"""What departments did, leg by leg, as dispatch tells it: the raw material of later KPIs. Nothing is decided here."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.feedback.db.cases import (
    PastRound,
    TicketFacts,
    lock_cases,
    upsert_ticket,
    write_history,
)
from services.feedback.db.legs import (
    LegKey,
    raise_level,
    reopen_resolution,
    upsert_dispatched,
    upsert_imported,
    upsert_leg,
)
from services.feedback.domain.case import CaseMove, transition
from shared.contracts import events as e
from shared.db.unit_of_work import UnitOfWork

_DISPATCHED = (
    "round",
    "leg",
    "ticket_id",
    "department_code",
    "department_name",
    "grid_code",
    "policy_code",
    "dispatched_at",
    "acknowledge_due_at",
    "contact_due_at",
    "resolve_due_at",
)

_IMPORTED = (
    "ticket_id",
    "department_code",
    "department_name",
    "grid_code",
    "dispatched_at",
    "resolve_due_at",
    "resolved_at",
    "late",
)


async def record_dispatched(uow: UnitOfWork, tickets: Sequence[tuple[UUID, e.TicketDispatched]]) -> None:
    """T11 for several appeals, each at most once: who handles it now and what was promised."""
    rows: list[dict[str, Any]] = [
        {"appeal_id": appeal_id, **{name: getattr(ticket, name) for name in _DISPATCHED}}
        for appeal_id, ticket in tickets
    ]
    await upsert_dispatched(uow, rows)


async def record_acknowledged(uow: UnitOfWork, appeal_id: UUID, event: e.TicketAcknowledged) -> None:
    """T15, or T16 when nobody signed in time."""
    await upsert_leg(
        uow,
        LegKey(appeal_id, event.round, event.leg),
        {
            "department_code": event.department_code,
            "acknowledged_at": event.at,
            "acknowledged_automatically": event.automatic,
            "acknowledged_late": event.late,
        },
    )


async def record_contacted(uow: UnitOfWork, appeal_id: UUID, event: e.TicketContacted) -> None:
    """T21: the department spoke to the citizen."""
    values = {"department_code": event.department_code, "contacted_at": event.at, "contacted_late": event.late}
    await upsert_leg(uow, LegKey(appeal_id, event.round, event.leg), values)


async def record_return_requested(uow: UnitOfWork, appeal_id: UUID, event: e.TicketReturnRequested) -> None:
    """T17: the department says it is not theirs."""
    await upsert_leg(
        uow,
        LegKey(appeal_id, event.round, event.leg),
        {
            "department_code": event.department_code,
            "return_requested_at": event.at,
            "return_reason_code": event.reason_code,
            "return_approved": None,
            "return_decided_at": None,
        },
    )


async def record_return_decided(uow: UnitOfWork, appeal_id: UUID, event: e.TicketReturnDecided) -> None:
    """T18 or T19."""
    await upsert_leg(
        uow,
        LegKey(appeal_id, event.round, event.leg),
        {
            "department_code": event.department_code,
            "return_approved": event.approved,
            "return_decided_at": event.at,
        },
    )


async def record_resolved(uow: UnitOfWork, appeal_id: UUID, event: e.TicketResolved) -> None:
    """T30: the department says done; its own claim is kept apart from the citizen's word."""
    await upsert_leg(
        uow,
        LegKey(appeal_id, event.round, event.leg),
        {
            "department_code": event.department_code,
            "resolved_at": event.at,
            "resolved_late": event.late,
            "claimed_resolved": event.resolved,
            "measure": event.measure,
        },
    )


async def record_resolution_rejected(uow: UnitOfWork, appeal_id: UUID, event: e.TicketResolutionRejected) -> None:
    """T31: the resolve clock never stopped (trap 15)."""
    await reopen_resolution(uow, LegKey(appeal_id, event.round, event.leg), event.department_code)


async def record_timer_fired(uow: UnitOfWork, appeal_id: UUID, event: e.TicketTimerFired) -> None:
    """A warning or a breach on the ladder of section 3.6."""
    await raise_level(uow, LegKey(appeal_id, event.round, event.leg), event.timer, event.level)


async def record_redo_started(uow: UnitOfWork, appeal_id: UUID, event: e.TicketRedoStarted) -> None:
    """T35 as dispatch carried it out: a new leg with its own clock, round 1 stays as it was (trap 16)."""
    ticket = TicketFacts(event.ticket_id, event.department_code, event.department_name, event.round)
    await upsert_ticket(uow, appeal_id, ticket)
    await upsert_leg(
        uow,
        LegKey(appeal_id, event.round, event.leg),
        {
            "department_code": event.department_code,
            "dispatched_at": event.at,
            "contact_due_at": event.contact_due_at,
            "resolve_due_at": event.resolve_due_at,
        },
    )


async def record_rescheduled(uow: UnitOfWork, appeal_id: UUID, event: e.TicketRescheduled) -> None:
    """T5 or T43: the dates of a leg have moved, and perhaps the policy they come from."""
    await upsert_leg(
        uow,
        LegKey(appeal_id, event.round, event.leg),
        {
            "department_code": event.department_code,
            "policy_code": event.policy_code,
            "acknowledge_due_at": event.acknowledge_due_at,
            "contact_due_at": event.contact_due_at,
            "resolve_due_at": event.resolve_due_at,
        },
    )


async def record_imported(uow: UnitOfWork, tickets: Sequence[tuple[UUID, e.TicketImported]]) -> None:
    """Tickets of the past, each appeal at most once; one that is over closes its case and tells nobody.

    Raises IllegalMove when a case has a life of its own already.
    """
    rows: list[dict[str, Any]] = [
        {"appeal_id": appeal_id, **{name: getattr(ticket, name) for name in _IMPORTED}} for appeal_id, ticket in tickets
    ]
    await upsert_imported(uow, rows)
    ended = [
        PastRound(
            appeal_id=appeal_id,
            department_code=ticket.department_code,
            department_name=ticket.department_name,
            resolved_at=ticket.resolved_at,
            resolve_due_at=ticket.resolve_due_at,
            closed_at=ticket.closed_at,
            late=ticket.late,
        )
        for appeal_id, ticket in tickets
        if ticket.closed_at is not None
    ]
    for case in await lock_cases(uow, [past.appeal_id for past in ended]):
        transition(case.state, CaseMove.RECORD_HISTORY)
    await write_history(uow, ended)
