"""What intake says of an appeal and decides nothing here: another category (T43), an urge (催办), a group gathering."""

from uuid import UUID

from services.feedback.db import groups
from shared.contracts.events import AppealGroupRiskRaised, AppealRecategorized, AppealUrged
from shared.db.unit_of_work import UnitOfWork

_COPIED = ("category_code", "category_name", "urgency", "mode", "title", "confidential")


async def record_recategorized(uow: UnitOfWork, appeal_id: UUID, event: AppealRecategorized) -> None:
    """Store what the appeal is about now. One that is no case yet tells of it when it is accepted."""
    await groups.update_facts(uow, appeal_id, {name: getattr(event, name) for name in _COPIED})


async def record_urged(uow: UnitOfWork, appeal_id: UUID, event: AppealUrged) -> None:
    """Store how often the citizen has asked again by now."""
    await groups.raise_counters(uow, appeal_id, urges=event.count)


async def record_group_risk(uow: UnitOfWork, appeal_id: UUID, _event: AppealGroupRiskRaised) -> None:
    """Store that a group stands behind it (HZ-12)."""
    await groups.raise_counters(uow, appeal_id, group_risk=True)
