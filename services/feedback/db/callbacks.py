"""SQL of callbacks, their attempts, evaluation tokens and evaluations. Writers hold the case's row lock."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert

from services.feedback.db.cases import LOCKED_COLUMNS, locked_of
from services.feedback.db.tables import callback_attempts, callbacks, cases, evaluation_tokens, evaluations
from services.feedback.domain.attempts import AttemptOutcome, CallbackStatus, Tally
from services.feedback.domain.evaluation import Conclusion, Verdict
from services.feedback.domain.records import AttemptRecord, Callback, EvaluationRecord, LockedCase
from services.feedback.domain.tokens import IssuedToken
from shared.db.unit_of_work import UnitOfWork

_OF_CASE = frozenset({"receipt_number", "title", "category_code", "urgency", "confidential"})
_STORED = tuple(field.name for field in fields(Callback) if field.name not in _OF_CASE)
_MOST_ATTEMPTS_SHOWN = 200

SELECT_CALLBACK = sa.select(
    *(callbacks.c[name] for name in _STORED), *(cases.c[name] for name in sorted(_OF_CASE))
).join(cases, cases.c.appeal_id == callbacks.c.appeal_id)


def callback_of(row: sa.Row[Any]) -> Callback:
    """Build a callback from a row of SELECT_CALLBACK."""
    value = {field.name: row._mapping[field.name] for field in fields(Callback)}
    value["status"] = CallbackStatus(value["status"])
    value["verdict"] = None if value["verdict"] is None else Verdict(value["verdict"])
    return Callback(**value)


async def insert_callback(uow: UnitOfWork, callback: Callback) -> None:
    """Store a new callback; a second one for the same appeal and round is refused by the database."""
    await uow.connection.execute(callbacks.insert().values({name: getattr(callback, name) for name in _STORED}))


async def load_callback(uow: UnitOfWork, callback_id: UUID) -> Callback | None:
    """Return a callback, or None."""
    row = (await uow.connection.execute(SELECT_CALLBACK.where(callbacks.c.id == callback_id))).one_or_none()
    return None if row is None else callback_of(row)


async def lock_callback(uow: UnitOfWork, callback_id: UUID) -> tuple[Callback, LockedCase] | None:
    """Return a callback and its case, both locked until commit, or None."""
    of_case = [column.label(f"case_{column.name}") for column in LOCKED_COLUMNS]
    query = SELECT_CALLBACK.add_columns(*of_case).where(callbacks.c.id == callback_id)
    row = (await uow.connection.execute(query.with_for_update(of=[cases, callbacks]))).one_or_none()
    return None if row is None else (callback_of(row), locked_of(row, "case_"))


async def insert_attempt(uow: UnitOfWork, attempt: AttemptRecord) -> None:
    """Store one call."""
    await uow.connection.execute(
        callback_attempts.insert().values({field.name: getattr(attempt, field.name) for field in fields(attempt)})
    )


async def load_attempts(uow: UnitOfWork, callback_ids: list[UUID]) -> tuple[AttemptRecord, ...]:
    """Return the latest attempts of some callbacks, oldest first, at most two hundred."""
    query = (
        sa.select(callback_attempts)
        .where(callback_attempts.c.callback_id.in_(callback_ids))
        .order_by(callback_attempts.c.id.desc())
        .limit(_MOST_ATTEMPTS_SHOWN)
    )
    rows = (await uow.connection.execute(query)).all()
    return tuple(AttemptRecord(**{**row._mapping, "outcome": AttemptOutcome(row.outcome)}) for row in reversed(rows))


async def count_attempt(uow: UnitOfWork, callback: Callback, tally: Tally, conclusion: Conclusion | None) -> Callback:
    """Write what an attempt changed on its callback and return it as it stands now."""
    changed = replace(
        callback,
        attempts=callback.attempts + 1,
        counted_attempts=tally.counted,
        last_counted_at=tally.last_at,
        version=callback.version + 1,
    )
    if conclusion is not None:
        changed = _decided(changed, conclusion, uow.now)
    return await _store(uow, changed)


async def decide_callback(uow: UnitOfWork, callback: Callback, conclusion: Conclusion) -> Callback:
    """Write that a callback was decided without a call and return it as it stands now."""
    decided = _decided(replace(callback, version=callback.version + 1), conclusion, uow.now)
    return await _store(uow, decided)


def _decided(callback: Callback, conclusion: Conclusion, now: datetime) -> Callback:
    return replace(
        callback,
        status=CallbackStatus.DECIDED,
        verdict=conclusion.verdict,
        reason=conclusion.reason.value,
        decided_at=now,
    )


async def _store(uow: UnitOfWork, callback: Callback) -> Callback:
    mutable = (
        "version",
        "attempts",
        "counted_attempts",
        "last_counted_at",
        "status",
        "verdict",
        "reason",
        "decided_at",
    )
    changed = callbacks.update().where(callbacks.c.id == callback.id)
    await uow.connection.execute(changed.values({name: getattr(callback, name) for name in mutable}))
    return callback


async def store_token(uow: UnitOfWork, callback_id: UUID, *, expires_at: datetime, issued_by: str) -> None:
    """Note that a callback's token was given out, or given out again with a later end."""
    inserted = pg_insert(evaluation_tokens).values(
        callback_id=callback_id, issued_at=uow.now, expires_at=expires_at, issued_by=issued_by
    )
    changed = {"expires_at": sa.func.greatest(evaluation_tokens.c.expires_at, expires_at)}
    await uow.connection.execute(inserted.on_conflict_do_update(index_elements=["callback_id"], set_=changed))


async def load_token(uow: UnitOfWork, callback_id: UUID) -> IssuedToken | None:
    """Return the record of a callback's token, or None when it was never given out."""
    columns = (evaluation_tokens.c.issued_at, evaluation_tokens.c.expires_at, evaluation_tokens.c.used_at)
    query = sa.select(*columns).where(evaluation_tokens.c.callback_id == callback_id)
    row = (await uow.connection.execute(query)).one_or_none()
    return None if row is None else IssuedToken(*row)


async def use_token(uow: UnitOfWork, callback_id: UUID) -> None:
    """Mark a token as used; the caller holds the callback's lock."""
    used = evaluation_tokens.update().where(evaluation_tokens.c.callback_id == callback_id)
    await uow.connection.execute(used.values(used_at=uow.now))


async def insert_evaluation(uow: UnitOfWork, evaluation: EvaluationRecord, *, actor: str) -> None:
    """Store the one evaluation of an appeal and round; a second is refused by the database (trap 18)."""
    values = {field.name: getattr(evaluation, field.name) for field in fields(evaluation)}
    await uow.connection.execute(evaluations.insert().values(**values, actor=actor))
