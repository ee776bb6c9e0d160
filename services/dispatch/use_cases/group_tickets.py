"""T9 and its undoing: a ticket waits while its matter is handled with another appeal's, which counts its members.

Whoever touches two tickets locks both at once, in the order of their ids.
"""

from datetime import datetime
from uuid import UUID

from services.dispatch.db import appeal_marks, tickets
from services.dispatch.db.appeal_marks import Voices
from services.dispatch.domain.ticket import ENDED_STATES, Ticket
from services.dispatch.domain.ticket_moves import Attach, Close, CountMembers, Detach, Note
from services.dispatch.use_cases.carry_out import FEEDBACK_ACTOR, INTAKE_ACTOR, carry_out
from services.dispatch.use_cases.open_tickets import matter_of, open_tickets
from services.dispatch.use_cases.route_anew import route_anew
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealAttached, AppealDetached, AppealFacts
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus


async def attach_ticket(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealAttached) -> None:
    """Let a ticket wait on its master's, and count it there. Neither need have a ticket (yet)."""
    voices = voices_of(event)
    previous = await appeal_marks.attach(uow, appeal_id, event.master_appeal_id, voices)
    involved = {appeal_id, event.master_appeal_id} | ({previous} if previous is not None else set())
    locked = await tickets.lock_tickets_of_appeals(uow, involved)
    ticket = locked.get(appeal_id)
    if ticket is not None:
        ticket = await attach_locked(uow, workplace, ticket, event.master_appeal_id, INTAKE_ACTOR)
        reason = await appeal_marks.closed_reason(uow, appeal_id)
        if reason is not None and ticket.status not in ENDED_STATES:
            await carry_out(uow, workplace, ticket, Close(ticket.round, reason), FEEDBACK_ACTOR)
    what = f"{event.receipt_number} is handled with it"
    await recount_members(uow, workplace, event.master_appeal_id, locked.get(event.master_appeal_id), what)
    if previous is not None and previous != event.master_appeal_id:
        what = f"{event.receipt_number} is handled with another now"
        await recount_members(uow, workplace, previous, locked.get(previous), what)


async def attach_locked(
    uow: UnitOfWork, workplace: Workplace, ticket: Ticket, master_appeal_id: UUID, actor: str
) -> Ticket:
    """Let a locked ticket wait on its master's; one that has ended keeps how it ended."""
    if ticket.status in ENDED_STATES:
        return await carry_out(uow, workplace, ticket, Note("attached to another appeal after it had ended"), actor)
    return await carry_out(uow, workplace, ticket, Attach(master_appeal_id), actor)


async def detach_ticket(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealDetached) -> None:
    """Send a ticket its own way again, with the citizen's clock where it started; without one, open it (section 8)."""
    await appeal_marks.detach(uow, appeal_id)
    locked = await tickets.lock_tickets_of_appeals(uow, [appeal_id, event.master_appeal_id])
    ticket = locked.get(appeal_id)
    if ticket is None:
        await open_tickets(uow, workplace, [(appeal_id, event)])
    elif ticket.status is AppealStatus.ATTACHED:
        await _go_own_way(uow, workplace, ticket, event)
    else:
        said = f"detached from another appeal when it was {ticket.status}"
        await carry_out(uow, workplace, ticket, Note(said), INTAKE_ACTOR)
    what = f"{event.receipt_number} is no longer handled with it"
    await recount_members(uow, workplace, event.master_appeal_id, locked.get(event.master_appeal_id), what)


async def recount_members(
    uow: UnitOfWork, workplace: Workplace, master_appeal_id: UUID, master: Ticket | None, reason: str
) -> None:
    """Put the number of members on the master's ticket; `master` is that ticket, locked, or None when there was none.

    Without a ticket nothing is lost: who opens it counts them. It cannot be opened in between.
    """
    if master is None:
        await appeal_marks.lock_unopened(uow, master_appeal_id)
        master = await tickets.lock_ticket_of_appeal(uow, master_appeal_id)
    if master is None:
        return
    members = await appeal_marks.members_of(uow, master_appeal_id)
    if members != master.members:
        await carry_out(uow, workplace, master, CountMembers(members, reason), INTAKE_ACTOR)


def voices_of(facts: AppealFacts) -> Voices:
    """Whom an appeal speaks for: at least the one who made it."""
    return Voices(facts.households, max(1, facts.signatories))


async def _go_own_way(uow: UnitOfWork, workplace: Workplace, ticket: Ticket, event: AppealDetached) -> None:
    since: datetime = await tickets.start_of_round(uow, ticket) or event.accepted_at
    data = await workplace.reference.current(uow)
    grid_code = data.area_of(event.grid_code, event.longitude, event.latitude, event.received_at)
    free = await carry_out(uow, workplace, ticket, Detach(matter_of(event, grid_code)), INTAKE_ACTOR)
    await route_anew(uow, workplace, free, since=since)
