"""Candidates for look-alikes, few of very many: what lies near, what says the same rare words, what one person asked.

Each way is bounded by itself, so that the cost does not grow with the record: so many per cell and category, so many
per segment of the index (ADR 0020).
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

from services.intake.db.tables import appeals, categories, pii_vault, progress
from services.intake.db.tables_groups import memberships
from services.intake.db.tables_search import common_terms
from services.intake.domain.machine import OPEN
from shared.vocabulary import AppealStatus, AppealType

# How much of a description is compared.
COMPARED_CHARACTERS: Final = 600
_UNDER_WAY: Final = (*OPEN, AppealStatus.ATTACHED)
_PER_SEGMENT: Final = 8
_MOST_OF_A_PERSON: Final = 20

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which appeals may be look-alikes: since when, ended since when, whose, and whether reports are among them."""

    since: datetime
    ended_since: datetime
    department_code: str | None
    with_reports: bool
    without: UUID | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """Where to look for candidates: from a point, in which cells, at how many of each category in each cell."""

    point: tuple[float, float]
    cells: Sequence[int]
    most: Mapping[str, int]


_NEAR: Final = text(
    """
SELECT c.appeal_id
FROM unnest(CAST(:cells AS bigint[])) AS around(cell)
CROSS JOIN unnest(CAST(:codes AS text[]), CAST(:most AS int[])) AS kind(code, most)
CROSS JOIN LATERAL (
    SELECT s.appeal_id, s.longitude, s.latitude FROM intake.appeal_search s
    WHERE s.cell = around.cell AND s.category_code = kind.code AND s.created_at >= :since
    ORDER BY s.created_at DESC LIMIT kind.most
) AS c
JOIN intake.progress p ON p.appeal_id = c.appeal_id
WHERE (p.status = ANY(CAST(:under_way AS text[])) OR p.as_of >= :ended_since)
  AND (CAST(:department AS text) IS NULL OR p.department_code = :department)
ORDER BY power((c.longitude - CAST(:x AS float8)) * cos(radians(CAST(:y AS float8))), 2)
         + power(c.latitude - CAST(:y AS float8), 2)
LIMIT :best
"""
)


async def find_near(connection: AsyncConnection, scope: Scope, around: Around, *, best: int) -> list[UUID]:
    """Return the nearest `best` of the newest of each category in each cell."""
    values = {
        "cells": list(around.cells),
        "codes": list(around.most),
        "most": list(around.most.values()),
        "x": around.point[0],
        "y": around.point[1],
        "best": best,
        **_values(scope),
    }
    return [row.appeal_id for row in await connection.execute(_NEAR, values)]


_SAYING: Final = text(
    """
SELECT c.appeal_id,
       (SELECT count(*) FROM unnest(CAST(:some AS int[]) || CAST(:others AS int[])) AS k
        WHERE c.terms @> ARRAY[k # c.salt]) AS said
FROM (
    SELECT segment, salt FROM intake.search_segments WHERE last_created_at >= :since
    ORDER BY last_created_at DESC LIMIT :segments
) AS g
CROSS JOIN LATERAL (
    SELECT s.appeal_id, s.created_at, s.terms, s.salt FROM intake.appeal_search s
    JOIN intake.progress p ON p.appeal_id = s.appeal_id
    WHERE s.terms && ARRAY(SELECT k # g.salt FROM unnest(CAST(:some AS int[])) AS k)
      AND s.terms && ARRAY(SELECT k # g.salt FROM unnest(CAST(:others AS int[])) AS k)
      AND s.segment = g.segment
      AND (p.status = ANY(CAST(:under_way AS text[])) OR p.as_of >= :ended_since)
      AND (CAST(:department AS text) IS NULL OR p.department_code = :department)
    LIMIT :per_segment
) AS c
ORDER BY said DESC, c.created_at DESC LIMIT :best
"""
)


async def find_saying(
    connection: AsyncConnection, scope: Scope, *, keys: tuple[Sequence[int], Sequence[int]], segments: int, best: int
) -> list[UUID]:
    """Return appeals of the newest segments with a key of either list, those with most of both first."""
    values = {
        "some": list(keys[0]),
        "others": list(keys[1]),
        "segments": segments,
        "per_segment": _PER_SEGMENT,
        "best": best,
        **_values(scope),
    }
    return [row.appeal_id for row in await connection.execute(_SAYING, values)]


def _values(scope: Scope) -> dict[str, Any]:
    return {
        "since": scope.since,
        "ended_since": scope.ended_since,
        "department": scope.department_code,
        "under_way": [status.value for status in _UNDER_WAY],
    }


async def find_of_person(connection: AsyncConnection, hashes: Sequence[bytes]) -> list[UUID]:
    """Return the newest appeals of whoever has this phone number."""
    statement = (
        sa.select(pii_vault.c.appeal_id)
        .where(pii_vault.c.phone_hash.in_(hashes))
        .order_by(pii_vault.c.appeal_id.desc())
        .limit(_MOST_OF_A_PERSON)
    )
    return list((await connection.execute(statement)).scalars())


async def phone_hash_of(connection: AsyncConnection, appeal_id: UUID) -> bytes | None:
    """Return what an appeal's reporter is found by, None when there is no number."""
    statement = sa.select(pii_vault.c.phone_hash).where(pii_vault.c.appeal_id == appeal_id)
    found = (await connection.execute(statement)).scalar_one_or_none()
    return bytes(found) if found is not None else None


async def shares_of(connection: AsyncConnection, terms: Sequence[int]) -> dict[int, float]:
    """Return how common these terms are; those left out are rare."""
    among = common_terms.c.term == sa.func.any(sa.cast(list(terms), postgresql.ARRAY(sa.Integer)))
    rows = await connection.execute(sa.select(common_terms.c.term, common_terms.c.share).where(among))
    return {row.term: row.share for row in rows}


_COMPARED: Final = (
    appeals.c.id,
    appeals.c.receipt_number,
    appeals.c.type,
    appeals.c.category_code,
    categories.c.name.label("category_name"),
    appeals.c.title,
    sa.func.left(appeals.c.description, COMPARED_CHARACTERS).label("description"),
    appeals.c.place,
    appeals.c.longitude,
    appeals.c.latitude,
    appeals.c.created_at,
    (appeals.c.anonymous | appeals.c.confidential).label("is_protected"),
    progress.c.status,
    progress.c.department_code,
    pii_vault.c.phone_hash,
    memberships.c.master_id,
)
_WITH: Final = (
    appeals.join(progress, progress.c.appeal_id == appeals.c.id)
    .outerjoin(categories, categories.c.code == appeals.c.category_code)
    .outerjoin(pii_vault, pii_vault.c.appeal_id == appeals.c.id)
    .outerjoin(memberships, (memberships.c.appeal_id == appeals.c.id) & memberships.c.detached_at.is_(None))
)


async def read_matter(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return what of one appeal is compared, or None."""
    statement = sa.select(*_COMPARED).select_from(_WITH).where(appeals.c.id == appeal_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def read_candidates(connection: AsyncConnection, scope: Scope, ids: Sequence[UUID]) -> list[Row]:
    """Return what of these appeals is compared, without those that may not be look-alikes."""
    if not ids:
        return []
    conditions = [
        appeals.c.id == sa.func.any(sa.cast(list(ids), postgresql.ARRAY(postgresql.UUID))),
        progress.c.status.in_([status.value for status in _UNDER_WAY]) | (progress.c.as_of >= scope.ended_since),
        appeals.c.created_at >= scope.since,
    ]
    if scope.department_code is not None:
        conditions.append(progress.c.department_code == scope.department_code)
    if not scope.with_reports:
        conditions.append(appeals.c.type != AppealType.REPORT)
    if scope.without is not None:
        conditions.append(appeals.c.id != scope.without)
    statement = sa.select(*_COMPARED).select_from(_WITH).where(*conditions)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]
