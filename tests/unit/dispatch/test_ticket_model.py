"""The state machine against a simple model of it: any sequence of moves, each at a later moment than the one before."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.dispatch.domain import ticket_moves as moves
from services.dispatch.domain.ticket import ReturnReason, Ticket
from services.dispatch.domain.ticket_machine import allowed_moves, decide, evolve_all
from shared.errors import Conflict
from shared.vocabulary import AppealStatus as S
from tests.unit.dispatch.ticket_builders import HOUR, RESOLUTION, START, clocks, waiting_ticket

DEPARTMENTS = st.sampled_from(["sanitation", "urban", "water"])


@dataclass
class Model:
    """What a clerk would write on a card."""

    state: str = "awaiting_dispatch"
    round: int = 1
    legs: int = 0
    holder: str | None = None
    returners: list[str] = field(default_factory=list)
    sent_at: datetime = START
    may_return: bool = True
    acknowledged: bool = False
    contacted: bool = False


class TicketJourney(RuleBasedStateMachine):
    """Each rule tries a move; the card says whether it must succeed."""

    def __init__(self) -> None:
        super().__init__()
        self.ticket: Ticket = waiting_ticket()
        self.card = Model()
        self.now = START
        self.promised: dict[int, datetime] = {}
        self.past_legs: dict[int, Any] = {}

    def attempt(self, command: Any, legal: bool) -> bool:
        self.now += timedelta(minutes=7)
        if self.ticket.leg is not None:
            self.past_legs[self.ticket.leg.number] = self.ticket.leg
        try:
            events = decide(self.ticket, command, self.now)
        except Conflict:
            assert not legal, f"{command} must be possible in {self.card}"
            return False
        assert legal, f"{command} must be impossible in {self.card}"
        self.ticket = evolve_all(self.ticket, events)
        return True

    @rule(hours=st.integers(1, 12))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(department=DEPARTMENTS)
    def dispatch(self, department: str) -> None:
        at = self.now + timedelta(minutes=7)
        if self.attempt(moves.Dispatch(department, department, clocks(at)), self.card.state == "awaiting_dispatch"):
            self.card.state, self.card.holder, self.card.sent_at = "awaiting_acknowledgement", department, self.now
            self.card.legs += 1
            self.card.may_return, self.card.acknowledged, self.card.contacted = True, False, False
            self.promised.setdefault(self.card.round, self.now + 40 * HOUR)

    @rule()
    def acknowledge(self) -> None:
        unsigned = self.card.state == "in_progress" and not self.card.acknowledged
        if self.attempt(moves.Acknowledge(), self.card.state == "awaiting_acknowledgement" or unsigned):
            self.card.state, self.card.acknowledged = "in_progress", True

    @rule()
    def sign_time_runs_out(self) -> None:
        if self.attempt(moves.AutoAcknowledge(), self.card.state == "awaiting_acknowledgement"):
            self.card.state = "in_progress"

    @rule()
    def contact(self) -> None:
        if self.attempt(moves.Contact("phone"), self.card.state == "in_progress"):
            self.card.contacted = True

    @rule()
    def progress(self) -> None:
        self.attempt(moves.Progress("x"), self.card.state == "in_progress")

    @rule()
    def send_back(self) -> None:
        in_time = self.now + timedelta(minutes=7) < self.card.sent_at + 4 * HOUR
        legal = (
            self.card.state in {"awaiting_acknowledgement", "in_progress"}
            and self.card.may_return
            and in_time
            and not self.card.contacted
            and self.card.holder not in self.card.returners
            and len(self.card.returners) < 2
        )
        if self.attempt(moves.Return(ReturnReason.OTHER, "x"), legal):
            self.card.state = "return_review"
            self.card.returners.append(self.card.holder or "")
            assert self.ticket.needs_consultation is (len(self.card.returners) == 2)

    @rule(approve=st.booleans())
    def decide_return(self, approve: bool) -> None:
        command = moves.ApproveReturn("x", self.now) if approve else moves.RefuseReturn("x")
        if self.attempt(command, self.card.state == "return_review"):
            self.card.state = "awaiting_dispatch" if approve else "in_progress"
            self.card.holder = None if approve else self.card.holder

    @rule()
    def resolve(self) -> None:
        if self.attempt(moves.Resolve(RESOLUTION, self.now), self.card.state == "in_progress"):
            self.card.state = "under_review"

    @rule(accept=st.booleans())
    def review(self, accept: bool) -> None:
        command = moves.AcceptResolution() if accept else moves.RejectResolution("x")
        if self.attempt(command, self.card.state == "under_review"):
            self.card.state = "awaiting_callback" if accept else "in_progress"

    @rule(ahead=st.integers(0, 2))
    def redo(self, ahead: int) -> None:
        at = self.now + timedelta(minutes=7)
        command = moves.Redo(self.card.round + ahead, clocks(at, can_return=False))
        if self.attempt(command, self.card.state == "awaiting_callback" and ahead == 1):
            self.card.state, self.card.round, self.card.sent_at = "in_progress", self.card.round + 1, self.now
            self.card.legs += 1
            self.card.may_return, self.card.acknowledged, self.card.contacted = False, False, False
            self.promised[self.card.round] = self.now + 40 * HOUR

    @precondition(lambda self: self.card.state == "awaiting_callback")
    @rule(ledger=st.booleans(), right_round=st.booleans())
    def end(self, ledger: bool, right_round: bool) -> None:
        about = self.card.round if right_round else self.card.round + 1
        command = moves.PutOnLedger(about, "x") if ledger else moves.Close(about, "x")
        if self.attempt(command, right_round):
            self.card.state = "on_ledger" if ledger else "closed"

    @invariant()
    def the_ticket_is_as_on_the_card(self) -> None:
        ticket, card = self.ticket, self.card
        assert (ticket.status.value, ticket.round, ticket.leg_number) == (card.state, card.round, card.legs)
        assert ticket.department_code == card.holder
        assert list(ticket.returned_by) == card.returners

    @invariant()
    def the_citizens_date_of_a_round_never_moves(self) -> None:
        assert self.ticket.promised_by == self.promised.get(self.card.round)

    @invariant()
    def a_leg_that_has_ended_never_changes(self) -> None:
        for number, leg in self.past_legs.items():
            if number < self.ticket.leg_number:
                assert leg.outcome is not None
                assert leg.number == number

    @invariant()
    def what_is_offered_to_people_is_never_refused_by_the_state(self) -> None:
        assert set(allowed_moves(self.ticket, self.now)) <= {
            "dispatch",
            "acknowledge",
            "contact",
            "progress",
            "return",
            "return-decision",
            "resolve",
            "review",
        }
        if self.ticket.status in {S.CLOSED, S.ON_LEDGER, S.AWAITING_CALLBACK}:
            assert allowed_moves(self.ticket, self.now) == []


TicketJourney.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTicketJourney = TicketJourney.TestCase
