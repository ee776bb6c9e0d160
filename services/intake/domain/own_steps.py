"""What intake's own moves look like on a timeline: each kind of move tells its lines; one without a teller tells none.

What staff wrote is in the history's details, masked. `with_words` false leaves it out and keeps the step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.intake.domain.machine import Move
from services.intake.domain.timeline import Entry, EntryCode, StepCode, entry
from shared.vocabulary import AppealStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the history, as far as its readers are told of it."""

    move: Move
    rules: tuple[str, ...]
    from_status: AppealStatus
    to_status: AppealStatus
    details: Mapping[str, Any]
    with_words: bool = True

    def words(self, name: str) -> str:
        """Return a text of the details, or nothing when it is missing or not for these readers."""
        value = self.details.get(name)
        return str(value) if value and self.with_words else ""


Teller = Callable[[Step], list[Entry]]


def lines_of(step: Step) -> list[Entry]:
    """Return the lines of a step, acceptance last."""
    teller = _TELLERS.get(step.move)
    lines = teller(step) if teller is not None else []
    if "T10" in step.rules:
        lines.append(entry(EntryCode.ACCEPTED, AppealStatus.AWAITING_DISPATCH))
    return lines


def _registered(step: Step) -> list[Entry]:
    is_new = step.from_status is AppealStatus.DRAFT
    return [entry(EntryCode.REGISTERED, AppealStatus.REGISTERED)] if is_new else []


def _answered(step: Step) -> list[Entry]:
    return [entry(StepCode.ANSWERED, step.to_status, text=step.words("text"))]


def _withdrawn(step: Step) -> list[Entry]:
    return [entry(StepCode.WITHDRAWN, step.to_status)]


def _urged(step: Step) -> list[Entry]:
    return [entry(StepCode.URGED, step.to_status)]


_TELLERS: Final[Mapping[Move, Teller]] = {
    Move.REGISTER: _registered,
    Move.ANSWER: _answered,
    Move.WITHDRAW: _withdrawn,
    Move.URGE: _urged,
}
