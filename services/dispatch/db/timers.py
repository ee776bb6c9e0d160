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


async def pause(uow: UnitOfWork, ticket_id: UUID, leg: int, names: Iterable[TimerName], paused_at: datetime) -> None:
    """Let what was still to come at `paused_at` wait, with the time it would have fired."""
    await uow.connection.execute(_PAUSE, _keys(ticket_id, leg, names) | {"paused_at": paused_at})


async def paused_of(uow: UnitOfWork, ticket_id: UUID, leg: int) -> list[TimerPlan]:
    """Return what waits on a leg, as it would have fired without the pause."""
    result = await uow.connection.execute(_PAUSED, {"ticket_id": ticket_id, "leg": leg})
    return [TimerPlan(TimerName(row.timer), TimerLevel(row.level), row.fire_at, row.due_at) for row in result]


async def resume(uow: UnitOfWork, ticket_id: UUID, leg: int, plans: Sequence[TimerPlan]) -> None:
    """Arm what waited on a leg, at its new times."""
    await uow.connection.execute(_RESUME, _keys_and_times(ticket_id, leg, plans))


async def shift(uow: UnitOfWork, ticket_id: UUID, leg: int, plans: Sequence[TimerPlan]) -> None:
    """Put other times, and other rungs, in the place of what has not fired of the timers in `plans`.

    Each timer stays armed, paused or cancelled as it was; one of which nothing is left to fire stays as it is.
    """
    parameters = _keys_and_times(ticket_id, leg, plans)
    result = await uow.connection.execute(_TAKE_AWAY, parameters)
    states: dict[str, str] = {}
    for row in result:
        known = states.get(row.timer)
        states[row.timer] = row.state if known is None or row.state != "cancelled" else known
    kept = [plan for plan in plans if plan.timer in states]
    rows = _keys_and_times(ticket_id, leg, kept) | {"states": [states[plan.timer] for plan in kept]}
    await uow.connection.execute(_PUT_BACK, rows)


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


def _keys_and_times(ticket_id: UUID, leg: int, plans: Sequence[TimerPlan]) -> dict[str, object]:
    return {
        "ticket_id": ticket_id,
        "leg": leg,
        "timers": [plan.timer for plan in plans],
        "levels": [plan.level for plan in plans],
        "fire_at": [plan.fire_at for plan in plans],
        "due_at": [plan.due_at for plan in plans],
    }


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
  AND (state = 'armed' AND fire_at > :now OR state = 'paused')
""")
_PAUSE = sa.text("""
UPDATE dispatch.timers SET state = 'paused'
WHERE ticket_id = :ticket_id AND leg = :leg AND timer = ANY(CAST(:timers AS text[]))
  AND state = 'armed' AND fire_at > :paused_at
""")
_PAUSED = sa.text("""
SELECT timer, level, fire_at, due_at FROM dispatch.timers
WHERE ticket_id = :ticket_id AND leg = :leg AND state = 'paused'
""")
_TIMES = """
unnest(
    CAST(:timers AS text[]), CAST(:levels AS text[]), CAST(:fire_at AS timestamptz[]), CAST(:due_at AS timestamptz[])
)
"""
_RESUME = sa.text(f"""
UPDATE dispatch.timers AS t SET state = 'armed', fire_at = p.fire_at, due_at = p.due_at
FROM {_TIMES} AS p(timer, level, fire_at, due_at)
WHERE t.ticket_id = :ticket_id AND t.leg = :leg AND t.timer = p.timer AND t.level = p.level AND t.state = 'paused'
""")  # noqa: S608 - put together from constants
_TAKE_AWAY = sa.text("""
DELETE FROM dispatch.timers
WHERE ticket_id = :ticket_id AND leg = :leg AND timer = ANY(CAST(:timers AS text[])) AND state <> 'fired'
RETURNING timer, state
""")
_PUT_BACK = sa.text("""
INSERT INTO dispatch.timers (ticket_id, leg, timer, level, fire_at, due_at, state)
SELECT :ticket_id, :leg, p.* FROM unnest(
    CAST(:timers AS text[]), CAST(:levels AS text[]), CAST(:fire_at AS timestamptz[]),
    CAST(:due_at AS timestamptz[]), CAST(:states AS text[])
) AS p(timer, level, fire_at, due_at, state)
ON CONFLICT (ticket_id, leg, timer, level) DO NOTHING
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
