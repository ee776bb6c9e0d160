"""Which move of a ticket is legal where, for whom, under which guards, and what it does to the timers: the table.

The plain path is domain 2.3 (T11 to T37). What intake says of an appeal after it was accepted comes on top of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.dispatch.domain.ticket import OPEN_STATES, TICKET_STATES
from services.dispatch.domain.ticket_moves import CALL_BACKS, Move
from shared.vocabulary import AppealStatus as S
from shared.vocabulary import TimerName


class Role(StrEnum):
    """Who may make a move (section 2.4): the department that has the ticket, the hotline office, or the system."""

    DEPARTMENT = "department"
    OFFICE = "office"
    SYSTEM = "system"


class TimerAction(StrEnum):
    START = "start"
    STOP = "stop"
    UNSTOP = "unstop"
    PAUSE = "pause"
    RESUME = "resume"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class TimerEffect:
    """What happens to timers of the current leg.

    Stopping and pausing leave alone what is already due: the sweep must still tell it. Shifting moves what has not
    fired to other times and leaves it armed, paused or stopped as it is.
    """

    action: TimerAction
    timers: frozenset[TimerName]


@dataclass(frozen=True, slots=True)
class Rule:
    """One legal move from one state; `to` None stays where it is, or (RESUME) goes back to where it was."""

    to: S | None
    roles: frozenset[Role]
    guards: tuple[str, ...] = ()
    timers: tuple[TimerEffect, ...] = ()


def _starts(*timers: TimerName) -> TimerEffect:
    return TimerEffect(TimerAction.START, frozenset(timers))


def _stops(*timers: TimerName) -> TimerEffect:
    return TimerEffect(TimerAction.STOP, frozenset(timers))


def _unstops(*timers: TimerName) -> TimerEffect:
    return TimerEffect(TimerAction.UNSTOP, frozenset(timers))


def _all_timers(action: TimerAction) -> tuple[TimerEffect, ...]:
    return (TimerEffect(action, frozenset(_ALL)),)


_DISPATCH, _SIGN, _CONTACT = TimerName.DISPATCH, TimerName.ACKNOWLEDGE, TimerName.CONTACT
_RESOLVE, _REVIEW = TimerName.RESOLVE, TimerName.REVIEW
_ALL = (_DISPATCH, _SIGN, _CONTACT, _RESOLVE, _REVIEW)
_DEPARTMENT, _OFFICE, _SYSTEM = frozenset({Role.DEPARTMENT}), frozenset({Role.OFFICE}), frozenset({Role.SYSTEM})
_OFFICE_OR_SYSTEM = _OFFICE | _SYSTEM
_RETURN_GUARDS = (
    "returnable",
    "before_first_contact",
    "within_return_window",
    "first_return_of_department",
    "fewer_than_two_returns",
)

_PLAIN_PATH: Mapping[tuple[S, Move], Rule] = {
    # T11
    (S.AWAITING_DISPATCH, Move.DISPATCH): Rule(
        S.AWAITING_ACKNOWLEDGEMENT, _OFFICE_OR_SYSTEM, timers=(_stops(_DISPATCH), _starts(_SIGN, _CONTACT, _RESOLVE))
    ),
    # T15, T16
    (S.AWAITING_ACKNOWLEDGEMENT, Move.ACKNOWLEDGE): Rule(S.IN_PROGRESS, _DEPARTMENT, timers=(_stops(_SIGN),)),
    (S.AWAITING_ACKNOWLEDGEMENT, Move.AUTO_ACKNOWLEDGE): Rule(S.IN_PROGRESS, _SYSTEM, timers=(_stops(_SIGN),)),
    # after T16, T19 or T35 the department can still say that it has it
    (S.IN_PROGRESS, Move.ACKNOWLEDGE): Rule(None, _DEPARTMENT, ("not_yet_acknowledged",), (_stops(_SIGN),)),
    # T17: nothing pauses
    (S.AWAITING_ACKNOWLEDGEMENT, Move.RETURN): Rule(S.RETURN_REVIEW, _DEPARTMENT, _RETURN_GUARDS),
    (S.IN_PROGRESS, Move.RETURN): Rule(S.RETURN_REVIEW, _DEPARTMENT, _RETURN_GUARDS),
    # T18, T19
    (S.RETURN_REVIEW, Move.APPROVE_RETURN): Rule(
        S.AWAITING_DISPATCH, _OFFICE, timers=(_stops(_SIGN, _CONTACT, _RESOLVE), _starts(_DISPATCH))
    ),
    (S.RETURN_REVIEW, Move.REFUSE_RETURN): Rule(S.IN_PROGRESS, _OFFICE),
    # T21 and notes on the way
    (S.IN_PROGRESS, Move.CONTACT): Rule(None, _DEPARTMENT, timers=(_stops(_CONTACT),)),
    (S.IN_PROGRESS, Move.PROGRESS): Rule(None, _DEPARTMENT),
    # T30, T31, T32. Only the time to answer stops at T30; the time to the first contact stops at T21 or with the leg.
    (S.IN_PROGRESS, Move.RESOLVE): Rule(
        S.UNDER_REVIEW, _DEPARTMENT, ("reply_given",), (_stops(_SIGN, _RESOLVE), _starts(_REVIEW))
    ),
    (S.UNDER_REVIEW, Move.REJECT_RESOLUTION): Rule(
        S.IN_PROGRESS, _OFFICE, timers=(_stops(_REVIEW), _unstops(_RESOLVE))
    ),
    (S.UNDER_REVIEW, Move.ACCEPT_RESOLUTION): Rule(S.AWAITING_CALLBACK, _OFFICE, timers=(_stops(*_ALL),)),
    # T35, T34 or T37, T36: decided by feedback
    (S.AWAITING_CALLBACK, Move.REDO): Rule(S.IN_PROGRESS, _SYSTEM, ("is_next_round",), (_starts(_CONTACT, _RESOLVE),)),
    (S.AWAITING_CALLBACK, Move.CLOSE): Rule(S.CLOSED, _SYSTEM, ("is_this_round",), (_stops(*_ALL),)),
    (S.AWAITING_CALLBACK, Move.PUT_ON_LEDGER): Rule(S.ON_LEDGER, _SYSTEM, ("is_this_round",), (_stops(*_ALL),)),
}

# Papers are awaited only while there is a time to answer or to review that could stop.
PAUSABLE_STATES = (
    S.AWAITING_DISPATCH,
    S.AWAITING_ACKNOWLEDGEMENT,
    S.RETURN_REVIEW,
    S.IN_PROGRESS,
    S.UNDER_REVIEW,
)


def _said_by_intake() -> Iterator[tuple[S, Move, Rule]]:
    """What intake, or feedback about a member of a group, makes of a ticket: always the system's moves."""
    for status in OPEN_STATES:
        for to, move in CALL_BACKS.items():  # T2, T3, T6, T7, T8, T41
            yield status, move, Rule(to, _SYSTEM, timers=_all_timers(TimerAction.STOP))
        yield status, Move.ATTACH, Rule(S.ATTACHED, _SYSTEM, timers=_all_timers(TimerAction.STOP))  # T9
        yield status, Move.RECATEGORIZE, Rule(None, _SYSTEM, timers=_all_timers(TimerAction.SHIFT))  # T43
    for status in PAUSABLE_STATES:  # T4
        yield status, Move.PAUSE, Rule(S.SUPPLEMENTING, _SYSTEM, timers=_all_timers(TimerAction.PAUSE))
    yield S.SUPPLEMENTING, Move.RESUME, Rule(None, _SYSTEM, timers=_all_timers(TimerAction.RESUME))  # T5
    yield S.AWAITING_DISPATCH, Move.TRIAGE, Rule(None, _SYSTEM, timers=(_starts(_DISPATCH),))
    yield S.ATTACHED, Move.DETACH, Rule(S.AWAITING_DISPATCH, _SYSTEM)
    # A member's own verdict ends its ticket, which has no rounds of its own while it follows another (LZ-16).
    yield S.ATTACHED, Move.CLOSE, Rule(S.CLOSED, _SYSTEM)
    yield S.ATTACHED, Move.PUT_ON_LEDGER, Rule(S.ON_LEDGER, _SYSTEM)
    for status in TICKET_STATES:
        for move in (Move.URGE, Move.RAISE_GROUP_RISK, Move.COUNT_MEMBERS, Move.NOTE):
            yield status, move, Rule(None, _SYSTEM)


RULES: Mapping[tuple[S, Move], Rule] = {
    **_PLAIN_PATH,
    **{(status, move): rule for status, move, rule in _said_by_intake()},
}

# What a client calls each move; moves of the system are not offered to anybody.
PUBLIC_NAMES: Mapping[Move, str] = {
    Move.DISPATCH: "dispatch",
    Move.ACKNOWLEDGE: "acknowledge",
    Move.CONTACT: "contact",
    Move.PROGRESS: "progress",
    Move.RETURN: "return",
    Move.APPROVE_RETURN: "return-decision",
    Move.REFUSE_RETURN: "return-decision",
    Move.RESOLVE: "resolve",
    Move.ACCEPT_RESOLUTION: "review",
    Move.REJECT_RESOLUTION: "review",
}
