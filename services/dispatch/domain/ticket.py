"""The ticket (工单) as the rules see it: what it is about and the legs of its journey.

One ticket per appeal. A leg is one department's turn (domain 2.1); a round is one handling, each redo opens the next.
Legs are numbered through all rounds, so neither a new department nor a redo overwrites an earlier turn (trap 16).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
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
    AppealStatus.SUPPLEMENTING,
    AppealStatus.ATTACHED,
    AppealStatus.REFERRED,
    AppealStatus.NOT_ACCEPTED,
    AppealStatus.WITHDRAWN,
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
ENDED_STATES = frozenset(
    {
        AppealStatus.CLOSED,
        AppealStatus.ON_LEDGER,
        AppealStatus.REFERRED,
        AppealStatus.NOT_ACCEPTED,
        AppealStatus.WITHDRAWN,
    }
)
OPEN_STATES = tuple(state for state in TICKET_STATES if state not in ENDED_STATES)


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
    CALLED_BACK = "called_back"
    ATTACHED = "attached"


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
class Classification:
    """What T43 may change of a matter: four independent fields, and what follows from them. `type` None: as it was."""

    category_code: str
    category_name: str
    urgency: Urgency
    mode: HandlingMode
    title: str
    confidential: bool
    type: AppealType | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """The one time papers were awaited (T4, trap 7): since when, until when, and where the ticket was.

    `until` None: they still are. `offered`: it was waiting to be pulled.
    """

    at: datetime
    from_status: AppealStatus
    offered: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """How many appeals are handled with a ticket besides its own, and whom they speak for (section 8)."""

    appeals: int = 0
    households: int = 0
    persons: int = 0


@dataclass(frozen=True, slots=True)
class Dues:
    """What a recount or a resumption makes of a ticket's dates, and the timers that go with them."""

    clocks: LegClocks | None
    promised_by: datetime | None
    dispatch_due_at: datetime | None = None
    review_due_at: datetime | None = None
    timers: tuple[TimerPlan, ...] = ()


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
    pause: Pause | None = None
    master_appeal_id: UUID | None = None
    members: Members = Members()
    urges: int = 0
    group_risk: bool = False

    @property
    def has_open_leg(self) -> bool:
        """Whether a department has it, so that the leg's dates still mean something."""
        return self.leg is not None and self.leg.ended_at is None

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
