"""What a citizen is told about an appeal: one state merged from what three services say, which never runs backwards.

Merging is commutative, associative and idempotent, so the order in which facts of different services arrive, and
whether one arrives twice, makes no difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.vocabulary import AppealStatus, Stage, stage_of

S = AppealStatus

# How far along the path a state is, inside one round.
RANK: Final[Mapping[AppealStatus, int]] = {
    S.DRAFT: 0,
    S.REGISTERED: 1,
    S.SUPPLEMENTING: 2,
    S.AWAITING_DISPATCH: 3,
    S.CONSULTING: 4,
    S.AWAITING_ACKNOWLEDGEMENT: 5,
    S.RETURN_REVIEW: 6,
    S.IN_PROGRESS: 7,
    S.REPORTED_UP: 8,
    S.SUSPENDED: 9,
    S.UNDER_REVIEW: 10,
    S.AWAITING_CALLBACK: 11,
    S.ATTACHED: 12,
    S.REFERRED: 13,
    S.NOT_ACCEPTED: 14,
    S.ON_LEDGER: 15,
    S.CLOSED: 16,
    S.WITHDRAWN: 17,
    S.ARCHIVED: 18,
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which department answers for the matter, and by when the citizen was promised an answer (LZ-10, HZ-02)."""

    round: int
    leg: int
    at: datetime
    department_code: str
    department_name: str
    promised_by: datetime | None

    def _order(self) -> tuple[int, int, datetime, str, str, datetime]:
        """Later rounds and legs win; the rest only makes the choice the same whoever comes first."""
        return (
            self.round,
            self.leg,
            self.at,
            self.department_code,
            self.department_name,
            self.promised_by or self.at,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """The state a citizen sees, and of when it is.

    While intake holds the appeal nobody else moves it; after `released_at` only what happened later does.
    """

    status: AppealStatus
    round: int
    as_of: datetime
    assignment: Assignment | None = None
    held: bool = False
    released_at: datetime | None = None

    @property
    def stage(self) -> Stage:
        return stage_of(self.status)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened elsewhere; what it does not speak about stays None."""

    at: datetime
    round: int = 1
    status: AppealStatus | None = None
    assignment: Assignment | None = None


def advance(progress: Progress, fact: Fact) -> Progress:
    """Return the progress with a fact merged in: later round wins, then the state further along the path.

    Where intake moved the appeal itself, what happened before does not undo that. Which department had it is still
    worth knowing while papers are awaited and after, for it may go on with it; of what ended here it is not.
    """
    if progress.held and progress.status is not S.SUPPLEMENTING:
        return progress
    assignment = _later(progress.assignment, fact.assignment)
    if progress.held or (progress.released_at is not None and fact.at < progress.released_at):
        return replace(progress, assignment=assignment)
    status, round_ = progress.status, progress.round
    if fact.status is not None and (fact.round, RANK[fact.status]) > (round_, RANK[status]):
        status, round_ = fact.status, fact.round
    return replace(progress, status=status, round=round_, as_of=max(progress.as_of, fact.at), assignment=assignment)


def _later(one: Assignment | None, other: Assignment | None) -> Assignment | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=Assignment._order)
