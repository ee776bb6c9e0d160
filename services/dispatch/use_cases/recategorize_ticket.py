"""T43 after acceptance: another category, urgency or mode changes what is promised, from the original start."""

from uuid import UUID

import structlog

from services.dispatch.db import tickets
from services.dispatch.domain.ticket import ENDED_STATES, Classification, Dues, Ticket
from services.dispatch.domain.ticket_from_intake import reclassified
from services.dispatch.domain.ticket_moves import Note, Recategorize
from services.dispatch.use_cases.carry_out import INTAKE_ACTOR, carry_out
from services.dispatch.use_cases.recount import dues_recounted
from services.dispatch.use_cases.route_anew import route_anew
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealRecategorized
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput, NotFound
from shared.vocabulary import AppealStatus

log = structlog.get_logger(__name__)


async def recategorize_ticket(
    uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealRecategorized
) -> None:
    """Change what a ticket is about; what waits for a dispatcher is routed anew, a department keeps what it has.

    Policy and calendar are pinned anew. A ticket that has ended keeps what it was; without a ticket there is nothing.
    """
    ticket = await tickets.lock_ticket_of_appeal(uow, appeal_id)
    if ticket is None:
        log.info("ticket.none_to_recategorize", appeal_id=str(appeal_id))
        return
    if ticket.status in ENDED_STATES:
        await carry_out(uow, workplace, ticket, Note("recategorized after it had ended"), INTAKE_ACTOR)
        return
    classification = Classification(
        event.category_code,
        event.category_name,
        event.urgency,
        event.mode,
        event.title,
        event.confidential,
        event.type,
    )
    dues = await _dues(uow, workplace, ticket, classification)
    after = await carry_out(uow, workplace, ticket, Recategorize(classification, dues), INTAKE_ACTOR)
    if after.status is AppealStatus.AWAITING_DISPATCH:
        await route_anew(uow, workplace, after)


async def _dues(uow: UnitOfWork, workplace: Workplace, ticket: Ticket, classification: Classification) -> Dues | None:
    """None when nobody has it, or when the city promises nothing for the new matter: then the old dates stand."""
    if ticket.leg is None or not ticket.has_open_leg:
        return None
    data = await workplace.reference.current(uow)
    start = await tickets.start_of_round(uow, ticket) or ticket.leg.dispatched_at
    try:
        return dues_recounted(data, ticket, reclassified(ticket.matter, classification), start, uow.now)
    except (InvalidInput, NotFound) as error:
        log.warning("ticket.dates_not_recounted", ticket_id=str(ticket.id), code=error.code)
        return None
