"""What is said of a ticket and moves nothing: the citizen asked again (催办), a group gathers behind it (HZ-12)."""

from uuid import UUID

from services.dispatch.db import appeal_marks, tickets
from services.dispatch.domain.ticket_moves import RaiseGroupRisk, Urge
from services.dispatch.use_cases.carry_out import INTAKE_ACTOR, carry_out
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealGroupRiskRaised, AppealUrged
from shared.db.unit_of_work import UnitOfWork


async def urge_ticket(uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealUrged) -> None:
    """Count an urge on the ticket, whatever its state; without one it is kept until there is one."""
    ticket = await tickets.lock_ticket_of_appeal(uow, appeal_id)
    if ticket is None:
        await appeal_marks.urge(uow, appeal_id, event.count)
        return
    await carry_out(uow, workplace, ticket, Urge(event.count, event.channel), INTAKE_ACTOR)


async def raise_group_risk(
    uow: UnitOfWork, workplace: Workplace, appeal_id: UUID, event: AppealGroupRiskRaised
) -> None:
    """Mark a ticket as one that a group stands behind; without one the mark is kept until there is one."""
    ticket = await tickets.lock_ticket_of_appeal(uow, appeal_id)
    if ticket is None:
        await appeal_marks.raise_group_risk(uow, appeal_id)
        return
    command = RaiseGroupRisk(event.reason, event.households, event.persons, event.appeals)
    await carry_out(uow, workplace, ticket, command, INTAKE_ACTOR)
