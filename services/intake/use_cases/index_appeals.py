"""Keeping the search index complete: new appeals within a second, changed ones after them, everything checked in turn.

Nothing is done while an appeal is registered: what has no row yet is found by comparing ids (ADR 0020).
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.intake.db import search_index as index
from services.intake.db.search_index import APPEALS_PER_SEGMENT, Checked, Row, Segment
from services.intake.domain import terms
from services.intake.domain.cells import cell_of
from services.intake.domain.terms import Facts
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork

_NOBODY = UUID(int=0)
_STRIDE_SECONDS = 10


async def index_appeals(uow: UnitOfWork, *, limit: int) -> int:
    """Bring up to `limit` changed and `limit` new appeals into the index; return how many rows were written.

    Idempotent. Returns 0 when another worker is at it.
    """
    connection = uow.connection
    if not await index.lock_index(connection):
        return 0
    queued = await index.take_queued(connection, limit)
    through = await index.indexed_through(connection)
    # What is settled is asked before what is missing: an appeal committed in between is not taken for settled.
    safe = await _settled(uow) if is_behind(through) else None
    new = await index.find_unindexed(connection, through, limit)
    written = await _write(uow, [*queued, *new])
    if safe is not None:
        await index.advance_through(connection, min(new[-1], safe) if len(new) == limit else safe)
    return written


async def has_work(database: Database) -> bool:
    """Whether `index_appeals` would do anything."""
    async with database.autocommit() as connection:
        work = await index.find_work(connection)
    return work.is_waiting or is_behind(work.through)


async def check_index(uow: UnitOfWork, *, after: UUID = _NOBODY, limit: int) -> tuple[UUID | None, int]:
    """Look at `limit` appeals after this id and mend their rows; return where to go on, None at the end, and how many.

    Finds what no other way has: rows lost with a restored backup, rows of an earlier algorithm.
    """
    if not await index.lock_index(uow.connection):
        return after, 0
    checked: Checked = await index.check_rows(uow.connection, after, limit)
    return checked.last, await _write(uow, checked.wrong)


async def sample_terms(uow: UnitOfWork, *, counted: int) -> int:
    """Count common terms anew when the index has grown by a tenth since it held `counted`; return what it holds."""
    indexed = await index.count_indexed(uow.connection)
    grown = abs(indexed - counted) * 10 > counted
    if grown and indexed >= index.FEWEST_TO_SAMPLE and await index.lock_index(uow.connection):
        await index.sample_common_terms(uow.connection, indexed)
        return indexed
    return counted


async def _write(uow: UnitOfWork, appeal_ids: Sequence[UUID]) -> int:
    if not appeal_ids:
        return 0
    sources = await index.read_sources(uow.connection, appeal_ids)
    segment = await index.newest_segment(uow.connection)
    rows, new = [], []
    for source in sources:
        await asyncio.sleep(0)  # a long text takes a while, and others have work to do as well
        if source["segment"] is not None:
            rows.append(_row(source, source["segment"], source["salt"]))
            continue
        if segment.appeals >= APPEALS_PER_SEGMENT:
            segment = Segment(segment.number + 1, 0)
        segment.appeals += 1
        new.append(_row(source, segment.number, segment.salt))
    await index.write_rows(uow.connection, [*rows, *new])
    await index.extend_segments(uow.connection, new)
    await index.merge_pending(uow.connection)
    return len(rows) + len(new)


def _row(source: Row, segment: int, salt: int) -> dict[str, Any]:
    longitude, latitude = source["longitude"], source["latitude"]
    facts = Facts(**{name: source[name] for name in Facts.__dataclass_fields__})
    found_by = terms.terms_of(source["title"], source["description"], source["place"]) | terms.fact_terms(facts)
    return {
        "appeal_id": source["id"],
        "segment": segment,
        "salt": salt,
        "algorithm": index.ALGORITHM,
        "created_at": source["created_at"],
        "received_at": source["received_at"],
        "category_code": source["category_code"] or "",
        "cell": cell_of(longitude, latitude) if longitude is not None else None,
        "longitude": longitude,
        "latitude": latitude,
        "terms": sorted(term ^ salt for term in found_by),
    }


async def _settled(uow: UnitOfWork) -> UUID:
    """Return the id below which no appeal can appear any more: ids begin with the milliseconds they were drawn at."""
    settled = await index.settled_before(uow.connection)
    return UUID(int=int(settled.timestamp() * 1000) << 80)


def is_behind(through: UUID) -> bool:
    """Whether there is enough for the line to advance over: an idle system should not write each second."""
    return (through.int >> 80) < time.time() * 1000 - 1000 * (index.MARGIN_SECONDS + _STRIDE_SECONDS)
