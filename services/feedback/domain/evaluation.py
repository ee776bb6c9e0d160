"""What a citizen's answer, or the lack of one, means for the case: T34 to T37 and traps 17, 19, 29, 30."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.feedback.domain.case import CaseMove
from services.feedback.domain.policy import FeedbackPolicy
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import EvaluationOutcome

LOWEST_SATISFACTION: Final = 1
HIGHEST_SATISFACTION: Final = 5
BASICALLY_SATISFIED: Final = 3


class Source(StrEnum):
    """How an evaluation reached us: the agent asked, or the citizen used a token."""

    CALLBACK = "callback"
    CITIZEN = "citizen"


class Reason(StrEnum):
    """Why a round ended as it did; a stable code that travels in events."""

    EVALUATED = "evaluated"
    ANONYMOUS = "anonymous"
    NO_REPLY_WANTED = "no_reply_wanted"
    UNREACHED = "unreached"
    REFUSED = "refused"
    DISSATISFIED = "dissatisfied"
    UNSOLVED_AFTER_REDO = "unsolved_after_redo"
    IMPORTED = "imported"
    MEMBER_DISSATISFIED = "member_dissatisfied"
    ANSWERED = "answered"
    REFERRED = "referred"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    DETACHED = "detached"


class Verdict(StrEnum):
    """How a round ended."""

    CLOSED = "closed"
    REDO = "redo"
    ON_LEDGER = "on_ledger"


@dataclass(frozen=True, slots=True)
class Answer:
    """Two questions, answered separately (trap 19): is it solved, and how satisfied are you, 5 best to 1 (好差评).

    `satisfaction` is None when the citizen gave no grade: that is no satisfaction, neither good nor bad (trap 17).
    """

    resolved: bool
    satisfaction: int | None = None

    def __post_init__(self) -> None:
        grade = self.satisfaction
        if grade is not None and not LOWEST_SATISFACTION <= grade <= HIGHEST_SATISFACTION:
            bounds = [LOWEST_SATISFACTION, HIGHEST_SATISFACTION]
            raise InvalidInput(
                "satisfaction is a grade from 1 to 5", [FieldProblem("satisfaction", "must be from 1 to 5", bounds)]
            )

    @property
    def is_satisfied(self) -> bool:
        """Very satisfied, satisfied or basically satisfied; no grade is not satisfied."""
        return self.satisfaction is not None and self.satisfaction >= BASICALLY_SATISFIED


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a round ends: the move it makes, why, and the answer if there was one."""

    move: CaseMove
    reason: Reason
    answer: Answer | None = None

    @property
    def verdict(self) -> Verdict:
        if self.move is CaseMove.REQUEST_REDO:
            return Verdict.REDO
        return Verdict.ON_LEDGER if self.move is CaseMove.PUT_ON_LEDGER else Verdict.CLOSED

    @property
    def evaluation(self) -> EvaluationOutcome:
        """`none` unless somebody answered: silence is never counted as satisfied (trap 17)."""
        return EvaluationOutcome.NONE if self.answer is None else EvaluationOutcome.EVALUATED


def conclude_answer(
    answer: Answer, *, round_number: int, policy: FeedbackPolicy, is_member: bool = False
) -> Conclusion:
    """Return what a citizen's answer leads to.

    Solved, or at least basically satisfied: closed (T34). Neither: back to the department while rounds are left (T35),
    then on the ledger of unsolved cases (T36). One that was handled with another appeal has no ticket to send back: the
    verdict stands, and shows on its master (section 8).
    """
    if answer.resolved or answer.is_satisfied:
        return Conclusion(CaseMove.CLOSE_ANSWERED, Reason.EVALUATED, answer)
    if is_member:
        return Conclusion(CaseMove.CLOSE_ANSWERED, Reason.MEMBER_DISSATISFIED, answer)
    if round_number < policy.most_rounds:
        return Conclusion(CaseMove.REQUEST_REDO, Reason.DISSATISFIED, answer)
    return Conclusion(CaseMove.PUT_ON_LEDGER, Reason.UNSOLVED_AFTER_REDO, answer)


def conclude_unasked(*, anonymous: bool, wants_reply: bool) -> Conclusion | None:
    """Return how a round ends whose citizen is not to be asked, or None when a callback is owed.

    Nobody can call an anonymous appellant (trap 29), and whoever asked not to be called is not (trap 30): both cases
    close without an evaluation and never enter the callback base.
    """
    if anonymous:
        return Conclusion(CaseMove.CLOSE_UNASKED, Reason.ANONYMOUS)
    if not wants_reply:
        return Conclusion(CaseMove.CLOSE_UNASKED, Reason.NO_REPLY_WANTED)
    return None
