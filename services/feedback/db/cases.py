"""SQL of cases and rounds: facts from two producers upserted side by side, verdicts written under the case's lock."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert

from services.feedback.db.tables import cases, rounds
from services.feedback.domain.case import CasePosition, CaseState
from services.feedback.domain.evaluation import Conclusion, Reason, Verdict
from services.feedback.domain.records import LockedCase, Resolution
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict
from shared.vocabulary import EvaluationOutcome

LOCKED_COLUMNS = (
    cases.c.appeal_id,
    cases.c.state,
    cases.c.round,
    cases.c.anonymous,
    cases.c.wants_reply,
    cases.c.received_at,
    cases.c.master_appeal_id,
    cases.c.ended_as,
)

# Sorted, so that two batches that share appeals lock them in the same order.
_UPSERT_FACTS = sa.text("""
INSERT INTO feedback.cases AS c (
    appeal_id, receipt_number, type, channel, category_code, category_name, title, urgency, mode, grid_code,
    anonymous, confidential, wants_reply, households, received_at, accepted_at, imported, created_at, updated_at)
SELECT f.*, :now, :now
FROM jsonb_to_recordset(:facts) AS f (
    appeal_id uuid, receipt_number text, type text, channel text, category_code text, category_name text, title text,
    urgency text, mode text, grid_code text, anonymous boolean, confidential boolean, wants_reply boolean,
    households integer, received_at timestamptz, accepted_at timestamptz, imported boolean)
ORDER BY f.appeal_id
ON CONFLICT (appeal_id) DO UPDATE SET
    receipt_number = EXCLUDED.receipt_number, type = EXCLUDED.type, channel = EXCLUDED.channel,
    category_code = EXCLUDED.category_code, category_name = EXCLUDED.category_name, title = EXCLUDED.title,
    urgency = EXCLUDED.urgency, mode = EXCLUDED.mode, grid_code = EXCLUDED.grid_code,
    anonymous = EXCLUDED.anonymous, confidential = EXCLUDED.confidential, wants_reply = EXCLUDED.wants_reply,
    households = EXCLUDED.households, received_at = EXCLUDED.received_at, accepted_at = EXCLUDED.accepted_at,
    imported = EXCLUDED.imported, updated_at = EXCLUDED.updated_at
RETURNING c.appeal_id, c.resolution_waits
""").bindparams(sa.bindparam("facts", type_=JSONB), sa.bindparam("now", type_=sa.DateTime(timezone=True)))


async def upsert_facts(uow: UnitOfWork, facts: Sequence[dict[str, Any]]) -> list[UUID]:
    """Store what intake knows of several appeals, each at most once, in one statement.

    Returns the appeals whose accepted resolution has been waiting for these facts.
    """
    result = await uow.connection.execute(_UPSERT_FACTS, {"facts": list(facts), "now": uow.now})
    return [row.appeal_id for row in result if row.resolution_waits]


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """Which ticket and department a case is with, as dispatch said last."""

    ticket_id: UUID
    department_code: str
    department_name: str
    round: int = 1
    grid_code: str | None = None


async def upsert_ticket(uow: UnitOfWork, appeal_id: UUID, facts: TicketFacts) -> None:
    """Store who handles the appeal now; intake's columns and the verdicts are left alone."""
    values = {
        "ticket_id": facts.ticket_id,
        "department_code": facts.department_code,
        "department_name": facts.department_name,
        "updated_at": uow.now,
    }
    if facts.grid_code is not None:
        values["located_grid_code"] = facts.grid_code
    inserted = pg_insert(cases).values(appeal_id=appeal_id, round=facts.round, created_at=uow.now, **values)
    changed = {**values, "round": sa.func.greatest(cases.c.round, facts.round)}
    await uow.connection.execute(inserted.on_conflict_do_update(index_elements=["appeal_id"], set_=changed))


async def lock_case(uow: UnitOfWork, appeal_id: UUID) -> LockedCase:
    """Return the case, locked until commit; makes an empty one when no producer has said anything of it yet."""
    inserted = pg_insert(cases).values(appeal_id=appeal_id, created_at=uow.now, updated_at=uow.now)
    upserted = inserted.on_conflict_do_update(index_elements=["appeal_id"], set_={"updated_at": uow.now})
    return locked_of((await uow.connection.execute(upserted.returning(*LOCKED_COLUMNS))).one())


def locked_of(row: sa.Row[Any], prefix: str = "") -> LockedCase:
    """Build a locked case from LOCKED_COLUMNS, which a join may have labelled with a prefix."""
    value = row._mapping
    return LockedCase(
        appeal_id=value[f"{prefix}appeal_id"],
        state=CaseState(value[f"{prefix}state"]),
        round=value[f"{prefix}round"],
        anonymous=value[f"{prefix}anonymous"],
        wants_reply=value[f"{prefix}wants_reply"],
        is_known=value[f"{prefix}received_at"] is not None,
        master_appeal_id=value[f"{prefix}master_appeal_id"],
        ended_as=value[f"{prefix}ended_as"],
    )


async def record_resolution(uow: UnitOfWork, resolution: Resolution) -> None:
    """Open the record of a round with what the department delivered.

    It may take the place of a master's result that nobody has judged. Any other second one is a Conflict.
    """
    values = {field.name: getattr(resolution, field.name) for field in fields(resolution)}
    of_master = sa.and_(rounds.c.verdict.is_(None), rounds.c.master_appeal_id.is_not(None))
    inserted = pg_insert(rounds).values(**values)
    stored = await uow.connection.execute(
        inserted.on_conflict_do_update(index_elements=["appeal_id", "round"], set_=values, where=of_master)
    )
    if stored.rowcount != 1:
        raise Conflict("the round has a result already", round=resolution.round)


async def find_resolution(uow: UnitOfWork, appeal_id: UUID) -> Resolution | None:
    """Return what was accepted in the present round of an appeal, or None when nothing was yet."""
    query = (
        sa.select(rounds)
        .join(cases, sa.and_(cases.c.appeal_id == rounds.c.appeal_id, cases.c.round == rounds.c.round))
        .where(rounds.c.appeal_id == appeal_id, rounds.c.accepted_at.is_not(None))
    )
    row = (await uow.connection.execute(query)).one_or_none()
    return None if row is None else _resolution_of(row)


async def load_resolution(uow: UnitOfWork, appeal_id: UUID, round_number: int) -> Resolution:
    """Return what was recorded for a round."""
    query = sa.select(rounds).where(rounds.c.appeal_id == appeal_id, rounds.c.round == round_number)
    return _resolution_of((await uow.connection.execute(query)).one())


def _resolution_of(row: sa.Row[Any]) -> Resolution:
    return Resolution(**{field.name: row._mapping[field.name] for field in fields(Resolution)})


async def hold_resolution(uow: UnitOfWork, appeal_id: UUID, round_number: int) -> None:
    """Note that an accepted resolution waits for intake's facts."""
    changed = cases.update().where(cases.c.appeal_id == appeal_id)
    await uow.connection.execute(changed.values(round=round_number, resolution_waits=True))


async def await_callback(uow: UnitOfWork, appeal_id: UUID, position: CasePosition) -> None:
    """Move the case to where its citizen is being asked."""
    changed = cases.update().where(cases.c.appeal_id == appeal_id)
    await uow.connection.execute(changed.values(state=position.state, round=position.round, resolution_waits=False))


async def write_verdict(
    uow: UnitOfWork,
    case: LockedCase,
    conclusion: Conclusion,
    *,
    after: CasePosition,
    review_at: datetime | None,
) -> None:
    """Write how a round ended, on the round and on the case. The round's own verdict is never overwritten (trap 16)."""
    answer = conclusion.answer
    outcome = {
        "evaluation": conclusion.evaluation,
        "resolved": None if answer is None else answer.resolved,
        "satisfaction": None if answer is None else answer.satisfaction,
        "reason": conclusion.reason,
    }
    is_over = conclusion.verdict is not Verdict.REDO
    decided = rounds.update().where(
        rounds.c.appeal_id == case.appeal_id, rounds.c.round == case.round, rounds.c.verdict.is_(None)
    )
    result = await uow.connection.execute(decided.values(verdict=conclusion.verdict, decided_at=uow.now, **outcome))
    if result.rowcount != 1:
        raise RuntimeError("the round has a verdict already")
    changed = cases.update().where(cases.c.appeal_id == case.appeal_id)
    await uow.connection.execute(
        changed.values(
            state=after.state,
            round=after.round,
            ended_at=uow.now if is_over else None,
            review_at=review_at,
            resolution_waits=False,
            updated_at=uow.now,
            **outcome,
        )
    )


@dataclass(frozen=True, slots=True)
class PastRound:
    """How a matter of the past ended, as the source system recorded it."""

    appeal_id: UUID
    department_code: str
    department_name: str
    resolved_at: datetime | None
    resolve_due_at: datetime | None
    closed_at: datetime
    late: bool | None


async def lock_cases(uow: UnitOfWork, appeal_ids: Sequence[UUID]) -> list[LockedCase]:
    """Return cases that are there, locked until commit, in the order of their ids."""
    wanted = sa.select(*LOCKED_COLUMNS).where(cases.c.appeal_id.in_(appeal_ids)).order_by(cases.c.appeal_id)
    found: sa.Result[Any] = await uow.connection.execute(wanted.with_for_update())
    return [locked_of(row) for row in found]


async def write_history(uow: UnitOfWork, past: Sequence[PastRound]) -> None:
    """Close cases with their own times; nobody evaluated them, so they carry no evaluation (trap 17)."""
    if not past:
        return
    outcome = {"evaluation": EvaluationOutcome.NONE, "reason": Reason.IMPORTED}
    rows = [
        {
            "appeal_id": each.appeal_id,
            "round": 1,
            "leg": 1,
            "department_code": each.department_code,
            "department_name": each.department_name,
            "resolved_at": each.resolved_at,
            "resolve_due_at": each.resolve_due_at,
            "late": each.late,
            "verdict": Verdict.CLOSED,
            "decided_at": each.closed_at,
            **outcome,
        }
        for each in past
    ]
    await uow.connection.execute(rounds.insert(), rows)
    changed = cases.update().where(cases.c.appeal_id == sa.bindparam("of_appeal"))
    changed = changed.values(state=CaseState.CLOSED, ended_at=sa.bindparam("closed_at"), updated_at=uow.now, **outcome)
    await uow.connection.execute(changed, [{"of_appeal": each.appeal_id, "closed_at": each.closed_at} for each in past])
