"""T17: a department says that the ticket is not its own."""

from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_moves import Return
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_department
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def return_ticket(uow: UnitOfWork, workplace: Workplace, request: MoveRequest, command: Return) -> Ticket:
    """Ask to return: before the first contact, inside T_RETURN, once per department and twice per ticket (3.4).

    Nothing pauses. The second return on a ticket is marked as needing a consultation; until consultations exist, the
    dispatcher decides it like the first. Raises Conflict with the failing guard's code.
    """
    ticket = await lock_for_department(uow, request)
    return await carry_out(uow, workplace, ticket, command, request.principal.actor)
