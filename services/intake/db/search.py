"""Searching appeals, newest first: by the tables themselves where a few rows are concerned, else by the index of terms.

The index holds a small inverted index per segment of some thousand appeals. A search looks into the segments with the
newest appeals first and stops as soon as no older one can hold anything newer than what is found: a common word is
answered by the first of them, a rare one costs a look into each, and neither depends on knowing which it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.appeals import JOINED, SHOWN, Row
from services.intake.db.tables import appeals, pii_vault, progress
from services.intake.db.tables_search import appeal_search, search_segments
from services.intake.domain.terms import EVERY_APPEAL, Facts, category_term, wanted_terms
from shared.vocabulary import AppealStatus

# Where a search begins: the newest segments hold what is asked for most often.
_FIRST_GROUP: Final = 2
_GROUP_GROWTH: Final = 4
_MOST_UNINDEXED: Final = 1_000
# So many appeals of a state or a department are read one by one before the index of terms is asked.
FEW: Final = 4_000

Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class AppealFilter:
    """What a search asks for; every given condition must hold. `category_codes` are one category and those below it."""

    receipt_number: str | None = None
    external: tuple[str, str] | None = None
    phone_hashes: Sequence[bytes] = ()
    email_hashes: Sequence[bytes] = ()
    category_codes: Sequence[str] = ()
    grid_code: str | None = None
    channel: str | None = None
    type: str | None = None
    urgency: str | None = None
    mode: str | None = None
    status: AppealStatus | None = None
    department_code: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None

    @property
    def is_pinpoint(self) -> bool:
        """Whether it names what very few appeals have."""
        return (
            self.receipt_number is not None or self.external is not None or bool(self.phone_hashes or self.email_hashes)
        )

    @property
    def is_of_progress(self) -> bool:
        """Whether it asks for what changes on the way."""
        return self.status is not None or self.department_code is not None

    @property
    def facts(self) -> Facts:
        """What of it is found by terms."""
        only = self.category_codes[0] if len(self.category_codes) == 1 else None
        return Facts(only, self.grid_code, self.channel, self.type, self.urgency, self.mode)

    @property
    def needs_terms(self) -> bool:
        """Whether an order by time alone could pass very many appeals in vain."""
        by_index = {"category_code"} if len(self.category_codes) == 1 and not self.is_of_progress else set()
        named = any(getattr(self.facts, each.name) for each in fields(Facts) if each.name not in by_index)
        return named or len(self.category_codes) > 1 or self.received_to is not None


# --- the tables themselves ------------------------------------------------------------------------------------------


async def list_appeals(
    connection: AsyncConnection,
    wanted: AppealFilter,
    *,
    after: Position | None,
    limit: int,
    also: Sequence[sa.ColumnElement[bool]] = (),
) -> list[Row]:
    """Return up to `limit` appeals, newest first, that come after the position `after`."""
    created = progress.c.registered_at if wanted.is_of_progress else appeals.c.created_at
    id_ = progress.c.appeal_id if wanted.is_of_progress else appeals.c.id
    conditions = [*_conditions(wanted), *also]
    since = _since(wanted)
    if since is not None:
        conditions.append(created >= since)
    if wanted.created_to is not None:
        conditions.append(created < wanted.created_to)
    if after is not None:
        conditions.append(sa.tuple_(created, id_) < sa.tuple_(*after))
    statement = sa.select(*SHOWN).select_from(JOINED).where(*conditions).order_by(created.desc(), id_.desc())
    return [dict(row) for row in (await connection.execute(statement.limit(limit))).mappings()]


async def list_among(
    connection: AsyncConnection, wanted: AppealFilter, ids: Sequence[UUID], *, after: Position | None
) -> list[Row]:
    """Return those of these appeals that a search asks for, newest first."""
    if not ids:
        return []
    among = appeals.c.id == sa.func.any(sa.cast(list(ids), postgresql.ARRAY(postgresql.UUID)))
    return await list_appeals(connection, wanted, after=after, limit=len(ids), also=[among])


def has_terms(keys: Sequence[int]) -> sa.ColumnElement[bool]:
    """The condition that an appeal carries these terms, or has no row in the index yet."""
    salted = [sa.literal(key, sa.Integer).op("#")(appeal_search.c.salt) for key in keys]
    without = (
        sa.select(appeal_search.c.appeal_id)
        .where(
            appeal_search.c.appeal_id == appeals.c.id,
            ~appeal_search.c.terms.contains(postgresql.array(salted)),
        )
        .correlate(appeals)
    )
    return ~without.exists()


def _conditions(wanted: AppealFilter) -> Iterator[sa.ColumnElement[bool]]:
    external = wanted.external or (None, None)
    equal = (
        (progress.c.status, wanted.status),
        (progress.c.department_code, wanted.department_code),
        (appeals.c.receipt_number, wanted.receipt_number),
        (appeals.c.external_system, external[0]),
        (appeals.c.external_id, external[1]),
        (appeals.c.channel, wanted.channel),
        (appeals.c.type, wanted.type),
        (appeals.c.urgency, wanted.urgency),
        (appeals.c.mode, wanted.mode),
    )
    for column, value in equal:
        if value is not None:
            yield column == value
    if len(wanted.category_codes) == 1:
        yield appeals.c.category_code == wanted.category_codes[0]
    elif wanted.category_codes:
        yield appeals.c.category_code.in_(wanted.category_codes)
    if wanted.grid_code is not None:
        yield appeals.c.grid_code.startswith(wanted.grid_code, autoescape=True)
    if wanted.received_from is not None:
        yield appeals.c.received_at >= wanted.received_from
    if wanted.received_to is not None:
        yield appeals.c.received_at < wanted.received_to
    yield from _of_person(wanted)


def _of_person(wanted: AppealFilter) -> Iterator[sa.ColumnElement[bool]]:
    by = ((pii_vault.c.phone_hash, wanted.phone_hashes), (pii_vault.c.email_hash, wanted.email_hashes))
    for column, hashes in by:
        if hashes:
            yield appeals.c.id.in_(sa.select(pii_vault.c.appeal_id).where(column.in_(hashes)))


async def horizon_of(connection: AsyncConnection, wanted: AppealFilter, *, after: Position | None) -> Position | None:
    """Return how far the newest `FEW` appeals in the state or with the department asked for reach, None: to the end."""
    conditions = []
    if wanted.status is not None:
        conditions.append(progress.c.status == wanted.status)
    if wanted.department_code is not None:
        conditions.append(progress.c.department_code == wanted.department_code)
    if (since := _since(wanted)) is not None:
        conditions.append(progress.c.registered_at >= since)
    if wanted.created_to is not None:
        conditions.append(progress.c.registered_at < wanted.created_to)
    place = (progress.c.registered_at, progress.c.appeal_id)
    if after is not None:
        conditions.append(sa.tuple_(*place) < sa.tuple_(*after))
    statement = sa.select(*place).where(*conditions).order_by(*(column.desc() for column in place))
    row = (await connection.execute(statement.offset(FEW - 1).limit(1))).one_or_none()
    return (row[0], row[1]) if row is not None else None


def not_before(position: Position) -> sa.ColumnElement[bool]:
    """The condition that an appeal does not come after this position."""
    return sa.tuple_(progress.c.registered_at, progress.c.appeal_id) >= sa.tuple_(*position)


_UNINDEXED: Final = text(
    """
(SELECT a.id FROM intake.appeals a
 WHERE a.id > (SELECT indexed_through FROM intake.search_state)
   AND NOT EXISTS (SELECT FROM intake.appeal_search s WHERE s.appeal_id = a.id)
 ORDER BY a.id DESC LIMIT :most)
UNION
(SELECT appeal_id FROM intake.search_queue LIMIT :most)
"""
)


async def unindexed_ids(connection: AsyncConnection) -> list[UUID]:
    """Return the newest appeals that are not in the index yet, and those whose row in it is out of date."""
    return list((await connection.execute(_UNINDEXED, {"most": _MOST_UNINDEXED})).scalars())


# --- the index of terms ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SegmentSpan:
    """A segment of the index and the times between which its appeals lie."""

    segment: int
    salt: int
    first_created_at: datetime
    last_created_at: datetime
    first_received_at: datetime


async def read_segments(connection: AsyncConnection) -> list[SegmentSpan]:
    """Return every segment, the one with the newest appeal first."""
    table = search_segments.c
    columns = (table.segment, table.salt, table.first_created_at, table.last_created_at, table.first_received_at)
    statement = sa.select(*columns).order_by(table.last_created_at.desc(), table.segment.desc())
    return [SegmentSpan(*row) for row in await connection.execute(statement)]


class IndexScan:
    """The ids of appeals that carry the terms of a search, newest first, from a position on."""

    def __init__(
        self,
        connection: AsyncConnection,
        wanted: AppealFilter,
        *,
        segments: Sequence[SegmentSpan],
        words: Sequence[int],
        after: Position | None,
    ) -> None:
        self._connection = connection
        self._wanted = wanted
        self._segments = [span for span in segments if _may_hold(span, wanted)]
        self._keys = sorted({*words, *wanted_terms(wanted.facts)}) or [EVERY_APPEAL]
        several = wanted.category_codes if len(wanted.category_codes) > 1 else ()
        self._any = [category_term(code) for code in several]
        self._after = after
        self.is_exhausted = False

    async def next_ids(self, count: int) -> list[Position]:
        """Return the next `count` positions; fewer mean that there are no more."""
        after = self._after
        segments = [span for span in self._segments if after is None or span.first_created_at <= after[0]]
        found: list[Position] = []
        size, begin = _FIRST_GROUP, 0
        while begin < len(segments):
            if len(found) == count and segments[begin].last_created_at < found[-1][0]:
                break
            found = sorted([*found, *await self._look(segments[begin : begin + size], count)], reverse=True)[:count]
            begin, size = begin + size, size * _GROUP_GROWTH
        self.is_exhausted = len(found) < count
        if found:
            self._after = found[-1]
        return found

    async def _look(self, segments: Sequence[SegmentSpan], count: int) -> list[Position]:
        wanted, after = self._wanted, self._after
        bounds = {
            "created_from": _since(wanted),
            "created_to": wanted.created_to,
            "received_from": wanted.received_from,
            "received_to": wanted.received_to,
            "after_at": after[0] if after else None,
        }
        given = {name: value for name, value in bounds.items() if value is not None}
        statement = _look_statement(len(self._keys), len(self._any), tuple(given))
        values = {
            "segments": [span.segment for span in segments],
            "salts": [span.salt for span in segments],
            "count": count,
            **{f"key{index}": key for index, key in enumerate(self._keys)},
            **{f"any{index}": key for index, key in enumerate(self._any)},
            **given,
            **({"after_id": after[1]} if after else {}),
        }
        rows = await self._connection.execute(statement, values)
        return [(row.created_at, UUID(int=row.appeal_id.int)) for row in rows]


def _may_hold(span: SegmentSpan, wanted: AppealFilter) -> bool:
    """Whether a segment can hold what is asked for, by its times."""
    since = _since(wanted)
    return not (
        (since is not None and span.last_created_at < since)
        or (wanted.created_to is not None and span.first_created_at >= wanted.created_to)
        or (wanted.received_to is not None and span.first_received_at >= wanted.received_to)
    )


def _since(wanted: AppealFilter) -> datetime | None:
    """Return the earliest moment of creation: nothing is created before it is received."""
    one, other = wanted.created_from, wanted.received_from
    return max(one, other) if one is not None and other is not None else one or other


_BOUNDS: Final = {
    "created_from": "s.created_at >= :created_from",
    "created_to": "s.created_at < :created_to",
    "received_from": "s.received_at >= :received_from",
    "received_to": "s.received_at < :received_to",
    "after_at": "(s.created_at, s.appeal_id) < (:after_at, :after_id)",
}


@lru_cache(maxsize=512)
def _look_statement(keys: int, alternatives: int, bounds: tuple[str, ...]) -> sa.TextClause:
    """Return the look into some segments: all of the keys, one of the alternatives, within the bounds."""
    conditions = ["s.segment = g.segment", f"s.terms @> ARRAY[{_salted('key', keys)}]"]
    if alternatives:
        conditions.append(f"s.terms && ARRAY[{_salted('any', alternatives)}]")
    conditions.extend(_BOUNDS[name] for name in bounds)
    statement = f"""
SELECT found.created_at, found.appeal_id
FROM unnest(CAST(:segments AS int[]), CAST(:salts AS int[])) AS g(segment, salt)
CROSS JOIN LATERAL (
    SELECT s.created_at, s.appeal_id FROM intake.appeal_search s
    WHERE {" AND ".join(conditions)}
    ORDER BY s.created_at DESC, s.appeal_id DESC LIMIT :count
) AS found
ORDER BY found.created_at DESC, found.appeal_id DESC LIMIT :count
"""  # noqa: S608 - numbered parameters and conditions of our own
    moments = [sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in bounds]
    after_id = [sa.bindparam("after_id", type_=postgresql.UUID(as_uuid=True))] if "after_at" in bounds else []
    return text(statement).bindparams(*moments, *after_id)


def _salted(name: str, count: int) -> str:
    return ", ".join(f"CAST(:{name}{index} AS int) # g.salt" for index in range(count))


def position_of(row: Any) -> Position:
    """Return where an appeal stands in a list."""
    return row["created_at"], row["id"]
