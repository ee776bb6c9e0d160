"""Searching appeals by anything staff may know of them: a page, newest first, and where the next one starts.

An appeal that has no row in the index yet is looked at itself, so that nothing is invisible for a moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.intake.db import search as rows
from services.intake.db.appeals import Row
from services.intake.db.search import AppealFilter, IndexScan, Position, position_of
from services.intake.domain import categories, people, receipts
from services.intake.domain.terms import Query
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.watch_access import AccessKind, Onlooker, trace_all
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput

# A page may end early once so many appeals were looked at for it; what follows is reached by its cursor.
_MOST_LOOKED_AT = 10_000
_GROWTH = 4
_LARGEST_LOOK = 3_200


@dataclass(frozen=True, slots=True)
class SearchAppeals:
    """What is asked for: conditions, a text, a category with those below it, and which page."""

    wanted: AppealFilter
    text: str | None = None
    category_code: str | None = None
    phone: str | None = None
    email: str | None = None
    cursor: str | None = None
    limit: int = 50

    @property
    def is_by_person(self) -> bool:
        """Whether it names a person, by a number or an address."""
        return self.phone is not None or self.email is not None


Found = tuple[list[Row], str | None]


async def search_appeals(
    uow: UnitOfWork, desk: Desk, search: SearchAppeals, *, department_code: str | None = None
) -> Found:
    """Return a page of appeals, newest first, and where the next one starts, None after the last.

    A page may be shorter than its limit, even empty, while there are more. With the caller's `department_code` nothing
    of another department is found. Raises InvalidInput for a cursor that is not of this list and for what is no phone
    number or e-mail address.
    """
    wanted = await _resolved(uow, desk, search)
    query = Query(search.text) if search.text is not None else None
    if (query is not None and not query) or department_code not in {None, wanted.department_code or department_code}:
        return [], None
    wanted = replace(wanted, department_code=wanted.department_code or department_code)
    position = decode_cursor(search.cursor, (datetime, UUID)) if search.cursor is not None else None
    task = _Task(uow, wanted, query, search.limit)
    after: Position | None = (position[0], position[1]) if position is not None else None
    if wanted.is_pinpoint or (query is None and not wanted.needs_terms):
        return _page(await _from_tables(task, after=after), search.limit)
    if wanted.is_of_progress:
        return _page(await _from_state(task, after=after), search.limit)
    return _page(await _from_index(task, after=after), search.limit)


async def search_by_person(uow: UnitOfWork, desk: Desk, search: SearchAppeals, onlooker: Onlooker) -> Found:
    """Search by what tells who a person is; every appeal found keeps who asked (section 9). Raises InvalidInput."""
    found = await search_appeals(uow, desk, search, department_code=onlooker.department_code)
    await trace_all(uow, [row["id"] for row in found[0]], onlooker, AccessKind.SEARCH)
    return found


async def _resolved(uow: UnitOfWork, desk: Desk, search: SearchAppeals) -> AppealFilter:
    """Return the conditions in the form they are stored in."""
    wanted = search.wanted
    if wanted.receipt_number is not None:
        wanted = replace(wanted, receipt_number=receipts.normalise_receipt_number(wanted.receipt_number))
    if search.phone is not None:
        wanted = replace(wanted, phone_hashes=hashes_of(desk, search.phone))
    if search.email is not None:
        wanted = replace(wanted, email_hashes=_hashes_of_email(desk, search.email))
    if search.category_code is not None:
        tree = (await desk.catalogue.within(uow.connection)).categories
        wanted = replace(wanted, category_codes=categories.with_those_below(tree, search.category_code))
    return wanted


def hashes_of(desk: Desk, phone: str) -> Sequence[bytes]:
    """Return what a person's appeals are found by. Raises InvalidInput when it is no phone number."""
    number = people.normalise_phone(phone)
    if number is None:
        raise InvalidInput("That is not a phone number.", [FieldProblem("/phone", "is not a phone number")])
    return desk.vault.phone_hashes(number)


def _hashes_of_email(desk: Desk, email: str) -> Sequence[bytes]:
    if not people.is_email(email):
        raise InvalidInput("That is not an e-mail address.", [FieldProblem("/email", "is not an e-mail address")])
    return desk.vault.email_hashes(email)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is looked for, and how many are wanted."""

    uow: UnitOfWork
    wanted: AppealFilter
    query: Query | None
    limit: int


@dataclass(slots=True)
class _Reached:
    """What was found, newest first, and how far was looked; None means to the end."""

    found: list[Row]
    position: Position | None


async def _from_tables(task: _Task, *, after: Position | None, until: Position | None = None) -> _Reached:
    """Look through the tables' own indexes, as far as `until` at most."""
    also = [rows.has_terms(task.query.terms())] if task.query is not None else []
    if until is not None:
        also.append(rows.not_before(until))
    found: list[Row] = []
    looked_at, more = 0, True
    while more and len(found) <= task.limit and looked_at < _MOST_LOOKED_AT:
        batch = await rows.list_appeals(task.uow.connection, task.wanted, after=after, limit=task.limit + 1, also=also)
        more = len(batch) > task.limit
        looked_at += len(batch)
        found.extend(row for row in batch if _says(row, task.query))
        after = position_of(batch[-1]) if batch else after
    return _Reached(found, after if more else until)


async def _from_state(task: _Task, *, after: Position | None) -> _Reached:
    """Look at the newest in the state or department one by one, then ask the index for the rest.

    What is common among them is found by the first; what is rare among them is rare enough for the second.
    """
    horizon = await rows.horizon_of(task.uow.connection, task.wanted, after=after)
    near = await _from_tables(task, after=after, until=horizon)
    if len(near.found) > task.limit or near.position != horizon or horizon is None:
        return near
    far = await _from_index(replace(task, limit=task.limit - len(near.found)), after=horizon)
    return _Reached([*near.found, *far.found], far.position)


async def _from_index(task: _Task, *, after: Position | None) -> _Reached:
    connection, wanted, query = task.uow.connection, task.wanted, task.query
    # In this order: what is indexed between the two reads is then seen twice rather than never.
    apart = await rows.list_among(connection, wanted, await rows.unindexed_ids(connection), after=after)
    waiting = [row for row in apart if _says(row, query)]
    scan = IndexScan(
        connection,
        wanted,
        segments=await rows.read_segments(connection),
        words=query.terms() if query is not None else (),
        after=after,
    )
    found: dict[UUID, Row] = {}
    size, looked_at, reached = task.limit + 1, 0, after
    while not scan.is_exhausted and len(found) <= task.limit and looked_at < _MOST_LOOKED_AT:
        positions = await scan.next_ids(size)
        looked_at += len(positions)
        batch = await rows.list_among(connection, wanted, [id_ for _, id_ in positions], after=after)
        found.update((row["id"], row) for row in batch if _says(row, query))
        reached = positions[-1] if positions else reached
        size = min(size * _GROWTH, _LARGEST_LOOK)
    end = None if scan.is_exhausted else reached
    found.update((row["id"], row) for row in waiting if end is None or position_of(row) >= end)
    return _Reached(sorted(found.values(), key=position_of, reverse=True), end)


def _says(row: Row, query: Query | None) -> bool:
    """Whether the words stand in the public text: terms are only a hint of that."""
    return query is None or query.matches(row["title"], row["description"], row["place"])


def _page(reached: _Reached, limit: int) -> Found:
    """Cut a page: it goes on behind its last appeal, or where the search has stopped looking."""
    found = reached.found
    if len(found) > limit:
        return found[:limit], encode_cursor(*position_of(found[limit - 1]))
    return found, encode_cursor(*reached.position) if reached.position is not None else None
