"""Early warning of a group petition: many people or appeals gather on one cause within a day (HZ-12, section 8)."""

from uuid import UUID

from services.intake.db.groups import contributions_of, raise_alarm
from services.intake.domain.groups import RISK_WINDOW, Contribution, Risk, risk_of
from shared.contracts.events import AppealGroupRiskRaised
from shared.db.unit_of_work import UnitOfWork


async def warn_of_group(uow: UnitOfWork, master_id: UUID) -> list[Risk]:
    """Raise every alarm that a cause has come to, once per cause and reason; return those that are new."""
    found = await contributions_of(uow.connection, master_id, uow.now - RISK_WINDOW)
    return await _raise(uow, master_id, found)


async def warn_of_joint_appeal(uow: UnitOfWork, appeal_id: UUID, *, persons: int, households: int) -> list[Risk]:
    """The same for an appeal that is being registered and brings its group along."""
    return await _raise(uow, appeal_id, [Contribution(uow.now, persons, households)])


async def _raise(uow: UnitOfWork, appeal_id: UUID, found: list[Contribution]) -> list[Risk]:
    new = [risk for risk in risk_of(found, uow.now) if await raise_alarm(uow.connection, appeal_id, risk, uow.now)]
    for risk in new:
        uow.publish(
            AppealGroupRiskRaised(
                reason=risk.reason.value,
                households=risk.households,
                persons=risk.persons,
                appeals=risk.appeals,
                at=uow.now,
            ),
            subject=appeal_id,
        )
    return new
