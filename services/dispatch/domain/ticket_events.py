"""What moves and timers cause: the facts a ticket is the sum of."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.dispatch.domain.ticket import (
    Classification,
    Dues,
    Leg,
    Matter,
    Members,
    Resolution,
    ReturnReason,
    TimerPlan,
)
from shared.vocabulary import AppealStatus, TimerLevel, TimerName


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


@dataclass(frozen=True, slots=True)
class CalledBack:
    """It ended at the hotline: `status` says how, `rule` by which rule."""

    TYPE: ClassVar[str] = "ticket.called_back"
    at: datetime
    status: AppealStatus
    rule: str
    reason: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Paused:
    """Papers are awaited; `remaining_seconds` says what was left until each date that had not passed."""

    TYPE: ClassVar[str] = "ticket.paused"
    at: datetime
    paused_at: datetime
    due_at: datetime
    remaining_seconds: dict[str, int]


@dataclass(frozen=True, slots=True)
class Resumed:
    TYPE: ClassVar[str] = "ticket.resumed"
    at: datetime
    resumed_at: datetime
    dues: Dues

    @property
    def timers(self) -> tuple[TimerPlan, ...]:
        return self.dues.timers


@dataclass(frozen=True, slots=True)
class Attached:
    TYPE: ClassVar[str] = "ticket.attached"
    at: datetime
    master_appeal_id: UUID


@dataclass(frozen=True, slots=True)
class Detached:
    TYPE: ClassVar[str] = "ticket.detached"
    at: datetime
    matter: Matter
    master_appeal_id: UUID | None


@dataclass(frozen=True, slots=True)
class Recategorized:
    """`before` and `classification` are the two classifications; the pinned versions of both are in the detail."""

    TYPE: ClassVar[str] = "ticket.recategorized"
    at: datetime
    before: Classification
    classification: Classification
    previous_policy: str | None
    previous_calendar: str | None
    dues: Dues | None

    @property
    def timers(self) -> tuple[TimerPlan, ...]:
        return () if self.dues is None else self.dues.timers


@dataclass(frozen=True, slots=True)
class Urged:
    TYPE: ClassVar[str] = "ticket.urged"
    at: datetime
    count: int
    channel: str


@dataclass(frozen=True, slots=True)
class GroupRiskRaised:
    TYPE: ClassVar[str] = "ticket.group_risk_raised"
    at: datetime
    reason: str
    households: int
    persons: int
    appeals: int


@dataclass(frozen=True, slots=True)
class MembersCounted:
    TYPE: ClassVar[str] = "ticket.members_counted"
    at: datetime
    members: Members
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    TYPE: ClassVar[str] = "ticket.noted"
    at: datetime
    reason: str


IntakeEvent = (
    CalledBack
    | Paused
    | Resumed
    | Attached
    | Detached
    | Recategorized
    | Urged
    | GroupRiskRaised
    | MembersCounted
    | Noted
)
TicketEvent = (
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

Event = TicketEvent | IntakeEvent
