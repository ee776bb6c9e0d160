"""Volume: appeals 件 and persons 人次 counted apart, each appeal in one place of what became of it (HZ-14, trap 23)."""

from datetime import datetime

from services.intake.db.volume import Period, Row, VolumeGroup, count_volume
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput


async def measure_volume(
    uow: UnitOfWork, *, start: datetime, end: datetime, group: VolumeGroup | None = None
) -> list[Row]:
    """Count what was put on record from `start` on and before `end`.

    collected = routed away + finished + withdrawn + unfinished, and what is unfinished may have been fed back all the
    same. Without a group there is exactly one row, of zeros when nothing came in. Raises InvalidInput.
    """
    if end <= start:
        raise InvalidInput("The period is empty.", [FieldProblem("/to", "must lie after `from`")])
    return await count_volume(uow.connection, Period(start, end), group)
