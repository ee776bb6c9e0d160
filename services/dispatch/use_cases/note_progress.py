"""A department leaves a note on the way, which the citizen sees."""

from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_moves import Progress
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_department
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def note_progress(uow: UnitOfWork, workplace: Workplace, request: MoveRequest, command: Progress) -> Ticket:
    """Record a note; no clock is touched."""
    ticket = await lock_for_department(uow, request)
    return await carry_out(uow, workplace, ticket, command, request.principal.actor)
