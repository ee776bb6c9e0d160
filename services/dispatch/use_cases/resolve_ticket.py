"""T30: a department submits its answer."""

from services.dispatch.domain.ticket import Resolution, Ticket
from services.dispatch.domain.ticket_moves import Resolve
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_department
from services.dispatch.use_cases.clocks import review_due
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def resolve_ticket(uow: UnitOfWork, workplace: Workplace, request: MoveRequest, resolution: Resolution) -> Ticket:
    """Submit a result: the time to answer stops provisionally, the hotline's time to review starts."""
    ticket = await lock_for_department(uow, request)
    data = await workplace.reference.current(uow)
    policy_code = ticket.leg.clocks.policy_code if ticket.leg is not None else ""
    due_at, plans = review_due(data, policy_code, uow.now)
    command = Resolve(resolution, due_at, plans)
    return await carry_out(uow, workplace, ticket, command, request.principal.actor)
