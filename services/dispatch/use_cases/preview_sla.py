"""Say when a period would be over, in one city's calendar."""

from dataclasses import dataclass
from datetime import datetime

from services.dispatch.domain.calendar import Due, Period
from services.dispatch.reference import ReferenceCache
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PreviewSla:
    """`calendar_code` None means the city's own."""

    start: datetime
    period: Period
    calendar_code: str | None = None


async def preview_sla(uow: UnitOfWork, query: PreviewSla, cache: ReferenceCache) -> Due:
    """Count `period` from `start`; the answer is exclusive. Raises NotFound for an unknown calendar, InvalidInput."""
    data = await cache.current(uow)
    return data.calendar(query.calendar_code).add(query.start, query.period)
