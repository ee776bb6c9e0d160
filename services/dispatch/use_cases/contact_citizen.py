"""T21: a department records that it spoke to the citizen."""

from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_moves import Contact
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_department
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def contact_citizen(uow: UnitOfWork, workplace: Workplace, request: MoveRequest, command: Contact) -> Ticket:
    """Record a contact; the first one of a turn stops T_CONTACT and ends the right to return."""
    ticket = await lock_for_department(uow, request)
    return await carry_out(uow, workplace, ticket, command, request.principal.actor)
