"""The case's state machine against an independent model, under any order of moves."""

import itertools

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.feedback.domain.case import (
    TRANSITIONS,
    CaseMove,
    CasePosition,
    CaseState,
    allowed_moves,
    transition,
)
from shared.errors import IllegalMove


def test_a_finished_case_can_make_no_move() -> None:
    assert allowed_moves(CaseState.CLOSED) == frozenset()
    assert allowed_moves(CaseState.ON_LEDGER) == frozenset()


def test_every_state_but_the_first_is_reached_by_some_move() -> None:
    assert {found.to for found in TRANSITIONS.values()} == set(CaseState)


@pytest.mark.parametrize(("state", "move"), list(itertools.product(CaseState, CaseMove)))
def test_an_illegal_move_names_the_state_and_what_is_possible(state: CaseState, move: CaseMove) -> None:
    if (state, move) in TRANSITIONS:
        assert transition(state, move).rule
        return
    with pytest.raises(IllegalMove) as caught:
        transition(state, move)
    assert caught.value.extra["state"] == state.value
    assert caught.value.extra["allowed_moves"] == sorted(possible.value for possible in allowed_moves(state))


def test_only_a_redo_begins_another_round() -> None:
    for (state, move), found in TRANSITIONS.items():
        after = CasePosition(state, 1).after(move)
        assert after.state is found.to
        assert after.round == (2 if move is CaseMove.REQUEST_REDO else 1)


class CaseMachine(RuleBasedStateMachine):
    """Drives the machine with any moves and predicts it from what has happened, not from its table."""

    def __init__(self) -> None:
        super().__init__()
        self.position = CasePosition()
        self.over = False
        self.asking = False
        self.redos = 0

    @rule(move=st.sampled_from(CaseMove))
    def attempt(self, move: CaseMove) -> None:
        before = self.position
        if not self._may(move):
            with pytest.raises(IllegalMove):
                before.after(move)
            return
        self.position = before.after(move)
        self.asking = move is CaseMove.ASK_CITIZEN
        self.redos += move is CaseMove.REQUEST_REDO
        self.over = move not in {CaseMove.ASK_CITIZEN, CaseMove.REQUEST_REDO, CaseMove.GO_OWN_WAY}

    def _may(self, move: CaseMove) -> bool:
        if self.over:
            return False
        if move is CaseMove.END_AT_HOTLINE:
            return True
        unasked = {CaseMove.ASK_CITIZEN, CaseMove.CLOSE_UNASKED, CaseMove.RECORD_HISTORY}
        return (move in unasked) != self.asking

    @invariant()
    def state_tells_what_has_happened(self) -> None:
        assert (self.position.state in {CaseState.CLOSED, CaseState.ON_LEDGER}) == self.over
        assert (self.position.state is CaseState.AWAITING_CALLBACK) == self.asking
        assert self.position.round == 1 + self.redos


TestCaseMachine = CaseMachine.TestCase
