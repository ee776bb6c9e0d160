"""Reads: the callback work list, one callback with its calls, a case file, the ledger. Nothing is locked or changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from services.feedback.db import views
from services.feedback.db.callbacks import load_attempts, load_callback
from services.feedback.db.views import CallbackFilter, LedgerFilter
from services.feedback.domain.records import AttemptRecord, Callback, Case, CaseFile
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound

T = TypeVar("T")

_KEY = (datetime, UUID)


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    next_cursor: str | None


async def list_callbacks(uow: UnitOfWork, wanted: CallbackFilter, *, cursor: str | None, limit: int) -> Slice[Callback]:
    """Return a page of callbacks by due time. Raises InvalidInput for a foreign cursor."""
    found = await views.list_callbacks(uow, wanted, after=_position(cursor), limit=limit + 1)
    if len(found) <= limit:
        return Slice(found, None)
    last = found[limit - 1]
    return Slice(found[:limit], encode_cursor(last.due_at, last.id))


@dataclass(frozen=True, slots=True)
class LedgerQuery:
    """What is asked for, and by whom: `own_department` is set when the caller sees only one department."""

    department_code: str | None = None
    review_before: datetime | None = None
    own_department: str | None = None


async def list_ledger(uow: UnitOfWork, query: LedgerQuery, *, cursor: str | None, limit: int) -> Slice[Case]:
    """Return a page of unsolved cases by review date. Raises InvalidInput for a foreign cursor."""
    after = _position(cursor)
    if query.own_department is not None and query.department_code not in (None, query.own_department):
        return Slice((), None)
    wanted = LedgerFilter(query.own_department or query.department_code, query.review_before)
    found = await views.list_ledger(uow, wanted, after=after, limit=limit + 1)
    if len(found) <= limit:
        return Slice(found, None)
    last = found[limit - 1]
    if last.review_at is None:
        raise AssertionError("a case on the ledger has a review date")
    return Slice(found[:limit], encode_cursor(last.review_at, last.appeal_id))


async def read_callback(uow: UnitOfWork, callback_id: UUID) -> tuple[Callback, Sequence[AttemptRecord]]:
    """Return a callback with its calls. Raises NotFound."""
    callback = await load_callback(uow, callback_id)
    if callback is None:
        raise NotFound("There is no such callback.")
    return callback, await load_attempts(uow, [callback_id])


async def read_case(uow: UnitOfWork, appeal_id: UUID, department_code: str | None) -> CaseFile:
    """Return a case file. Raises NotFound, also for a department that never had a turn in it."""
    found = await views.load_case_file(uow, appeal_id)
    if found is None:
        raise NotFound("There is no such case.")
    if department_code is not None:
        involved = {found.case.department_code, *(leg.department_code for leg in found.legs)}
        if department_code not in involved:
            raise NotFound("There is no such case.")
    return found


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    due_at, identity = decode_cursor(cursor, _KEY)
    return due_at, identity
