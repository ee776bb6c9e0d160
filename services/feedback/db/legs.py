"""SQL of legs: each department's turn, its promises and what it kept. Every write is an upsert; a leg may be new."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert

from services.feedback.db.tables import legs
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import TimerLevel, TimerName

_KEY = ["appeal_id", "round", "leg"]
_LATE_COLUMN = {
    TimerName.ACKNOWLEDGE: "acknowledged_late",
    TimerName.CONTACT: "contacted_late",
    TimerName.RESOLVE: "resolved_late",
}

# One statement for case and leg of many appeals; sorted, so that two batches lock appeals in the same order.
_UPSERT_DISPATCHED = sa.text("""
WITH d AS (
    SELECT * FROM jsonb_to_recordset(:dispatched) AS d (
        appeal_id uuid, round smallint, leg smallint, ticket_id uuid, department_code text, department_name text,
        grid_code text, policy_code text, dispatched_at timestamptz, acknowledge_due_at timestamptz,
        contact_due_at timestamptz, resolve_due_at timestamptz)
    ORDER BY appeal_id
), of_case AS (
    INSERT INTO feedback.cases AS c (
        appeal_id, round, ticket_id, department_code, department_name, located_grid_code, created_at, updated_at)
    SELECT appeal_id, round, ticket_id, department_code, department_name, grid_code, :now, :now FROM d
    ON CONFLICT (appeal_id) DO UPDATE SET
        round = greatest(c.round, EXCLUDED.round), ticket_id = EXCLUDED.ticket_id,
        department_code = EXCLUDED.department_code, department_name = EXCLUDED.department_name,
        located_grid_code = EXCLUDED.located_grid_code, updated_at = EXCLUDED.updated_at
)
INSERT INTO feedback.legs (
    appeal_id, round, leg, department_code, policy_code, dispatched_at, acknowledge_due_at, contact_due_at,
    resolve_due_at)
SELECT appeal_id, round, leg, department_code, policy_code, dispatched_at, acknowledge_due_at, contact_due_at,
       resolve_due_at
FROM d
ON CONFLICT (appeal_id, round, leg) DO UPDATE SET
    department_code = EXCLUDED.department_code, policy_code = EXCLUDED.policy_code,
    dispatched_at = EXCLUDED.dispatched_at, acknowledge_due_at = EXCLUDED.acknowledge_due_at,
    contact_due_at = EXCLUDED.contact_due_at, resolve_due_at = EXCLUDED.resolve_due_at
""").bindparams(sa.bindparam("dispatched", type_=JSONB), sa.bindparam("now", type_=sa.DateTime(timezone=True)))


# The same for tickets of the past. What an earlier event said of lateness stays where this one says nothing.
_UPSERT_IMPORTED = sa.text("""
WITH d AS (
    SELECT * FROM jsonb_to_recordset(:imported) AS d (
        appeal_id uuid, ticket_id uuid, department_code text, department_name text, grid_code text,
        dispatched_at timestamptz, resolve_due_at timestamptz, resolved_at timestamptz, late boolean)
    ORDER BY appeal_id
), of_case AS (
    INSERT INTO feedback.cases AS c (
        appeal_id, round, ticket_id, department_code, department_name, located_grid_code, imported, created_at,
        updated_at)
    SELECT appeal_id, 1, ticket_id, department_code, department_name, grid_code, true, :now, :now FROM d
    ON CONFLICT (appeal_id) DO UPDATE SET
        round = greatest(c.round, EXCLUDED.round), ticket_id = EXCLUDED.ticket_id,
        department_code = EXCLUDED.department_code, department_name = EXCLUDED.department_name,
        located_grid_code = EXCLUDED.located_grid_code, updated_at = EXCLUDED.updated_at
)
INSERT INTO feedback.legs AS l (
    appeal_id, round, leg, department_code, dispatched_at, resolve_due_at, resolved_at, resolved_late)
SELECT appeal_id, 1, 1, department_code, dispatched_at, resolve_due_at, resolved_at, late FROM d
ON CONFLICT (appeal_id, round, leg) DO UPDATE SET
    department_code = EXCLUDED.department_code, dispatched_at = EXCLUDED.dispatched_at,
    resolve_due_at = EXCLUDED.resolve_due_at, resolved_at = EXCLUDED.resolved_at,
    resolved_late = coalesce(EXCLUDED.resolved_late, l.resolved_late)
""").bindparams(sa.bindparam("imported", type_=JSONB), sa.bindparam("now", type_=sa.DateTime(timezone=True)))


class LegKey(NamedTuple):
    """Which leg: of which appeal, in which round."""

    appeal_id: UUID
    round: int
    leg: int


async def upsert_dispatched(uow: UnitOfWork, dispatched: Sequence[dict[str, Any]]) -> None:
    """Store where several tickets were sent and what was promised; each appeal at most once."""
    await uow.connection.execute(_UPSERT_DISPATCHED, {"dispatched": list(dispatched), "now": uow.now})


async def upsert_imported(uow: UnitOfWork, imported: Sequence[dict[str, Any]]) -> None:
    """Store several tickets of the past, case and leg; each appeal at most once."""
    await uow.connection.execute(_UPSERT_IMPORTED, {"imported": list(imported), "now": uow.now})


async def upsert_leg(uow: UnitOfWork, key: LegKey, values: dict[str, Any]) -> None:
    """Store some facts of a leg; the others stay as they are."""
    inserted = pg_insert(legs).values(**key._asdict(), **values)
    await uow.connection.execute(inserted.on_conflict_do_update(index_elements=_KEY, set_=values))


async def reopen_resolution(uow: UnitOfWork, key: LegKey, department_code: str) -> None:
    """Take back the stop of the resolve clock: it never stopped (trap 15). What was late stays late."""
    inserted = pg_insert(legs).values(**key._asdict(), department_code=department_code, rejections=1)
    changed = {
        "rejections": legs.c.rejections + 1,
        "resolved_at": None,
        "claimed_resolved": None,
        "measure": None,
        "resolved_late": sa.case((legs.c.resolved_late, sa.true()), else_=None),
    }
    await uow.connection.execute(inserted.on_conflict_do_update(index_elements=_KEY, set_=changed))


async def raise_level(uow: UnitOfWork, key: LegKey, timer: TimerName, level: TimerLevel) -> None:
    """Note the highest rung of the ladder a leg has reached; from the red card on, what the timer guards is late."""
    values: dict[str, Any] = {"highest_level": level}
    late = _LATE_COLUMN.get(timer)
    if late is not None and level >= TimerLevel.RED_CARD:
        values[late] = True
    inserted = pg_insert(legs).values(**key._asdict(), **values)
    changed = {**values, "highest_level": sa.func.greatest(legs.c.highest_level, level)}
    await uow.connection.execute(inserted.on_conflict_do_update(index_elements=_KEY, set_=changed))
