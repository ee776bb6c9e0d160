"""What moves and timers cause: the facts a ticket is the sum of."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from services.dispatch.domain.ticket import Leg, Resolution, ReturnReason, TimerPlan
from shared.vocabulary import TimerLevel, TimerName


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
