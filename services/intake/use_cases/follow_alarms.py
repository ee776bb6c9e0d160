"""Group alarms: the list of them, and taking one up."""

from uuid import UUID

from services.intake.db.groups import Row, acknowledge_alarm, list_alarms
from shared.db.cursors import cut_page, decode_position
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


async def read_alarms(
    uow: UnitOfWork, *, acknowledged: bool | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of alarms, the newest first, and where the next one starts. Raises InvalidInput."""
    after = decode_position(cursor)
    found = await list_alarms(uow.connection, acknowledged=acknowledged, after=after, limit=limit + 1)
    return cut_page(found, limit, by="raised_at")


async def take_up_alarm(uow: UnitOfWork, alarm_id: UUID, *, actor: str, note: str) -> Row:
    """Record who took an alarm up and what is done; the first one stays on record. Raises NotFound."""
    row = await acknowledge_alarm(uow.connection, alarm_id, at=uow.now, actor=actor, note=note)
    if row is None:
        raise NotFound("There is no such alarm.")
    return row
