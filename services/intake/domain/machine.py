"""Intake's part of the state machine as data (domain 2.3): which move is possible where, and where it leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import IllegalMove
from shared.vocabulary import AppealStatus


class Move(StrEnum):
    """What can be done to an appeal while intake owns its state."""

    REGISTER = "register"
    ACCEPT = "accept"
    RECATEGORIZE = "recategorize"


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a move leads, and the rule of the specification it carries out."""

    to: AppealStatus
    rule_id: str
    is_public: bool = True


RULES: Final[Mapping[tuple[AppealStatus, Move], Rule]] = {
    (AppealStatus.DRAFT, Move.REGISTER): Rule(AppealStatus.REGISTERED, "T1"),
    (AppealStatus.REGISTERED, Move.RECATEGORIZE): Rule(AppealStatus.REGISTERED, "T43"),
    (AppealStatus.REGISTERED, Move.ACCEPT): Rule(AppealStatus.AWAITING_DISPATCH, "T10", is_public=False),
}


def decide(status: AppealStatus, move: Move) -> Rule:
    """Return the rule of a move. Raises IllegalMove naming the state and what is possible in it."""
    rule = RULES.get((status, move))
    if rule is None:
        raise IllegalMove(move.value, status.value, (other.value for other in allowed_moves(status)))
    return rule


def allowed_moves(status: AppealStatus) -> tuple[Move, ...]:
    """The moves a caller can make from this state; accepting follows by itself (T10)."""
    return tuple(move for (state, move), rule in RULES.items() if state is status and rule.is_public)
