"""T11 by hand: a dispatcher sends a waiting ticket to a department."""

from services.dispatch.db import decisions
from services.dispatch.db.decisions import DecisionRecord
from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_machine import rule_for
from services.dispatch.domain.ticket_moves import Dispatch
from services.dispatch.reference import ReferenceData
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_office
from services.dispatch.use_cases.clocks import clocks_after_return, first_clocks
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput


async def dispatch_ticket(
    uow: UnitOfWork, workplace: Workplace, request: MoveRequest, *, department_code: str, reason: str
) -> Ticket:
    """Send a ticket from triage to `department_code`. Raises InvalidInput for a department that cannot take it."""
    ticket = await lock_for_office(uow, request)
    return await send_to(uow, workplace, ticket, department_code, reason=reason, actor=request.principal.actor)


async def send_to(
    uow: UnitOfWork, workplace: Workplace, ticket: Ticket, department_code: str, *, reason: str, actor: str
) -> Ticket:
    """Dispatch a locked ticket and record the dispatcher's decision beside those of the rules."""
    data = await workplace.reference.current(uow)
    command = _command(data, ticket, department_code, uow, reason)
    after = await carry_out(uow, workplace, ticket, command, actor)
    record = DecisionRecord(
        ticket_id=ticket.id,
        number=await decisions.next_number(uow, ticket.id),
        decided_at=uow.now,
        decided_by=actor,
        department_code=department_code,
        rule_id=None,
        rule_set_version=None,
        grid_path=(),
        considered=(),
        fallback=False,
        explanation=reason,
    )
    await decisions.record_decisions(uow, [record])
    return after


def _command(data: ReferenceData, ticket: Ticket, code: str, uow: UnitOfWork, reason: str) -> Dispatch:
    matter = ticket.matter
    clocks = (
        first_clocks(data, matter, uow.now)
        if ticket.promised_by is None
        else clocks_after_return(data, matter, uow.now, ticket.promised_by)
    )
    department = data.departments.get(code)
    command = Dispatch(code, department.name if department is not None else "", clocks, reason)
    rule_for(ticket, command, uow.now)  # an illegal move is told before a department that does not exist
    if department is None or not department.is_active:
        what = "no such department" if department is None else "the department is retired"
        raise InvalidInput("The ticket cannot be sent there", [FieldProblem("/department_code", what)])
    return command
