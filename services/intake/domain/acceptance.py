"""T_ACCEPT and T10: until when the scope of an appeal must be decided, and which appeals an agent decides about.

Natural time around the clock: the office must know at any hour whether a matter is its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.vocabulary import Channel, HandlingMode, Urgency

# Somebody of the office has the citizen in front of them, or on the line.
SPOKEN: Final = frozenset(
    {
        Channel.PHONE,
        Channel.WINDOW,
        Channel.EVAL_WINDOW,
        Channel.CANNOT_DO_WINDOW,
        Channel.FROM_110,
        Channel.OTHER_HOTLINE,
    }
)
_HELD_IF_CHOSEN: Final = frozenset({HandlingMode.IMMEDIATE, HandlingMode.SUPPLEMENT})


@dataclass(frozen=True, slots=True)
class AcceptanceTerms:
    """T_ACCEPT of section 3.2: by urgency where it presses, otherwise by how the appeal came in."""

    p1: timedelta = timedelta(minutes=5)
    p2: timedelta = timedelta(minutes=15)
    spoken: timedelta = timedelta(minutes=15)
    written: timedelta = timedelta(hours=2)

    def term_of(self, urgency: Urgency | None, channel: Channel) -> timedelta:
        """Return the time there is from receipt to the decision."""
        if urgency is Urgency.P1:
            return self.p1
        if urgency is Urgency.P2:
            return self.p2
        return self.spoken if channel in SPOKEN else self.written


def accept_due_at(terms: AcceptanceTerms, urgency: Urgency | None, channel: Channel, received_at: datetime) -> datetime:
    """Return when T_ACCEPT ends, exclusive. It starts when the office had the appeal, not when it entered it (trap 43).

    For a letter that lay unread this may be in the past already: then it is late, and shown so.
    """
    return received_at + terms.term_of(urgency, channel)


def moved_due_at(due_at: datetime, *, old_term: timedelta, new_term: timedelta, now: datetime) -> datetime:
    """Return the due time under another term, counted from the same start with the same pauses (T43).

    A change never moves it into the past; what was late before stays as it was unless the new term is longer.
    """
    moved = due_at + (new_term - old_term)
    return moved if moved >= now else min(due_at, now)


def is_held(mode: HandlingMode | None, *, chosen: bool, papers_complete: bool = False) -> bool:
    """Tell whether an appeal that lacks nothing still waits for an agent.

    An advisory matter is not the city's to handle, so it is never dispatched by itself. Immediate and supplement hold
    only when an agent chose them: as a category's default they say how it is usually done.
    """
    if mode is HandlingMode.ADVISORY:
        return True
    if mode is HandlingMode.SUPPLEMENT and papers_complete:
        return False
    return chosen and mode in _HELD_IF_CHOSEN
