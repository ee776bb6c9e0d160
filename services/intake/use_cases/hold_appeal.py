"""Legal holds: while one stands, nothing of the appeal is destroyed."""

from uuid import UUID

from services.intake.db.privacy import Row, place_hold, read_holds, release_hold
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


async def hold_appeal(uow: UnitOfWork, appeal_id: UUID, *, reason: str, actor: str) -> list[Row]:
    """Place a hold and return all of the appeal's. Several may stand at once. Raises NotFound."""
    await get_appeal(uow, appeal_id)
    await place_hold(uow.connection, appeal_id, reason=reason, actor=actor, at=uow.now)
    return await read_holds(uow.connection, appeal_id)


async def release_appeal(uow: UnitOfWork, appeal_id: UUID, hold_id: UUID, *, reason: str, actor: str) -> list[Row]:
    """End one hold and return all of the appeal's. Raises NotFound when it does not stand."""
    released = await release_hold(uow.connection, hold_id, appeal_id=appeal_id, reason=reason, actor=actor, at=uow.now)
    if not released:
        raise NotFound("There is no such hold on this appeal, or it was released already.")
    return await read_holds(uow.connection, appeal_id)


async def list_holds(uow: UnitOfWork, appeal_id: UUID) -> list[Row]:
    """Return an appeal's holds, released ones too. Raises NotFound."""
    await get_appeal(uow, appeal_id)
    return await read_holds(uow.connection, appeal_id)
