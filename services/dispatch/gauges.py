"""What dispatch shows of itself beside the message flow: tickets overdue, and how far the timer sweep is behind."""

from collections.abc import Mapping
from typing import Final

from services.dispatch.db.ticket_lists import count_overdue
from services.dispatch.db.timers import oldest_due_at
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.observability.metrics import OVERDUE_TICKETS, LabelValues, QueriedGauges

TIMERS_BEHIND: Final = "minqing_timers_behind_seconds"
_COUNTED_AT_MOST: Final = 100_000


def register_ticket_gauges(gauges: QueriedGauges, database: Database) -> None:
    """Add the gauges; each is one bounded query on a partial index when somebody looks."""

    async def overdue() -> Mapping[LabelValues, float]:
        found = await database.transact(lambda uow: count_overdue(uow, _COUNTED_AT_MOST), read_only=True)
        return {(): float(found)}

    async def behind() -> Mapping[LabelValues, float]:
        return {(): await database.transact(_seconds_behind, read_only=True)}

    gauges.register(OVERDUE_TICKETS, overdue, help_text="Running tickets past their due time, 100000 at most.")
    gauges.register(TIMERS_BEHIND, behind, help_text="How long the oldest timer that should have fired is due.")


async def _seconds_behind(uow: UnitOfWork) -> float:
    oldest = await oldest_due_at(uow)
    return 0.0 if oldest is None else (uow.now - oldest).total_seconds()
