"""T15: a department says that it has the ticket."""

from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_moves import Acknowledge
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_department
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def acknowledge_ticket(uow: UnitOfWork, workplace: Workplace, request: MoveRequest) -> Ticket:
    """Acknowledge; legal once per turn, also after T16, a refused return or a redo. Raises as `lock_for_department`."""
    ticket = await lock_for_department(uow, request)
    return await carry_out(uow, workplace, ticket, Acknowledge(), request.principal.actor)
