"""What can be done to a ticket: one command per transition of the field's table (domain 2.3, plain path)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from services.dispatch.domain.ticket import LegClocks, Resolution, ReturnReason, TimerPlan


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
