"""T31 and T32: the hotline office judges what a department has submitted."""

from services.dispatch.domain.ticket import Ticket
from services.dispatch.domain.ticket_moves import AcceptResolution, RejectResolution
from services.dispatch.use_cases.carry_out import MoveRequest, carry_out, lock_for_office
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork


async def review_resolution(
    uow: UnitOfWork, workplace: Workplace, request: MoveRequest, *, accept: bool, note: str
) -> Ticket:
    """Accept, and the citizen is asked; or reject, and the time to answer never stopped (trap 15)."""
    ticket = await lock_for_office(uow, request)
    command = AcceptResolution(note) if accept else RejectResolution(note)
    return await carry_out(uow, workplace, ticket, command, request.principal.actor)
