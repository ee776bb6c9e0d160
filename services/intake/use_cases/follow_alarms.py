"""Group alarms: the list of them, and taking one up."""

from datetime import datetime
from uuid import UUID

from services.intake.db.groups import Row, acknowledge_alarm, list_alarms
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


async def read_alarms(
    uow: UnitOfWork, *, acknowledged: bool | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of alarms, the newest first, and where the next one starts. Raises InvalidInput."""
    position = decode_cursor(cursor, (datetime, UUID)) if cursor is not None else None
    after = (position[0], position[1]) if position is not None else None
    found = await list_alarms(uow.connection, acknowledged=acknowledged, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return page, encode_cursor(page[-1]["raised_at"], page[-1]["id"]) if more else None


async def take_up_alarm(uow: UnitOfWork, alarm_id: UUID, *, actor: str, note: str) -> Row:
    """Record who took an alarm up and what is done; the first one stays on record. Raises NotFound."""
    row = await acknowledge_alarm(uow.connection, alarm_id, at=uow.now, actor=actor, note=note)
    if row is None:
        raise NotFound("There is no such alarm.")
    return row
