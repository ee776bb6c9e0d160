"""T18 and T19: a dispatcher decides whether a department may return a ticket."""

from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_moves import ApproveReturn, RefuseReturn
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_office
from services.dispatch.use_cases.clocks import dispatch_due
from services.dispatch.use_cases.dispatch_ticket import send_to
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def decide_return(
    uow: UnitOfWork,
    workplace: Workplace,
    request: MoveRequest,
    *,
    approve: bool,
    note: str,
    department_code: str | None = None,
) -> Ticket:
    """Approve (it waits for dispatch, or goes on to `department_code` at once) or refuse (it stays, clocks run on)."""
    ticket = await lock_for_office(uow, request)
    actor = request.principal.actor
    if not approve:
        return await carry_out(uow, workplace, ticket, RefuseReturn(note), actor)
    data = await workplace.reference.current(uow)
    due_at, plans = dispatch_due(data, ticket.matter, uow.now)
    waiting = await carry_out(uow, workplace, ticket, ApproveReturn(note, due_at, plans), actor)
    if department_code is None:
        return waiting
    return await send_to(uow, workplace, waiting, department_code, reason=note, actor=actor)
