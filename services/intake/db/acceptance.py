"""Appeals whose scope was not decided in time (T_ACCEPT): marked once, listed, counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.appeals import JOINED, SHOWN, Row
from services.intake.db.tables import appeals
from services.intake.domain.machine import Move
from shared.vocabulary import AppealStatus

# Two workers never mark the same one: what the other has locked is skipped, and is marked when it is looked at again.
_MARK: Final = text(
    f"""
WITH late AS MATERIALIZED (
    SELECT id, accept_due_at FROM intake.appeals
    WHERE status = 'registered' AND accept_overdue_at IS NULL AND accept_due_at <= :now
    ORDER BY accept_due_at LIMIT :limit FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE intake.appeals a SET accept_overdue_at = :now FROM late WHERE a.id = late.id
), told AS (
    INSERT INTO intake.appeal_events (appeal_id, sequence, move, rules, from_status, to_status, actor, at, details)
    SELECT late.id,
           (SELECT coalesce(max(e.sequence), 0) + 1 FROM intake.appeal_events e WHERE e.appeal_id = late.id),
           '{Move.OVERRUN_ACCEPTANCE}', CAST(:rules AS text[]), 'registered', 'registered', :actor, :now,
           jsonb_build_object('due_at', late.accept_due_at)
    FROM late
)
SELECT accept_due_at FROM late
"""  # noqa: S608 - a name of our own
)


@dataclass(frozen=True, slots=True)
class OverdueMark:
    """What a marking writes into the history."""

    now: datetime
    rule_id: str
    actor: str


async def mark_overdue(connection: AsyncConnection, mark: OverdueMark, *, limit: int) -> list[datetime]:
    """Mark up to `limit` appeals that ran past their term, each once; return when they were due."""
    values = {"now": mark.now, "limit": limit, "rules": [mark.rule_id], "actor": mark.actor}
    return list((await connection.execute(_MARK, values)).scalars())


async def list_overdue(
    connection: AsyncConnection, now: datetime, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return appeals whose term ran out and whose scope is still open, the longest overdue first."""
    conditions = [appeals.c.status == AppealStatus.REGISTERED, appeals.c.accept_due_at <= now]
    if after is not None:
        conditions.append(sa.tuple_(appeals.c.accept_due_at, appeals.c.id) > sa.tuple_(*after))
    statement = (
        sa.select(*SHOWN)
        .select_from(JOINED)
        .where(*conditions)
        .order_by(appeals.c.accept_due_at, appeals.c.id)
        .limit(limit)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def count_overdue(connection: AsyncConnection, now: datetime, *, at_most: int) -> int:
    """Return how many are overdue, counted up to `at_most`."""
    found = (
        sa.select(appeals.c.id)
        .where(appeals.c.status == AppealStatus.REGISTERED, appeals.c.accept_due_at <= now)
        .limit(at_most)
        .subquery()
    )
    counted: Sequence[int] = (await connection.execute(sa.select(sa.func.count()).select_from(found))).scalars().all()
    return counted[0]
