"""The case: what became of one appeal after its department said done. The state machine is data, the rules are pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import IllegalMove


class CaseState(StrEnum):
    """Where a case stands on the feedback side; `open` while the department still works on it."""

    OPEN = "open"
    AWAITING_CALLBACK = "awaiting_callback"
    CLOSED = "closed"
    ON_LEDGER = "on_ledger"


class CaseMove(StrEnum):
    """What can happen to a case."""

    ASK_CITIZEN = "ask_citizen"
    CLOSE_UNASKED = "close_unasked"
    CLOSE_ANSWERED = "close_answered"
    REQUEST_REDO = "request_redo"
    PUT_ON_LEDGER = "put_on_ledger"
    CLOSE_UNREACHED = "close_unreached"
    CLOSE_REFUSED = "close_refused"
    RECORD_HISTORY = "record_history"
    END_AT_HOTLINE = "end_at_hotline"
    GO_OWN_WAY = "go_own_way"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where a move leads, and the rule of the domain specification that says so."""

    to: CaseState
    rule: str


TRANSITIONS: Final[Mapping[tuple[CaseState, CaseMove], Transition]] = {
    (CaseState.OPEN, CaseMove.ASK_CITIZEN): Transition(CaseState.AWAITING_CALLBACK, "T32"),
    (CaseState.OPEN, CaseMove.CLOSE_UNASKED): Transition(CaseState.CLOSED, "traps 29, 30"),
    (CaseState.OPEN, CaseMove.RECORD_HISTORY): Transition(CaseState.CLOSED, "history"),
    (CaseState.AWAITING_CALLBACK, CaseMove.CLOSE_ANSWERED): Transition(CaseState.CLOSED, "T34"),
    (CaseState.AWAITING_CALLBACK, CaseMove.REQUEST_REDO): Transition(CaseState.OPEN, "T35"),
    (CaseState.AWAITING_CALLBACK, CaseMove.PUT_ON_LEDGER): Transition(CaseState.ON_LEDGER, "T36"),
    (CaseState.AWAITING_CALLBACK, CaseMove.CLOSE_UNREACHED): Transition(CaseState.CLOSED, "T37"),
    (CaseState.AWAITING_CALLBACK, CaseMove.CLOSE_REFUSED): Transition(CaseState.CLOSED, "T37"),
    (CaseState.OPEN, CaseMove.END_AT_HOTLINE): Transition(CaseState.CLOSED, "T2, T3, T6, T7, T8, T41"),
    (CaseState.AWAITING_CALLBACK, CaseMove.END_AT_HOTLINE): Transition(CaseState.CLOSED, "T41"),
    (CaseState.AWAITING_CALLBACK, CaseMove.GO_OWN_WAY): Transition(CaseState.OPEN, "section 8"),
}


def allowed_moves(state: CaseState) -> frozenset[CaseMove]:
    """Return every move that leads out of a state."""
    return frozenset(move for origin, move in TRANSITIONS if origin is state)


def transition(state: CaseState, move: CaseMove) -> Transition:
    """Return where `move` leads from `state`. Raises IllegalMove naming the state and what is possible there."""
    found = TRANSITIONS.get((state, move))
    if found is None:
        raise IllegalMove(move.value, state.value, [other.value for other in allowed_moves(state)])
    return found


@dataclass(frozen=True, slots=True)
class CasePosition:
    """The part of a case the machine decides on. `round` counts handling rounds from 1; a redo adds one (T35)."""

    state: CaseState = CaseState.OPEN
    round: int = 1

    def after(self, move: CaseMove) -> "CasePosition":
        """Return the position a move leads to. Raises IllegalMove."""
        to = transition(self.state, move).to
        return CasePosition(to, self.round + 1 if move is CaseMove.REQUEST_REDO else self.round)
