"""What intake's own moves look like on a timeline: each kind of move tells its lines; one without a teller tells none.

What staff wrote is in the history's details, masked. `with_words` false leaves it out and keeps the step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.intake.domain.hand_overs import SERVICE_NAMES, EmergencyService
from services.intake.domain.machine import Move
from services.intake.domain.refusals import Ground, LegalChannel, told
from services.intake.domain.timeline import Entry, EntryCode, StepCode, entry, wordless
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
    if not step.with_words:
        return [wordless(StepCode.ANSWERED, step.to_status)]
    return [entry(StepCode.ANSWERED, step.to_status, text=step.words("text"))]


def _referred(step: Step) -> list[Entry]:
    if not step.with_words:
        return [wordless(StepCode.REFERRED, step.to_status)]
    contact = step.words("target_contact")
    target = step.words("target_body") + (f" ({contact})" if contact else "")
    return [entry(StepCode.REFERRED, step.to_status, text=step.words("explanation"), target=target)]


def _declined(step: Step) -> list[Entry]:
    """A refusal that is only proposed, or was rejected, is between the two who decide on it."""
    if step.to_status is not AppealStatus.NOT_ACCEPTED:
        return []
    if not step.with_words:
        return [wordless(StepCode.NOT_ACCEPTED, step.to_status)]
    channel, other = step.words("legal_channel"), step.words("other_receipt_number")
    english, chinese = told(Ground(step.words("ground")), LegalChannel(channel) if channel else None)
    text = step.words("explanation") + (f" ({other})" if other else "")
    return [entry(StepCode.NOT_ACCEPTED, step.to_status, ground_en=english, ground_zh=chinese, text=text)]


def _handed_over(step: Step) -> list[Entry]:
    english, chinese = SERVICE_NAMES[EmergencyService(step.details["service"])]
    lines = []
    if "result_of" not in step.details:
        lines.append(entry(StepCode.HANDED_OVER, step.to_status, service_en=english, service_zh=chinese))
    if step.details.get("result"):
        told_us = entry(
            StepCode.HAND_OVER_RESULT,
            step.to_status,
            service_en=english,
            service_zh=chinese,
            text=step.words("result"),
        )
        lines.append(told_us if step.with_words else wordless(StepCode.HAND_OVER_RESULT, step.to_status))
    return lines


def _withdrawn(step: Step) -> list[Entry]:
    return [entry(StepCode.WITHDRAWN, step.to_status)]


def _urged(step: Step) -> list[Entry]:
    return [entry(StepCode.URGED, step.to_status)]


def _papers_requested(step: Step) -> list[Entry]:
    names = [paper["name"] for paper in step.details["papers"]]
    return [_awaited(step, StepCode.PAPERS_REQUESTED, names)]


def _supplemented(step: Step) -> list[Entry]:
    """Complete, unless something is still missing."""
    missing = step.details.get("missing")
    if not missing:
        return [entry(StepCode.PAPERS_COMPLETE, AppealStatus.REGISTERED)]
    return [_awaited(step, StepCode.PAPERS_RECEIVED, missing)]


def _papers_reminded(step: Step) -> list[Entry]:
    return [_awaited(step, StepCode.PAPERS_REMINDED, step.details["missing"])]


def _papers_never_came(step: Step) -> list[Entry]:
    return [entry(StepCode.PAPERS_NEVER_CAME, step.to_status)]


def _awaited(step: Step, code: StepCode, names: Sequence[str]) -> Entry:
    """Return a line that names papers, numbered, in both languages' punctuation."""
    if not step.with_words:
        return wordless(code, step.to_status)
    numbered = [f"{number}. {name}" for number, name in enumerate(names, start=1)]
    return entry(
        code,
        step.to_status,
        date=step.words("due_on"),
        papers_en="; ".join(numbered),
        papers_zh="；".join(numbered),
        note=step.words("note"),
    )


_TELLERS: Final[Mapping[Move, Teller]] = {
    Move.REQUEST_SUPPLEMENT: _papers_requested,
    Move.SUPPLEMENT: _supplemented,
    Move.REMIND_SUPPLEMENT: _papers_reminded,
    Move.EXPIRE_SUPPLEMENT: _papers_never_came,
    Move.REGISTER: _registered,
    Move.ANSWER: _answered,
    Move.REFER: _referred,
    Move.DECLINE: _declined,
    Move.HAND_OVER: _handed_over,
    Move.WITHDRAW: _withdrawn,
    Move.URGE: _urged,
}
