"""Ends a round: the verdict, the case's next state and the event that tells the other services, in one transaction."""

from services.feedback.db.cases import write_verdict
from services.feedback.domain.case import CaseMove
from services.feedback.domain.evaluation import Conclusion
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import LockedCase
from shared.contracts.envelope import EventData
from shared.contracts.events import CaseClosed, CasePutOnLedger, CaseRedoRequested
from shared.db.unit_of_work import UnitOfWork


async def conclude_round(uow: UnitOfWork, case: LockedCase, conclusion: Conclusion, policy: FeedbackPolicy) -> None:
    """Write the verdict of the case's present round and publish it (T34 to T37, traps 29 and 30).

    The caller holds the case's lock. Raises IllegalMove when the case is not in a state this move leads out of.
    """
    after = case.position.after(conclusion.move)
    on_ledger = conclusion.move is CaseMove.PUT_ON_LEDGER
    review_at = policy.ledger_review_at(uow.now) if on_ledger else None
    await write_verdict(uow, case, conclusion, after=after, review_at=review_at)
    event: EventData
    if conclusion.move is CaseMove.REQUEST_REDO:
        grade = None if conclusion.answer is None else conclusion.answer.satisfaction
        event = CaseRedoRequested(round=case.round, next_round=after.round, at=uow.now, satisfaction=grade)
    elif review_at is not None:
        event = CasePutOnLedger(round=case.round, at=uow.now, review_at=review_at, reason=conclusion.reason.value)
    else:
        event = _closed(case, conclusion, uow)
    uow.publish(event, subject=case.appeal_id)


def _closed(case: LockedCase, conclusion: Conclusion, uow: UnitOfWork) -> CaseClosed:
    answer = conclusion.answer
    return CaseClosed(
        round=case.round,
        at=uow.now,
        evaluation=conclusion.evaluation,
        resolved=None if answer is None else answer.resolved,
        satisfaction=None if answer is None else answer.satisfaction,
        reason=conclusion.reason.value,
        master_appeal_id=case.master_appeal_id,
    )
