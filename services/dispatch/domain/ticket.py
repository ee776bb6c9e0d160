"""The ticket (工单) as the rules see it: what it is about, the legs of its journey, the moves and what they cause.

One ticket per appeal. A leg is one department's turn (domain 2.1); a round is one handling, each redo opens the next.
Legs are numbered through all rounds, so neither a new department nor a redo overwrites an earlier turn (trap 16).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from shared.vocabulary import (
    AppealStatus,
    AppealType,
    Channel,
    HandlingMode,
    SpecialCare,
    TimerLevel,
    TimerName,
    Urgency,
)

TICKET_STATES = (
    AppealStatus.AWAITING_DISPATCH,
    AppealStatus.AWAITING_ACKNOWLEDGEMENT,
    AppealStatus.RETURN_REVIEW,
    AppealStatus.IN_PROGRESS,
    AppealStatus.UNDER_REVIEW,
    AppealStatus.AWAITING_CALLBACK,
    AppealStatus.CLOSED,
    AppealStatus.ON_LEDGER,
)
# While a ticket is in one of these, its time to answer runs (section 2.2).
RUNNING_STATES = frozenset(
    {
        AppealStatus.AWAITING_DISPATCH,
        AppealStatus.AWAITING_ACKNOWLEDGEMENT,
        AppealStatus.RETURN_REVIEW,
        AppealStatus.IN_PROGRESS,
    }
)
ENDED_STATES = frozenset({AppealStatus.CLOSED, AppealStatus.ON_LEDGER})


class ReturnReason(StrEnum):
    """Why a department says "not mine" (section 3.4)."""

    AREA_WRONG = "area_wrong"
    DUTY_WRONG = "duty_wrong"
    ALREADY_HANDLED = "already_handled"
    OUTSIDE_GOVERNMENT_DUTY = "outside_government_duty"
    OTHER = "other"


class LegOutcome(StrEnum):
    """How a department's turn ended."""

    ACCEPTED = "accepted"
    RETURNED = "returned"


Measure = Literal["final", "temporary"]


@dataclass(frozen=True, slots=True)
class Matter:
    """What the citizen asks for, as far as handling needs it; free of the citizen's identity."""

    receipt_number: str
    type: AppealType
    channel: Channel
    category_code: str
    category_name: str
    urgency: Urgency
    mode: HandlingMode
    title: str
    description: str
    place: str
    grid_code: str
    longitude: float | None
    latitude: float | None
    anonymous: bool
    confidential: bool
    wants_reply: bool
    special_care: tuple[SpecialCare, ...]
    households: int
    signatories: int
    received_at: datetime
    accepted_at: datetime

    @property
    def can_be_contacted(self) -> bool:
        """Nobody to speak to when anonymous, nobody to be troubled when no reply is wanted (traps 29 and 30)."""
        return self.wants_reply and not self.anonymous


@dataclass(frozen=True, slots=True)
class TimerPlan:
    """One rung of one timer: it fires at `fire_at` about the deadline `due_at`; a breach has both equal."""

    timer: TimerName
    level: TimerLevel
    fire_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class LegClocks:
    """The due times printed on a leg, from one pinned policy and calendar; all are exclusive instants."""

    policy_code: str
    policy_version: int
    calendar_code: str
    calendar_version: int
    acknowledge_due_at: datetime | None
    contact_due_at: datetime | None
    return_until: datetime | None
    resolve_due_at: datetime
    provisional: bool = False
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a department answers: its reply, whether the matter is solved, and what may be published."""

    reply: str
    resolved: bool
    public_reply: str | None = None
    measure: Measure = "final"
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One department's turn. `resolution` and `resolved_at` are provisional until the review accepts them (T30)."""

    number: int
    round: int
    department_code: str
    department_name: str
    dispatched_at: datetime
    clocks: LegClocks
    acknowledged_at: datetime | None = None
    auto_acknowledged_at: datetime | None = None
    late_sign: bool = False
    contacted_at: datetime | None = None
    late_contact: bool = False
    return_requested_at: datetime | None = None
    return_reason: ReturnReason | None = None
    return_refused_at: datetime | None = None
    resolved_at: datetime | None = None
    late_resolve: bool = False
    resolution: Resolution | None = None
    ended_at: datetime | None = None
    outcome: LegOutcome | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket between two moves. `leg` is the current turn, or the last one while nobody has the ticket.

    `promised_by` is the citizen's date of this round: set by its first dispatch, never moved by a return (trap 11).
    """

    id: UUID
    appeal_id: UUID
    matter: Matter
    status: AppealStatus
    round: int
    created_at: datetime
    updated_at: datetime
    version: int = 1
    department_code: str | None = None
    department_name: str | None = None
    promised_by: datetime | None = None
    returnable: bool = True
    returned_by: tuple[str, ...] = ()
    needs_consultation: bool = False
    pull_pending: bool = False
    imported: bool = False
    closed_at: datetime | None = None
    leg: Leg | None = None
    dispatch_due_at: datetime | None = None
    review_due_at: datetime | None = None
    lease_token_hash: str | None = None
    lease_expires_at: datetime | None = None

    @property
    def leg_number(self) -> int:
        return 0 if self.leg is None else self.leg.number

    def is_overdue(self, now: datetime) -> bool:
        """Late is `at >= due`, as long as no answer has been submitted."""
        due = self.leg.clocks.resolve_due_at if self.leg is not None else self.dispatch_due_at
        return self.status in RUNNING_STATES and due is not None and now >= due


def is_late(at: datetime, due_at: datetime | None) -> bool:
    """On time is strictly before the due time (section 3.3)."""
    return due_at is not None and at >= due_at


# --- moves ----------------------------------------------------------------------------------------------------


class Move(StrEnum):
    """Every command the state machine knows."""

    DISPATCH = "dispatch"
    ACKNOWLEDGE = "acknowledge"
    AUTO_ACKNOWLEDGE = "auto_acknowledge"
    CONTACT = "contact"
    PROGRESS = "progress"
    RETURN = "return"
    APPROVE_RETURN = "approve_return"
    REFUSE_RETURN = "refuse_return"
    RESOLVE = "resolve"
    ACCEPT_RESOLUTION = "accept_resolution"
    REJECT_RESOLUTION = "reject_resolution"
    REDO = "redo"
    CLOSE = "close"
    PUT_ON_LEDGER = "put_on_ledger"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """T11: send it to exactly one lead department."""

    MOVE: ClassVar = Move.DISPATCH
    department_code: str
    department_name: str
    clocks: LegClocks
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """T15: the department has it. Also later, when T16 has moved it on or a redo has sent it back."""

    MOVE: ClassVar = Move.ACKNOWLEDGE


@dataclass(frozen=True, slots=True)
class AutoAcknowledge:
    """T16: T_SIGN ran out; the leg starts anyway and is marked late."""

    MOVE: ClassVar = Move.AUTO_ACKNOWLEDGE


@dataclass(frozen=True, slots=True)
class Contact:
    """T21: the department spoke to the citizen."""

    MOVE: ClassVar = Move.CONTACT
    channel: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """A note on the way."""

    MOVE: ClassVar = Move.PROGRESS
    note: str


@dataclass(frozen=True, slots=True)
class Return:
    """T17: not ours; nothing pauses."""

    MOVE: ClassVar = Move.RETURN
    reason_code: ReturnReason
    explanation: str


@dataclass(frozen=True, slots=True)
class ApproveReturn:
    """T18: rightly returned; a dispatcher must send it on by `dispatch_due_at`."""

    MOVE: ClassVar = Move.APPROVE_RETURN
    note: str
    dispatch_due_at: datetime
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class RefuseReturn:
    """T19: it stays where it is, on the same clocks."""

    MOVE: ClassVar = Move.REFUSE_RETURN
    note: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """T30: the department says done; the hotline reviews by `review_due_at`."""

    MOVE: ClassVar = Move.RESOLVE
    resolution: Resolution
    review_due_at: datetime
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptResolution:
    """T32: the citizen is to be asked."""

    MOVE: ClassVar = Move.ACCEPT_RESOLUTION
    note: str = ""


@dataclass(frozen=True, slots=True)
class RejectResolution:
    """T31: a concrete defect; the time to answer never stopped (trap 15)."""

    MOVE: ClassVar = Move.REJECT_RESOLUTION
    note: str


@dataclass(frozen=True, slots=True)
class Redo:
    """T35: feedback sends it back for another round."""

    MOVE: ClassVar = Move.REDO
    next_round: int
    clocks: LegClocks


@dataclass(frozen=True, slots=True)
class Close:
    """T34 or T37, decided by feedback about `round`."""

    MOVE: ClassVar = Move.CLOSE
    round: int
    reason: str


@dataclass(frozen=True, slots=True)
class PutOnLedger:
    """T36, decided by feedback about `round`."""

    MOVE: ClassVar = Move.PUT_ON_LEDGER
    round: int
    reason: str


Command = (
    Dispatch
    | Acknowledge
    | AutoAcknowledge
    | Contact
    | Progress
    | Return
    | ApproveReturn
    | RefuseReturn
    | Resolve
    | AcceptResolution
    | RejectResolution
    | Redo
    | Close
    | PutOnLedger
)


# --- what moves cause -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Triaged:
    """No rule took it: a dispatcher must decide by `dispatch_due_at`."""

    TYPE: ClassVar[str] = "ticket.triaged"
    at: datetime
    reason: str
    dispatch_due_at: datetime
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispatched:
    TYPE: ClassVar[str] = "ticket.dispatched"
    at: datetime
    leg: Leg
    promised_by: datetime
    reason: str

    @property
    def timers(self) -> tuple[TimerPlan, ...]:
        return self.leg.clocks.timers


@dataclass(frozen=True, slots=True)
class Acknowledged:
    TYPE: ClassVar[str] = "ticket.acknowledged"
    at: datetime
    automatic: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Contacted:
    TYPE: ClassVar[str] = "ticket.contacted"
    at: datetime
    channel: str
    note: str
    first: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Progressed:
    TYPE: ClassVar[str] = "ticket.progressed"
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ReturnRequested:
    TYPE: ClassVar[str] = "ticket.return_requested"
    at: datetime
    reason_code: ReturnReason
    explanation: str
    needs_consultation: bool


@dataclass(frozen=True, slots=True)
class ReturnApproved:
    TYPE: ClassVar[str] = "ticket.return_decided"
    at: datetime
    note: str
    dispatch_due_at: datetime
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class ReturnRefused:
    TYPE: ClassVar[str] = "ticket.return_decided"
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Resolved:
    TYPE: ClassVar[str] = "ticket.resolved"
    at: datetime
    resolution: Resolution
    late: bool
    review_due_at: datetime
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolutionRejected:
    TYPE: ClassVar[str] = "ticket.resolution_rejected"
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ResolutionAccepted:
    TYPE: ClassVar[str] = "ticket.resolution_accepted"
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class RedoStarted:
    TYPE: ClassVar[str] = "ticket.redo_started"
    at: datetime
    leg: Leg

    @property
    def timers(self) -> tuple[TimerPlan, ...]:
        return self.leg.clocks.timers


@dataclass(frozen=True, slots=True)
class Closed:
    TYPE: ClassVar[str] = "ticket.closed"
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PlacedOnLedger:
    TYPE: ClassVar[str] = "ticket.put_on_ledger"
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A ticket of the past entered with its own times; without a due date nothing can be said about lateness."""

    TYPE: ClassVar[str] = "ticket.imported"
    at: datetime
    due_known: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A warning or a breach; of itself it moves nothing, it marks the leg."""

    TYPE: ClassVar[str] = "ticket.timer_fired"
    at: datetime
    leg_number: int
    timer: TimerName
    level: TimerLevel
    due_at: datetime


Event = (
    Triaged
    | Dispatched
    | Acknowledged
    | Contacted
    | Progressed
    | ReturnRequested
    | ReturnApproved
    | ReturnRefused
    | Resolved
    | ResolutionRejected
    | ResolutionAccepted
    | RedoStarted
    | Closed
    | PlacedOnLedger
    | Imported
    | TimerFired
)
