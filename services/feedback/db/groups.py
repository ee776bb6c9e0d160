"""SQL of what intake says of cases after acceptance: ends, groups on one matter, counters, group feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert

from services.feedback.db.tables import callbacks, cases, group_feedback_receivers, group_feedbacks, rounds
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.case import CasePosition, CaseState
from services.feedback.domain.evaluation import Answer, Reason, Verdict
from services.feedback.domain.records import (
    FeedbackMode,
    Group,
    GroupFeedback,
    LockedCase,
    Member,
)
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import EvaluationOutcome

# What the hotline answered itself is no department's work.
NO_DEPARTMENT: Final = ""
_MOST_MEMBERS_SHOWN = 200
_MOST_FEEDBACKS_SHOWN = 100


# --- groups ---------------------------------------------------------------------------------------------------


async def join_group(uow: UnitOfWork, appeal_id: UUID, master_appeal_id: UUID, attached_at: datetime) -> None:
    """Note that a case follows another's."""
    await _change_case(uow, appeal_id, master_appeal_id=master_appeal_id, attached_at=attached_at)


async def leave_group(uow: UnitOfWork, appeal_id: UUID) -> None:
    """Note that a case goes its own way."""
    await _change_case(uow, appeal_id, master_appeal_id=None, attached_at=None)


async def reopen(uow: UnitOfWork, appeal_id: UUID, position: CasePosition) -> None:
    """Put a case back to where its department works on it."""
    await _change_case(uow, appeal_id, state=position.state, round=position.round)


async def members_of(uow: UnitOfWork, master_appeal_id: UUID) -> list[UUID]:
    """Return those that follow a case and have not withdrawn, in the order of their ids."""
    stays = cases.c.ended_as.is_distinct_from("withdrawn")
    query = sa.select(cases.c.appeal_id).where(cases.c.master_appeal_id == master_appeal_id, stays)
    return list((await uow.connection.execute(query.order_by(cases.c.appeal_id))).scalars())


async def load_group(uow: UnitOfWork, master_appeal_id: UUID) -> Group:
    """Return how many follow a case, how many of them were not helped, and the first two hundred."""
    of_group = cases.c.master_appeal_id == master_appeal_id
    dissatisfied = sa.func.count().filter(cases.c.reason == Reason.MEMBER_DISSATISFIED.value)
    counted = (
        await uow.connection.execute(sa.select(sa.func.count(), dissatisfied).select_from(cases).where(of_group))
    ).one()
    if counted[0] == 0:
        return Group()
    columns = [cases.c[field.name] for field in fields(Member)]
    query = sa.select(*columns).where(of_group).order_by(cases.c.appeal_id).limit(_MOST_MEMBERS_SHOWN)
    rows = (await uow.connection.execute(query)).all()
    return Group(counted[0], counted[1], tuple(_member(row) for row in rows))


def _member(row: sa.Row[Any]) -> Member:
    value = dict(row._mapping)
    value["state"] = CaseState(value["state"])
    value["evaluation"] = None if value["evaluation"] is None else EvaluationOutcome(value["evaluation"])
    return Member(**value)


# --- ends and counters ----------------------------------------------------------------------------------------


async def update_facts(uow: UnitOfWork, appeal_id: UUID, facts: Mapping[str, Any]) -> bool:
    """Store other facts about a case that is there; returns whether there is one."""
    return await _change_case(uow, appeal_id, **facts)


async def raise_counters(uow: UnitOfWork, appeal_id: UUID, *, urges: int = 0, group_risk: bool = False) -> None:
    """Count what happened to an appeal, whether or not it is a case yet."""
    inserted = pg_insert(cases).values(
        appeal_id=appeal_id, urges=urges, group_risk=group_risk, created_at=uow.now, updated_at=uow.now
    )
    changed = {
        "urges": sa.func.greatest(cases.c.urges, urges),
        "group_risk": sa.or_(cases.c.group_risk, sa.literal(group_risk)),
        "updated_at": uow.now,
    }
    await uow.connection.execute(inserted.on_conflict_do_update(index_elements=["appeal_id"], set_=changed))


async def end_undecided_round(uow: UnitOfWork, case: LockedCase, reason: Reason) -> None:
    """Close the present round without an evaluation, if it has a result that nobody has judged."""
    undecided = rounds.update().where(
        rounds.c.appeal_id == case.appeal_id, rounds.c.round == case.round, rounds.c.verdict.is_(None)
    )
    await uow.connection.execute(
        undecided.values(
            verdict=Verdict.CLOSED, decided_at=uow.now, evaluation=EvaluationOutcome.NONE, reason=reason.value
        )
    )


async def close_case(
    uow: UnitOfWork, appeal_id: UUID, *, ended_as: str, ended_rule: str, ended_at: datetime, reason: Reason
) -> None:
    """Close a case as intake has ended its appeal."""
    await _change_case(
        uow,
        appeal_id,
        state=CaseState.CLOSED,
        ended_as=ended_as,
        ended_rule=ended_rule,
        ended_at=ended_at,
        reason=reason.value,
        evaluation=EvaluationOutcome.NONE,
        resolved=None,
        satisfaction=None,
        resolution_waits=False,
    )


async def cancel_callback(uow: UnitOfWork, appeal_id: UUID, reason: Reason) -> bool:
    """Take the open callback of an appeal off the list; returns whether there was one."""
    changed = (
        callbacks.update()
        .where(callbacks.c.appeal_id == appeal_id, callbacks.c.status == CallbackStatus.OPEN.value)
        .values(
            status=CallbackStatus.CANCELLED.value,
            reason=reason.value,
            decided_at=uow.now,
            version=callbacks.c.version + 1,
        )
    )
    return (await uow.connection.execute(changed)).rowcount > 0


async def record_answer(uow: UnitOfWork, case: LockedCase, at: datetime, reply: str) -> None:
    """Record what the hotline answered itself as the result of the present round, unless a department's is there."""
    values = {
        "appeal_id": case.appeal_id,
        "round": case.round,
        "department_code": NO_DEPARTMENT,
        "department_name": NO_DEPARTMENT,
        "resolved_at": at,
        "claimed_resolved": True,
        "public_reply": reply,
    }
    await uow.connection.execute(pg_insert(rounds).values(**values).on_conflict_do_nothing())


async def is_of_master(uow: UnitOfWork, appeal_id: UUID, round_number: int) -> bool:
    """Tell whether what a citizen is asked about in a round is a master's result."""
    query = sa.select(rounds.c.master_appeal_id).where(rounds.c.appeal_id == appeal_id, rounds.c.round == round_number)
    return (await uow.connection.execute(query)).scalar_one_or_none() is not None


async def record_late_answer(uow: UnitOfWork, appeal_id: UUID, round_number: int, answer: Answer) -> None:
    """Write a citizen's word about a matter that was closed before they were asked; it stays closed."""
    outcome = {
        "evaluation": EvaluationOutcome.EVALUATED,
        "resolved": answer.resolved,
        "satisfaction": answer.satisfaction,
    }
    of_round = rounds.update().where(rounds.c.appeal_id == appeal_id, rounds.c.round == round_number)
    await uow.connection.execute(of_round.values(**outcome))
    await _change_case(uow, appeal_id, **outcome)


async def _change_case(uow: UnitOfWork, appeal_id: UUID, **values: Any) -> bool:
    changed = cases.update().where(cases.c.appeal_id == appeal_id).values(updated_at=uow.now, **values)
    return (await uow.connection.execute(changed)).rowcount > 0


# --- one special feedback to all ------------------------------------------------------------------------------


async def insert_group_feedback(uow: UnitOfWork, feedback: GroupFeedback, receivers: Sequence[UUID]) -> None:
    """Store a feedback and whom it reached, each once."""
    stored = {field.name: getattr(feedback, field.name) for field in fields(feedback) if field.name != "reached"}
    await uow.connection.execute(group_feedbacks.insert().values(**stored))
    rows = [{"feedback_id": feedback.id, "appeal_id": appeal_id} for appeal_id in receivers]
    await uow.connection.execute(group_feedback_receivers.insert(), rows)


async def group_feedbacks_of(uow: UnitOfWork, appeal_id: UUID) -> tuple[GroupFeedback, ...]:
    """Return the special feedbacks that reached an appeal, the first one first, at most a hundred."""
    everybody = group_feedback_receivers.alias()
    reached = sa.select(sa.func.count()).where(everybody.c.feedback_id == group_feedbacks.c.id).scalar_subquery()
    query = (
        sa.select(group_feedbacks, reached.label("reached"))
        .join(group_feedback_receivers, group_feedback_receivers.c.feedback_id == group_feedbacks.c.id)
        .where(group_feedback_receivers.c.appeal_id == appeal_id)
        .order_by(group_feedbacks.c.id)
        .limit(_MOST_FEEDBACKS_SHOWN)
    )
    rows = (await uow.connection.execute(query)).all()
    return tuple(GroupFeedback(**{**row._mapping, "mode": FeedbackMode(row.mode)}) for row in rows)
