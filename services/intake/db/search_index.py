"""Filling the table that appeals are found in: what is not in it yet, what is out of date, its segments, common terms.

A row belongs to a segment of some thousand appeals, and every term of it is mixed with the segment's salt: so one
inverted index holds a small one per segment, and a search looks into the newest first and stops early (ADR 0020).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals
from services.intake.db.tables_search import TERMS_INDEX, appeal_search, search_segments, search_state
from services.intake.domain.terms import hash_of

# Raise it when terms are made in another way: the check in the background then makes every row anew.
ALGORITHM: Final = 1
APPEALS_PER_SEGMENT: Final = 8_192
# What may pass between drawing an appeal's id and the start of the transaction that writes it, clocks included.
MARGIN_SECONDS: Final = 30
# The advisory lock of whoever writes the index.
LOCK: Final = 0x5EA7C4
_SAMPLE: Final = 3_000
# Of fewer appeals no word can be said to be common.
FEWEST_TO_SAMPLE: Final = 300
_COMMON_FROM: Final = 4

Row = Mapping[str, Any]


def salt_of(segment: int) -> int:
    """Return the number that the terms of a segment are mixed with."""
    return hash_of(f"segment {segment}")


async def lock_index(connection: AsyncConnection) -> bool:
    """Whether this transaction may write the index: one at a time."""
    return bool((await connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": LOCK})).scalar_one())


_TAKE: Final = text(
    """
WITH taken AS (
    SELECT appeal_id FROM intake.search_queue ORDER BY queued_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
DELETE FROM intake.search_queue AS q USING taken WHERE q.appeal_id = taken.appeal_id RETURNING q.appeal_id
"""
)


async def take_queued(connection: AsyncConnection, limit: int) -> list[UUID]:
    """Take appeals off the queue; they are back on it if the transaction fails. Read them in a later statement only."""
    return list((await connection.execute(_TAKE, {"limit": limit})).scalars())


_UNINDEXED: Final = text(
    """
SELECT a.id FROM intake.appeals a
WHERE a.id > CAST(:after AS uuid)
  AND NOT EXISTS (SELECT FROM intake.appeal_search s WHERE s.appeal_id = a.id)
ORDER BY a.id LIMIT :limit
"""
)
_THROUGH: Final = sa.select(search_state.c.indexed_through)


async def indexed_through(connection: AsyncConnection) -> UUID:
    """Return the id up to which nothing is missing."""
    through: UUID = (await connection.execute(_THROUGH)).scalar_one()
    return through


_WORK: Final = text(
    """
SELECT state.indexed_through,
       EXISTS (SELECT FROM intake.search_queue)
       OR EXISTS (SELECT FROM intake.appeals a WHERE a.id > state.indexed_through
                  AND NOT EXISTS (SELECT FROM intake.appeal_search s WHERE s.appeal_id = a.id)) AS is_waiting
FROM intake.search_state state
"""
)


@dataclass(frozen=True, slots=True)
class Work:
    """Whether any appeal waits to be indexed, and up to which id nothing is missing."""

    is_waiting: bool
    through: UUID


async def find_work(connection: AsyncConnection) -> Work:
    """Look whether there is anything to do: one statement, as it is asked twice a second."""
    row = (await connection.execute(_WORK)).one()
    return Work(row.is_waiting, row.indexed_through)


async def find_unindexed(connection: AsyncConnection, after: UUID, limit: int) -> list[UUID]:
    """Return ids of appeals without a row, the oldest first."""
    return list((await connection.execute(_UNINDEXED, {"after": after, "limit": limit})).scalars())


_SETTLED: Final = text(
    """
SELECT least(clock_timestamp(), min(xact_start)) - make_interval(secs => :margin) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
)


async def settled_before(connection: AsyncConnection) -> datetime:
    """Return the moment before which every id drawn is committed or never will be.

    Ids carry the time they were drawn. A transaction that is still open holds this moment back, so that an appeal
    that is committed late is never skipped.
    """
    moment: datetime = (await connection.execute(_SETTLED, {"margin": MARGIN_SECONDS})).scalar_one()
    return moment


async def advance_through(connection: AsyncConnection, appeal_id: UUID) -> None:
    """Note that nothing up to this id is missing; it never goes back."""
    statement = sa.update(search_state).where(search_state.c.indexed_through < appeal_id)
    await connection.execute(statement.values(indexed_through=appeal_id))


_WRONG: Final = text(
    """
SELECT chunk.id, s.appeal_id IS NULL OR s.algorithm <> :algorithm AS is_wrong
FROM (SELECT id FROM intake.appeals WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :limit) AS chunk
LEFT JOIN intake.appeal_search s ON s.appeal_id = chunk.id ORDER BY chunk.id
"""
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A stretch of appeals that was looked at: where it ends, None at the end of all, and which rows are not right."""

    last: UUID | None
    wrong: Sequence[UUID]


async def check_rows(connection: AsyncConnection, after: UUID, limit: int) -> Checked:
    """Look at the next `limit` appeals after this id: is there a row, and of the current algorithm?"""
    rows = (await connection.execute(_WRONG, {"after": after, "limit": limit, "algorithm": ALGORITHM})).all()
    last = rows[-1].id if len(rows) == limit else None
    return Checked(last, [row.id for row in rows if row.is_wrong])


async def read_sources(connection: AsyncConnection, appeal_ids: Sequence[UUID]) -> list[Row]:
    """Return what rows of the index are made from, the oldest appeal first, with the segment a row is in already."""
    columns = (
        *(appeals.c[name] for name in ("id", "title", "description", "place", "category_code", "grid_code")),
        *(appeals.c[name] for name in ("channel", "type", "urgency", "mode", "longitude", "latitude")),
        appeals.c.created_at,
        appeals.c.received_at,
        appeal_search.c.segment,
        appeal_search.c.salt,
    )
    statement = (
        sa.select(*columns)
        .select_from(appeals.outerjoin(appeal_search, appeal_search.c.appeal_id == appeals.c.id))
        .where(appeals.c.id == sa.func.any(sa.cast(list(appeal_ids), postgresql.ARRAY(postgresql.UUID))))
        .order_by(appeals.c.created_at, appeals.c.id)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


@dataclass(slots=True)
class Segment:
    """A segment that is being filled."""

    number: int
    appeals: int

    @property
    def salt(self) -> int:
        return salt_of(self.number)


async def newest_segment(connection: AsyncConnection) -> Segment:
    """Return the segment that is being filled; the caller holds the lock on the index."""
    columns = (search_segments.c.segment, search_segments.c.appeals)
    statement = sa.select(*columns).order_by(search_segments.c.segment.desc()).limit(1)
    row = (await connection.execute(statement)).one_or_none()
    return Segment(row.segment, row.appeals) if row is not None else Segment(1, 0)


async def write_rows(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Store rows of the index; a row that is there is replaced, in its segment."""
    if not rows:
        return
    insert = postgresql.insert(appeal_search)
    changed = ("algorithm", "category_code", "cell", "longitude", "latitude", "terms")
    statement = insert.on_conflict_do_update(
        index_elements=["appeal_id"], set_={name: insert.excluded[name] for name in changed}
    )
    await connection.execute(statement, list(rows))


_EXTEND: Final = text(
    """
INSERT INTO intake.search_segments AS s
    (segment, salt, appeals, first_created_at, last_created_at, first_received_at)
VALUES (:segment, :salt, :appeals, :first_created_at, :last_created_at, :first_received_at)
ON CONFLICT (segment) DO UPDATE
SET appeals = s.appeals + excluded.appeals,
    first_created_at = least(s.first_created_at, excluded.first_created_at),
    last_created_at = greatest(s.last_created_at, excluded.last_created_at),
    first_received_at = least(s.first_received_at, excluded.first_received_at)
"""
)


async def extend_segments(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Count new rows in, and widen the times of their segments."""
    for segment in sorted({row["segment"] for row in rows}):
        own = [row for row in rows if row["segment"] == segment]
        await connection.execute(
            _EXTEND,
            {
                "segment": segment,
                "salt": salt_of(segment),
                "appeals": len(own),
                "first_created_at": min(row["created_at"] for row in own),
                "last_created_at": max(row["created_at"] for row in own),
                "first_received_at": min(row["received_at"] for row in own),
            },
        )


async def merge_pending(connection: AsyncConnection) -> None:
    """Merge new rows into the inverted index now: many at once are cheap, and no search has to read them one by one."""
    await connection.execute(text(f"SELECT gin_clean_pending_list('intake.{TERMS_INDEX}')"))


_SAMPLED: Final = text(
    """
WITH part AS MATERIALIZED (
    SELECT s.salt, s.terms FROM intake.appeal_search s TABLESAMPLE SYSTEM (:percent) LIMIT :most
), counted AS (
    SELECT t # part.salt AS term, count(*) AS appeals FROM part, unnest(part.terms) AS t
    GROUP BY 1 HAVING count(*) >= :common
)
INSERT INTO intake.common_terms (term, share)
SELECT term, appeals / (SELECT count(*) FROM part)::float8 FROM counted
"""
)


async def count_indexed(connection: AsyncConnection) -> int:
    """Return how many appeals are in the index, as its segments count them."""
    statement = sa.select(sa.func.coalesce(sa.func.sum(search_segments.c.appeals), 0))
    return int((await connection.execute(statement)).scalar_one())


async def sample_common_terms(connection: AsyncConnection, indexed: int) -> None:
    """Count terms anew on some thousand appeals taken from everywhere."""
    await connection.execute(text("DELETE FROM intake.common_terms"))
    percent = min(100.0, 100.0 * 1.2 * _SAMPLE / max(indexed, 1))
    values = {"percent": percent, "most": _SAMPLE, "common": _COMMON_FROM}
    await connection.execute(_SAMPLED, values)
