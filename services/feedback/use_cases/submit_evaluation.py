"""A citizen evaluates with a token; the first valid word of a round, theirs or the agent's, is the one that counts."""

from dataclasses import dataclass

from services.feedback.db.callbacks import (
    decide_callback,
    insert_evaluation,
    load_token,
    lock_callback,
    use_token,
)
from services.feedback.db.groups import record_late_answer
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.case import CaseMove
from services.feedback.domain.evaluation import Answer, Conclusion, Reason, Source, Verdict, conclude_answer
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import Callback, EvaluationRecord
from services.feedback.domain.tokens import IssuedToken, TokenSigner, TokenUnknown
from services.feedback.use_cases.conclude_round import conclude_round
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, Gone
from shared.ids import uuid7
from shared.observability.redaction import mask_text

CITIZEN = "citizen"


@dataclass(frozen=True, slots=True)
class SubmitEvaluation:
    """What the citizen sent."""

    token: str
    answer: Answer
    comment: str


@dataclass(frozen=True, slots=True)
class SubmittedEvaluation:
    """What was stored, and how the round ended by it."""

    evaluation: EvaluationRecord
    verdict: Verdict


async def submit_evaluation(
    uow: UnitOfWork, command: SubmitEvaluation, *, signer: TokenSigner, policy: FeedbackPolicy
) -> SubmittedEvaluation:
    """Store the evaluation and end the round (T34 to T36, traps 18 and 19).

    Two submissions at once: the row lock lets one win, the other is told the token is used. Raises TokenUnknown (404),
    Conflict `token_used`, `already_evaluated` or `no_longer_asked` (409), Gone `token_expired` (410). The
    comment is stored masked.
    """
    callback_id = signer.callback_of(command.token)
    found = await lock_callback(uow, callback_id)
    token = await load_token(uow, callback_id)
    if found is None or token is None:
        raise TokenUnknown("The evaluation token is not one that was given out.")
    callback, case = found
    _check_usable(callback, token, uow)
    evaluation = EvaluationRecord(
        id=uuid7(),
        appeal_id=callback.appeal_id,
        round=callback.round,
        source=Source.CITIZEN,
        resolved=command.answer.resolved,
        satisfaction=command.answer.satisfaction,
        comment=mask_text(command.comment),
        at=uow.now,
    )
    await use_token(uow, callback_id)
    await insert_evaluation(uow, evaluation, actor=CITIZEN)
    if callback.status is CallbackStatus.OFFERED:
        # Closed before anybody was asked (T2): the word is kept and counts, and sends nothing back.
        conclusion = Conclusion(CaseMove.CLOSE_ANSWERED, Reason.EVALUATED, command.answer)
        await record_late_answer(uow, callback.appeal_id, callback.round, command.answer)
    else:
        conclusion = conclude_answer(
            command.answer, round_number=callback.round, policy=policy, is_member=case.is_member
        )
        await conclude_round(uow, case, conclusion, policy)
    await decide_callback(uow, callback, conclusion)
    return SubmittedEvaluation(evaluation, conclusion.verdict)


def _check_usable(callback: Callback, token: IssuedToken, uow: UnitOfWork) -> None:
    if token.used_at is not None:
        raise Conflict("This token has been used; a matter is evaluated once per round.", code="token_used")
    if callback.status is CallbackStatus.CANCELLED:
        raise Conflict(
            "The matter has ended in the meantime; there is nothing to evaluate.",
            code="no_longer_asked",
            state=callback.status.value,
        )
    if callback.status is CallbackStatus.DECIDED:
        raise Conflict(
            "The round has been decided by a call in the meantime.",
            code="already_evaluated",
            state=callback.status.value,
        )
    if token.is_expired(uow.now):
        raise Gone("The time to use this token is over.", code="token_expired")
