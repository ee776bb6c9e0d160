"""SQL of what is read: the callback work list, a case with its whole history, the ledger of unsolved cases."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from services.feedback.db.callbacks import SELECT_CALLBACK, callback_of, load_attempts
from services.feedback.db.groups import group_feedbacks_of, load_group
from services.feedback.db.tables import callbacks, cases, evaluations, legs, rounds
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.case import CaseState
from services.feedback.domain.evaluation import Source, Verdict
from services.feedback.domain.records import Callback, Case, CaseFile, EvaluationRecord, Leg, Round
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import EvaluationOutcome

R = TypeVar("R")

_MOST_ROUNDS_SHOWN = 50
_MOST_LEGS_SHOWN = 200
_ENUMS: dict[str, Any] = {
    "state": CaseState,
    "verdict": Verdict,
    "evaluation": EvaluationOutcome,
    "source": Source,
}


@dataclass(frozen=True, slots=True)
class CallbackFilter:
    """Which callbacks are wanted; None means any."""

    appeal_id: UUID | None = None
    status: CallbackStatus | None = None
    due_before: datetime | None = None
    department_code: str | None = None


async def list_callbacks(
    uow: UnitOfWork, wanted: CallbackFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Callback]:
    """Return callbacks, the most urgent first, at most `limit`."""
    query = SELECT_CALLBACK.order_by(callbacks.c.due_at, callbacks.c.id).limit(limit)
    equals = {"appeal_id": wanted.appeal_id, "status": wanted.status, "department_code": wanted.department_code}
    for name, value in equals.items():
        if value is not None:
            query = query.where(callbacks.c[name] == value)
    if wanted.due_before is not None:
        query = query.where(callbacks.c.due_at < wanted.due_before)
    if after is not None:
        query = query.where(
            sa.tuple_(callbacks.c.due_at, callbacks.c.id) > sa.tuple_(*_bound(callbacks.c.due_at, after))
        )
    return [callback_of(row) for row in await uow.connection.execute(query)]


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which unsolved cases are wanted; None means any."""

    department_code: str | None = None
    review_before: datetime | None = None


async def list_ledger(
    uow: UnitOfWork, wanted: LedgerFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Case]:
    """Return cases on the ledger, the next to be reviewed first, at most `limit` (T36)."""
    query = _select(cases, Case).where(cases.c.state == sa.literal_column("'on_ledger'"))
    query = query.order_by(cases.c.review_at, cases.c.appeal_id).limit(limit)
    if wanted.department_code is not None:
        query = query.where(cases.c.department_code == wanted.department_code)
    if wanted.review_before is not None:
        query = query.where(cases.c.review_at < wanted.review_before)
    if after is not None:
        key = sa.tuple_(cases.c.review_at, cases.c.appeal_id)
        query = query.where(key > sa.tuple_(*_bound(cases.c.review_at, after)))
    return [_record(Case, row) for row in await uow.connection.execute(query)]


async def load_case_file(uow: UnitOfWork, appeal_id: UUID) -> CaseFile | None:
    """Return everything on record about a case in a fixed number of queries, or None."""
    case = await _fetch(uow, _select(cases, Case).where(cases.c.appeal_id == appeal_id), Case)
    if not case:
        return None
    found_callbacks = await uow.connection.execute(
        SELECT_CALLBACK.where(callbacks.c.appeal_id == appeal_id)
        .order_by(callbacks.c.round, callbacks.c.id)
        .limit(_MOST_ROUNDS_SHOWN)
    )
    called = tuple(callback_of(row) for row in found_callbacks)
    return CaseFile(
        case=case[0],
        rounds=await _of_appeal(uow, rounds, Round, appeal_id, _MOST_ROUNDS_SHOWN),
        legs=await _of_appeal(uow, legs, Leg, appeal_id, _MOST_LEGS_SHOWN),
        callbacks=called,
        attempts=await load_attempts(uow, [callback.id for callback in called]),
        evaluations=await _of_appeal(uow, evaluations, EvaluationRecord, appeal_id, _MOST_ROUNDS_SHOWN),
        group=await load_group(uow, appeal_id),
        group_feedbacks=await group_feedbacks_of(uow, appeal_id),
    )


def _bound(column: sa.Column[Any], key: tuple[datetime, UUID]) -> tuple[Any, Any]:
    return sa.literal(key[0], column.type), sa.literal(key[1], sa.Uuid())


def _select(table: sa.Table, record: type[Any]) -> sa.Select[Any]:
    return sa.select(*(table.c[field.name] for field in fields(record)))


async def _of_appeal(uow: UnitOfWork, table: sa.Table, record: type[R], appeal_id: UUID, limit: int) -> tuple[R, ...]:
    ordered = [table.c.round, *([table.c.leg] if "leg" in table.c else [])]
    query = _select(table, record).where(table.c.appeal_id == appeal_id).order_by(*ordered).limit(limit)
    return await _fetch(uow, query, record)


async def _fetch(uow: UnitOfWork, query: sa.Select[Any], record: type[R]) -> tuple[R, ...]:
    rows: Sequence[sa.Row[Any]] = (await uow.connection.execute(query)).all()
    return tuple(_record(record, row) for row in rows)


def _record(record: type[R], row: sa.Row[Any]) -> R:
    values = dict(row._mapping)
    for name, kind in _ENUMS.items():
        if values.get(name) is not None:
            values[name] = kind(values[name])
    return record(**values)
