"""T2, T3, T6, T7, T8, T41: the appeal ended at the hotline, so its ticket is called back from whoever has it."""

from uuid import UUID

from services.dispatch.db import appeal_marks, tickets
from services.dispatch.domain.ticket import ENDED_STATES
from services.dispatch.domain.ticket_moves import CallBack, Note
from services.dispatch.use_cases.carry_out import INTAKE_ACTOR, carry_out
from services.dispatch.use_cases.group_tickets import recount_members
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealEnded
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus


async def call_back_ticket(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealEnded) -> None:
    """End the ticket of an appeal as intake has ended the appeal; who withdraws leaves its group by it.

    An appeal that was never accepted has no ticket, and one that has ended keeps how it ended: that is put on record.
    """
    master = await appeal_marks.end(uow, appeal_id) if event.status == "withdrawn" else None
    locked = await tickets.lock_tickets_of_appeals(uow, [appeal_id] if master is None else [appeal_id, master])
    ticket = locked.get(appeal_id)
    if ticket is not None and ticket.status in ENDED_STATES:
        said = f"{event.status} at the hotline ({event.rule}) after it had ended"
        await carry_out(uow, workplace, ticket, Note(said), INTAKE_ACTOR)
    elif ticket is not None:
        command = CallBack(AppealStatus(event.status), event.rule, event.reason_code or event.status, event.at)
        await carry_out(uow, workplace, ticket, command, INTAKE_ACTOR)
    if master is not None:
        what = f"{event.receipt_number} was withdrawn"
        await recount_members(uow, workplace, master, locked.get(master), what)
