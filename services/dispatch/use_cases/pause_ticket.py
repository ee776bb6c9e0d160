"""T4 and T5 after acceptance: papers are awaited, and every clock waits with them (LZ-11, trap 7)."""

from uuid import UUID

import structlog

from services.dispatch.db import tickets, timers
from services.dispatch.domain.ticket_moves import Note, Resume, StopForPapers
from services.dispatch.domain.ticket_rules import PAUSABLE_STATES
from services.dispatch.use_cases.carry_out import INTAKE_ACTOR, carry_out
from services.dispatch.use_cases.open_tickets import open_tickets
from services.dispatch.use_cases.recount import dues_after_pause
from services.dispatch.use_cases.route_anew import route_anew
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealResumed, AppealSupplementRequested
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus

log = structlog.get_logger(__name__)


async def stop_for_papers(
    uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealSupplementRequested
) -> None:
    """Stop the clocks of a ticket from the moment the papers were asked for; whoever has it keeps it.

    Where no clock runs that papers could stop, it is put on record and nothing else. Without a ticket there is none.
    """
    ticket = await tickets.lock_ticket_of_appeal(uow, appeal_id)
    if ticket is None:
        log.info("ticket.none_to_pause", appeal_id=str(appeal_id))
        return
    if ticket.status not in PAUSABLE_STATES:
        said = f"papers were asked for when it was {ticket.status}"
        await carry_out(uow, workplace, ticket, Note(said), INTAKE_ACTOR)
        return
    started = ticket.leg.dispatched_at if ticket.leg is not None else ticket.created_at
    command = StopForPapers(paused_at=min(max(event.at, started), uow.now), due_at=event.due_at)
    await carry_out(uow, workplace, ticket, command, INTAKE_ACTOR)


async def resume_ticket(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealResumed) -> None:
    """Put a ticket back where it was, with what remained of every date; one that never was is opened."""
    ticket = await tickets.lock_ticket_of_appeal(uow, appeal_id)
    if ticket is None:
        await open_tickets(uow, workplace, [(appeal_id, event)])
        return
    if ticket.status is not AppealStatus.SUPPLEMENTING:
        said = f"the papers were complete when it was {ticket.status}"
        await carry_out(uow, workplace, ticket, Note(said), INTAKE_ACTOR)
        return
    data = await workplace.reference.current(uow)
    waiting = await timers.paused_of(uow, ticket.id, ticket.leg_number)
    dues = dues_after_pause(data, ticket, waiting, event.resumed_at)
    after = await carry_out(uow, workplace, ticket, Resume(event.resumed_at, dues), INTAKE_ACTOR)
    if after.status is AppealStatus.AWAITING_DISPATCH and after.leg is None:
        await route_anew(uow, workplace, after, is_in_triage=True)
