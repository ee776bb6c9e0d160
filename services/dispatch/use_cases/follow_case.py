"""T34 to T37: what feedback decided about a case is done to its ticket."""

from uuid import UUID

import structlog

from services.dispatch.db import appeal_marks, tickets
from services.dispatch.domain.ticket import ENDED_STATES, Ticket
from services.dispatch.domain.ticket_moves import Close, Note, PutOnLedger, Redo
from services.dispatch.use_cases.carry_out import FEEDBACK_ACTOR, carry_out
from services.dispatch.use_cases.clocks import redo_clocks
from services.dispatch.use_cases.group_tickets import attach_locked
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import CaseClosed, CasePutOnLedger, CaseRedoRequested
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealStatus

log = structlog.get_logger(__name__)


async def close_ticket(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: CaseClosed) -> Ticket | None:
    """Close (T34, T37). A ticket that has ended already stays as it is: an import is closed on both sides.

    A member of a group (T9) has no ticket when it was attached before it was accepted; should one come yet, it is
    closed when intake's word reaches it. If it has one that the word has not reached, feedback's does: it waits on its
    master's from now, and is closed.
    """
    if event.master_appeal_id is None:
        ticket = await _locked(uow, appeal_id)
    else:
        locked = await tickets.lock_tickets_of_appeals(uow, [appeal_id, event.master_appeal_id])
        if appeal_id not in locked:
            await appeal_marks.close(uow, appeal_id, event.reason)
            return None
        ticket = locked[appeal_id]
    if ticket.status in ENDED_STATES:
        return None
    if event.master_appeal_id is not None and ticket.status is not AppealStatus.ATTACHED:
        ticket = await attach_locked(uow, workplace, ticket, event.master_appeal_id, FEEDBACK_ACTOR)
    return await carry_out(uow, workplace, ticket, Close(event.round, event.reason), FEEDBACK_ACTOR)


async def put_on_ledger(
    uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: CasePutOnLedger
) -> Ticket | None:
    """Keep on the rolling ledger (T36)."""
    ticket = await _locked(uow, appeal_id)
    if ticket.status in ENDED_STATES:
        return None
    return await carry_out(uow, workplace, ticket, PutOnLedger(event.round, event.reason), FEEDBACK_ACTOR)


async def start_redo(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: CaseRedoRequested) -> Ticket | None:
    """Open the next round with the same department and clocks of its own (T35, trap 16); once per round."""
    ticket = await _locked(uow, appeal_id)
    if ticket.round >= event.next_round:
        log.info("ticket.redo_repeated", ticket_id=str(ticket.id), round=ticket.round)
        return None
    if ticket.status in ENDED_STATES or ticket.status is AppealStatus.ATTACHED:
        said = f"another round was asked for when it was {ticket.status}"
        return await carry_out(uow, workplace, ticket, Note(said), FEEDBACK_ACTOR)
    data = await workplace.reference.current(uow)
    command = Redo(event.next_round, redo_clocks(data, ticket.matter, uow.now))
    return await carry_out(uow, workplace, ticket, command, FEEDBACK_ACTOR)


async def _locked(uow: UnitOfWork, appeal_id: UUID) -> Ticket:
    """Feedback speaks only of what dispatch told it, so the ticket exists; otherwise the event is poison and shown."""
    ticket = await tickets.lock_ticket_of_appeal(uow, appeal_id)
    if ticket is None:
        raise NotFound("The appeal has no ticket")
    return ticket
