"""SLA timers as rows: armed, fired once, or cancelled. Exactly once because the row is the state (trap 38)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.db.bulk import bulk_insert
from services.dispatch.db.tables_tickets import timers
from services.dispatch.domain.ticket import TimerPlan
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import TimerLevel, TimerName

_COLUMNS = ("ticket_id", "leg", "timer", "level", "fire_at", "due_at", "state")


@dataclass(frozen=True, slots=True)
class DueTimer:
    """An armed timer whose time has come."""

    ticket_id: UUID
    leg: int
    timer: TimerName
    level: TimerLevel
    fire_at: datetime
    due_at: datetime


async def arm(uow: UnitOfWork, plans: Iterable[tuple[UUID, int, TimerPlan]]) -> None:
    """Arm timers of new legs."""
    rows = [
        (ticket_id, leg, plan.timer, plan.level, plan.fire_at, plan.due_at, "armed") for ticket_id, leg, plan in plans
    ]
    await bulk_insert(uow.connection, timers, _COLUMNS, rows)


async def arm_again(uow: UnitOfWork, ticket_id: UUID, leg: int, plans: Iterable[TimerPlan]) -> None:
    """Arm timers of a leg that may have run before (a second review): what has fired stays fired."""
    for plan in plans:
        await uow.connection.execute(
            _ARM_AGAIN,
            {
                "ticket_id": ticket_id,
                "leg": leg,
                "timer": plan.timer,
                "level": plan.level,
                "fire_at": plan.fire_at,
                "due_at": plan.due_at,
            },
        )


async def cancel(uow: UnitOfWork, ticket_id: UUID, leg: int, names: Iterable[TimerName]) -> None:
    """Cancel what is armed and not yet due; what is due already stays for the sweep, so that no breach is swallowed."""
    await uow.connection.execute(_CANCEL, _keys(ticket_id, leg, names) | {"now": uow.now})


async def restore(uow: UnitOfWork, ticket_id: UUID, leg: int, names: Iterable[TimerName]) -> None:
    """Arm again what was cancelled, at its old time, as if it had never stopped (T31, trap 15)."""
    await uow.connection.execute(_RESTORE, _keys(ticket_id, leg, names))


async def tickets_with_due_timers(uow: UnitOfWork, limit: int, without: Sequence[UUID] = ()) -> list[UUID]:
    """Return tickets with an armed timer whose time has come, the longest due first; takes no lock."""
    result = await uow.connection.execute(_DUE_TICKETS, {"now": uow.now, "limit": limit, "without": list(without)})
    return list(dict.fromkeys(result.scalars()))


async def lock_due_timers(uow: UnitOfWork, ticket_ids: Sequence[UUID]) -> list[DueTimer]:
    """Lock and return the due timers of tickets that are locked already, in the order they should have fired."""
    result = await uow.connection.execute(_LOCK_DUE, {"ids": list(ticket_ids), "now": uow.now})
    return [
        DueTimer(row.ticket_id, row.leg, TimerName(row.timer), TimerLevel(row.level), row.fire_at, row.due_at)
        for row in result
    ]


async def mark_fired(uow: UnitOfWork, fired: Sequence[DueTimer]) -> None:
    """Set fired; they are locked, so nobody else has."""
    await uow.connection.execute(
        _FIRED,
        {
            "ids": [timer.ticket_id for timer in fired],
            "legs": [timer.leg for timer in fired],
            "timers": [timer.timer for timer in fired],
            "levels": [timer.level for timer in fired],
            "now": uow.now,
        },
    )


async def oldest_due_at(uow: UnitOfWork) -> datetime | None:
    """Return when the longest overdue armed timer should have fired: now minus this is the timer lag."""
    oldest: datetime | None = await uow.connection.scalar(_OLDEST, {"now": uow.now})
    return oldest


def _keys(ticket_id: UUID, leg: int, names: Iterable[TimerName]) -> dict[str, object]:
    return {"ticket_id": ticket_id, "leg": leg, "timers": list(names)}


_ARM_AGAIN = sa.text("""
INSERT INTO dispatch.timers AS t (ticket_id, leg, timer, level, fire_at, due_at, state)
VALUES (:ticket_id, :leg, :timer, :level, :fire_at, :due_at, 'armed')
ON CONFLICT (ticket_id, leg, timer, level) DO UPDATE
    SET state = 'armed', fire_at = excluded.fire_at, due_at = excluded.due_at
    WHERE t.state <> 'fired'
""")
_CANCEL = sa.text("""
UPDATE dispatch.timers SET state = 'cancelled'
WHERE ticket_id = :ticket_id AND leg = :leg AND timer = ANY(CAST(:timers AS text[]))
  AND state = 'armed' AND fire_at > :now
""")
_RESTORE = sa.text("""
UPDATE dispatch.timers SET state = 'armed'
WHERE ticket_id = :ticket_id AND leg = :leg AND timer = ANY(CAST(:timers AS text[])) AND state = 'cancelled'
""")
_DUE_TICKETS = sa.text("""
SELECT ticket_id FROM dispatch.timers
WHERE state = 'armed' AND fire_at <= :now AND ticket_id <> ALL(CAST(:without AS uuid[]))
ORDER BY fire_at, ticket_id LIMIT :limit
""")
_LOCK_DUE = sa.text("""
SELECT ticket_id, leg, timer, level, fire_at, due_at FROM dispatch.timers
WHERE ticket_id = ANY(CAST(:ids AS uuid[])) AND state = 'armed' AND fire_at <= :now
ORDER BY fire_at, ticket_id, leg, timer, level
FOR UPDATE
""")
_FIRED = sa.text("""
UPDATE dispatch.timers AS t SET state = 'fired', fired_at = :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:legs AS smallint[]), CAST(:timers AS text[]), CAST(:levels AS text[]))
    AS f(ticket_id, leg, timer, level)
WHERE t.ticket_id = f.ticket_id AND t.leg = f.leg AND t.timer = f.timer AND t.level = f.level AND t.state = 'armed'
""")
_OLDEST = sa.text("SELECT min(fire_at) FROM dispatch.timers WHERE state = 'armed' AND fire_at <= :now")
