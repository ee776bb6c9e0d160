"""An agent logs a call to the citizen; the answer, a refusal or the last attempt in vain ends the round."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.feedback.db.callbacks import count_attempt, insert_attempt, insert_evaluation
from services.feedback.domain.attempts import Attempt, AttemptOutcome, CallStage, weigh
from services.feedback.domain.evaluation import Answer, Source
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import AttemptRecord, Callback, EvaluationRecord
from services.feedback.use_cases.callback_access import Caller, take_callback
from services.feedback.use_cases.conclude_round import conclude_round
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from shared.observability.redaction import mask_text


@dataclass(frozen=True, slots=True)
class LogAttempt:
    """One call as the agent reports it."""

    callback_id: UUID
    attempt: Attempt
    comment: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """What was stored, and the callback as it stands now.

    `next_counts_from` is when a further vain attempt counts at the latest, while the callback is open.
    """

    attempt: AttemptRecord
    callback: Callback
    next_counts_from: datetime | None


async def log_attempt(
    uow: UnitOfWork,
    command: LogAttempt,
    policy: FeedbackPolicy,
    check_version: Callable[[int], None] = lambda _: None,
) -> LoggedAttempt:
    """Store the call, and end the round when it decides (T34 to T37).

    A vain attempt too soon after the last one is stored and does not count. The comment is stored masked. Raises what
    `take_callback` raises.
    """
    callback, case = await take_callback(
        uow, command.callback_id, command.caller, move="log_attempt", check_version=check_version
    )
    stage = CallStage(uow.now, callback.tally, callback.round, is_member=case.is_member)
    weighed = weigh(command.attempt, stage, policy)
    record = _record(uow, command, counted=weighed.counted)
    await insert_attempt(uow, record)
    changed = await count_attempt(uow, callback, weighed.tally, weighed.conclusion)
    if weighed.conclusion is not None:
        answer = weighed.conclusion.answer
        if answer is not None:
            await insert_evaluation(uow, _evaluation(callback, record, answer), actor=record.actor)
        await conclude_round(uow, case, weighed.conclusion, policy)
    waits = weighed.conclusion is None and weighed.tally.last_at is not None
    next_from = weighed.tally.last_at + policy.attempt_spacing if waits and weighed.tally.last_at else None
    return LoggedAttempt(record, changed, next_from)


def _record(uow: UnitOfWork, command: LogAttempt, *, counted: bool) -> AttemptRecord:
    return AttemptRecord(
        id=uuid7(),
        callback_id=command.callback_id,
        at=uow.now,
        outcome=AttemptOutcome(command.attempt.outcome),
        counted=counted,
        resolved=command.attempt.resolved,
        satisfaction=command.attempt.satisfaction,
        comment=mask_text(command.comment),
        actor=command.caller.actor,
    )


def _evaluation(callback: Callback, attempt: AttemptRecord, answer: Answer) -> EvaluationRecord:
    return EvaluationRecord(
        id=uuid7(),
        appeal_id=callback.appeal_id,
        round=callback.round,
        source=Source.CALLBACK,
        resolved=answer.resolved,
        satisfaction=answer.satisfaction,
        comment=attempt.comment,
        at=attempt.at,
    )
