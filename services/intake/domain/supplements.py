"""Papers that are missing (LZ-11): one written list of all of them, a term, one reminder, ticked off as they come.

Everything is asked for at once; a second list is the exception that somebody else must want (trap 7).
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from shared.errors import Conflict, FieldProblem, InvalidInput
from shared.vocabulary import Urgency

MOST_ITEMS: Final = 30
SHORTEST_TERM: Final = timedelta(days=1)
LONGEST_TERM: Final = timedelta(days=60)
# A reminder that went out late still leaves this part of the time that it was meant to leave.
_LEAST_NOTICE: Final = 1 / 3
_PRESSING: Final = frozenset({Urgency.P1, Urgency.P2})


class AskedTwice(Conflict):
    """The citizen was given a list before, and everything on it came."""

    code = "papers_asked_twice"
    title = "Papers were asked for before"


class WaitsForNoPapers(Conflict):
    """What is urgent is handled first; papers are asked for on the way."""

    code = "waits_for_no_papers"
    title = "A pressing matter does not wait for papers"


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """T_SUPPL and when to remind. Natural days: intake has no working calendar, and 14 days hold ten working days."""

    term: timedelta = timedelta(days=14)
    notice: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When papers are due (exclusive), and when the citizen is reminded."""

    due_at: datetime
    remind_at: datetime


@dataclass(frozen=True, slots=True)
class Paper:
    """One thing that is missing, and what about it must be known."""

    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list that was given to the citizen."""

    position: int
    paper: Paper
    delivered_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.delivered_at is None


def deadline_of(terms: PaperTerms, *, now: datetime, asked_due_at: datetime | None) -> Deadline:
    """Return when papers are due: the date an agent set, within bounds, else the general term.

    Raises InvalidInput for a date outside of the bounds.
    """
    due_at = asked_due_at if asked_due_at is not None else now + terms.term
    if not SHORTEST_TERM <= due_at - now <= LONGEST_TERM:
        earliest, latest = ((now + term).isoformat() for term in (SHORTEST_TERM, LONGEST_TERM))
        raise InvalidInput(
            "The date leaves too little time or too much.",
            [FieldProblem("/due_at", f"must lie between {earliest} and {latest}")],
        )
    return Deadline(due_at, due_at - min(terms.notice, (due_at - now) / 2))


def due_after_reminder(deadline: Deadline, reminded_at: datetime) -> datetime:
    """Return when papers are due once the reminder is out: later than before only if it went out far too late."""
    notice = deadline.due_at - deadline.remind_at
    return max(deadline.due_at, reminded_at + notice * _LEAST_NOTICE)


def shown_moment(moment: datetime, zone: tzinfo) -> str:
    """Return a moment as citizens read it."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def check_list(papers: Sequence[Paper]) -> None:
    """Raise InvalidInput unless each thing is named once."""
    seen: set[str] = set()
    problems = []
    for index, paper in enumerate(papers):
        if key_of(paper.name) in seen:
            problems.append(FieldProblem(f"/items/{index}/name", "is on the list already"))
        seen.add(key_of(paper.name))
    if problems:
        raise InvalidInput("The list names something twice.", problems)


def check_may_wait(urgency: Urgency | None) -> None:
    """Raise WaitsForNoPapers for danger and same-day livelihood: their clocks never stop (section 3.5)."""
    if urgency in _PRESSING:
        raise WaitsForNoPapers(f"The urgency is {urgency}; accept it, and have the papers asked for on the way.")


def tick_off(listed: Sequence[Listed], names: Iterable[str]) -> list[int]:
    """Return, per name, its position on the list. Raises InvalidInput naming those that are not on it.

    What is ticked off already may be named again, so that a repeated delivery does no harm.
    """
    positions = {key_of(item.paper.name): item.position for item in listed}
    names = list(names)
    missing = [item.paper.name for item in listed if item.is_open]
    problems = [
        FieldProblem(f"/items/{index}/name", "was not asked for", missing)
        for index, name in enumerate(names)
        if key_of(name) not in positions
    ]
    if problems:
        raise InvalidInput("Something was delivered that is not on the list.", problems)
    return [positions[key_of(name)] for name in names]


def is_complete(listed: Sequence[Listed], delivered: Iterable[int]) -> bool:
    """T5: everything on the list is there."""
    here = set(delivered)
    return all(not item.is_open or item.position in here for item in listed)


def key_of(name: str) -> str:
    """Return what two spellings of the same paper have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
