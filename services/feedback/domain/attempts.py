"""Attempts to reach a citizen: which of them count, and what the last one concludes (T37)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.feedback.domain.case import CaseMove
from services.feedback.domain.evaluation import Answer, Conclusion, Reason, conclude_answer
from services.feedback.domain.policy import FeedbackPolicy
from shared.errors import FieldProblem, InvalidInput


class AttemptOutcome(StrEnum):
    """How one call went."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


class CallbackStatus(StrEnum):
    """A callback is work to do, or it is decided and stays as it is.

    Offered: nobody has to call, the citizen may evaluate (T2). Cancelled: there is nothing to ask about any more.
    """

    OPEN = "open"
    DECIDED = "decided"
    OFFERED = "offered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call as the agent reports it. Raises InvalidInput when answers and outcome do not fit each other."""

    outcome: AttemptOutcome
    resolved: bool | None = None
    satisfaction: int | None = None

    def __post_init__(self) -> None:
        if self.outcome is AttemptOutcome.REACHED:
            if self.resolved is None:
                raise InvalidInput(
                    "a citizen who was reached was asked whether it is solved",
                    [FieldProblem("resolved", "is required when the outcome is 'reached'")],
                )
            Answer(self.resolved, self.satisfaction)
            return
        given = {"resolved": self.resolved, "satisfaction": self.satisfaction}
        problems = [
            FieldProblem(name, "only a citizen who was reached can answer")
            for name, value in given.items()
            if value is not None
        ]
        if problems:
            raise InvalidInput("nobody answered, so there is no answer to record", problems)

    @property
    def answer(self) -> Answer | None:
        """The citizen's answer, or None when nobody gave one."""
        return None if self.resolved is None else Answer(self.resolved, self.satisfaction)


@dataclass(frozen=True, slots=True)
class Tally:
    """The attempts in vain that count so far: how many, and when the last of them was."""

    counted: int = 0
    last_at: datetime | None = None


def counts_at(at: datetime, tally: Tally, policy: FeedbackPolicy) -> bool:
    """Tell whether a vain attempt is made at a different time than the last one that counted.

    "Different" is at least `attempt_spacing` later, or on a later day of the city's own calendar. An attempt that is
    sooner is kept on the record, but three calls in five minutes are one attempt (T37).
    """
    if tally.last_at is None:
        return True
    if at - tally.last_at >= policy.attempt_spacing:
        return True
    return at.astimezone(policy.zone).date() > tally.last_at.astimezone(policy.zone).date()


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an attempt changes: whether it counts, the new tally, and how the round ends, if it does."""

    counted: bool
    tally: Tally
    conclusion: Conclusion | None


@dataclass(frozen=True, slots=True)
class CallStage:
    """When a call was made, after which, about which round, and whether of one handled with another appeal."""

    at: datetime
    tally: Tally
    round_number: int
    is_member: bool = False


def weigh(attempt: Attempt, stage: CallStage, policy: FeedbackPolicy) -> Weighed:
    """Return what `attempt` leads to (T34 to T37).

    A wrong number counts like no answer: the citizen was not reached, and a second look for the right number is owed.
    """
    match attempt.outcome:
        case AttemptOutcome.REACHED:
            answer = attempt.answer
            if answer is None:
                raise AssertionError("Attempt requires the answer of a citizen who was reached")
            conclusion = conclude_answer(
                answer, round_number=stage.round_number, policy=policy, is_member=stage.is_member
            )
            return Weighed(False, stage.tally, conclusion)
        case AttemptOutcome.REFUSED:
            return Weighed(False, stage.tally, Conclusion(CaseMove.CLOSE_REFUSED, Reason.REFUSED))
        case AttemptOutcome.NO_ANSWER | AttemptOutcome.WRONG_NUMBER:
            return _weigh_in_vain(stage.at, stage.tally, policy)
        case _:
            assert_never(attempt.outcome)


def _weigh_in_vain(at: datetime, tally: Tally, policy: FeedbackPolicy) -> Weighed:
    if not counts_at(at, tally, policy):
        return Weighed(False, tally, None)
    grown = Tally(tally.counted + 1, at)
    if grown.counted < policy.attempts_needed:
        return Weighed(True, grown, None)
    return Weighed(True, grown, Conclusion(CaseMove.CLOSE_UNREACHED, Reason.UNREACHED))
