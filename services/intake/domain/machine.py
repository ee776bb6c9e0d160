"""Intake's part of the state machine as data (domain 2.3): which move is possible where, and where it leads.

The state is the one the citizen sees. Once an appeal is accepted, dispatch and feedback own its way; intake can still
take it back while no department has it in hand (answer, refer, decline, ask for papers), and at any time attach it to
another, change what it is about, pass on an urge or withdraw it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import IllegalMove
from shared.vocabulary import AppealStatus

S = AppealStatus


class Move(StrEnum):
    """What can be done to an appeal by intake."""

    REGISTER = "register"
    ACCEPT = "accept"
    OVERRUN_ACCEPTANCE = "overrun_acceptance"
    RECATEGORIZE = "recategorize"
    CHANGE_URGENCY = "change_urgency"
    ANSWER = "answer"
    REFER = "refer"
    DECLINE = "decline"
    HAND_OVER = "hand_over"
    REQUEST_SUPPLEMENT = "request_supplement"
    SUPPLEMENT = "supplement"
    REMIND_SUPPLEMENT = "remind_supplement"
    EXPIRE_SUPPLEMENT = "expire_supplement"
    ATTACH = "attach"
    DETACH = "detach"
    WITHDRAW = "withdraw"
    URGE = "urge"


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a move leads, and the rule of the specification it carries out."""

    to: AppealStatus
    rule_id: str
    is_public: bool = True


# Nobody has it in hand yet: intake may still decide that it needs no department.
UNTAKEN: Final = (S.AWAITING_DISPATCH, S.CONSULTING, S.AWAITING_ACKNOWLEDGEMENT, S.RETURN_REVIEW)
IN_HAND: Final = (S.IN_PROGRESS, S.REPORTED_UP, S.SUSPENDED, S.UNDER_REVIEW)
OPEN: Final = (S.REGISTERED, S.SUPPLEMENTING, *UNTAKEN, *IN_HAND, S.AWAITING_CALLBACK)


def _rules() -> Iterable[tuple[AppealStatus, Move, Rule]]:
    yield S.DRAFT, Move.REGISTER, Rule(S.REGISTERED, "T1", is_public=False)
    yield S.REGISTERED, Move.ACCEPT, Rule(S.AWAITING_DISPATCH, "T10")
    yield S.REGISTERED, Move.OVERRUN_ACCEPTANCE, Rule(S.REGISTERED, "T_ACCEPT", is_public=False)
    for status in (S.REGISTERED, *UNTAKEN):
        yield status, Move.ANSWER, Rule(S.CLOSED, "T2")
        yield status, Move.HAND_OVER, Rule(S.REFERRED, "T3")
        yield status, Move.REQUEST_SUPPLEMENT, Rule(S.SUPPLEMENTING, "T4")
        yield status, Move.DECLINE, Rule(S.NOT_ACCEPTED, "T7")
        yield status, Move.REFER, Rule(S.REFERRED, "T8")
    yield S.SUPPLEMENTING, Move.SUPPLEMENT, Rule(S.REGISTERED, "T5")
    yield S.SUPPLEMENTING, Move.REMIND_SUPPLEMENT, Rule(S.SUPPLEMENTING, "T6", is_public=False)
    yield S.SUPPLEMENTING, Move.EXPIRE_SUPPLEMENT, Rule(S.WITHDRAWN, "T6", is_public=False)
    for status in (S.REGISTERED, *UNTAKEN, *IN_HAND):
        yield status, Move.ATTACH, Rule(S.ATTACHED, "T9")
    yield S.ATTACHED, Move.DETACH, Rule(S.REGISTERED, "section 8")
    for status in OPEN:
        yield status, Move.RECATEGORIZE, Rule(status, "T43")
        yield status, Move.CHANGE_URGENCY, Rule(status, "T43")
        yield status, Move.URGE, Rule(status, "section 8")
        yield status, Move.WITHDRAW, Rule(S.WITHDRAWN, "T41")
    yield S.ATTACHED, Move.URGE, Rule(S.ATTACHED, "section 8")
    yield S.ATTACHED, Move.WITHDRAW, Rule(S.WITHDRAWN, "T41")


RULES: Final[Mapping[tuple[AppealStatus, Move], Rule]] = {(status, move): rule for status, move, rule in _rules()}


def decide(status: AppealStatus, move: Move) -> Rule:
    """Return the rule of a move. Raises IllegalMove naming the state and what is possible in it."""
    rule = RULES.get((status, move))
    if rule is None:
        raise IllegalMove(move.value, status.value, (other.value for other in allowed_moves(status)))
    return rule


def allowed_moves(status: AppealStatus) -> tuple[Move, ...]:
    """The moves a caller can make from this state; what the system does by itself is left out."""
    return tuple(move for (state, move), rule in RULES.items() if state is status and rule.is_public)
