"""What can be done to a ticket: one command per transition of the field's table (domain 2.3), and what intake says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from services.dispatch.domain.ticket import (
    Classification,
    Dues,
    LegClocks,
    Matter,
    Members,
    Resolution,
    ReturnReason,
    TimerPlan,
)
from shared.vocabulary import AppealStatus


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
    ANSWER = "answer"
    REFER = "refer"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    PAUSE = "pause"
    RESUME = "resume"
    ATTACH = "attach"
    DETACH = "detach"
    TRIAGE = "triage"
    RECATEGORIZE = "recategorize"
    URGE = "urge"
    RAISE_GROUP_RISK = "raise_group_risk"
    COUNT_MEMBERS = "count_members"
    NOTE = "note"


# How intake ends an appeal, and what calling its ticket back for that is called.
CALL_BACKS: Mapping[AppealStatus, Move] = {
    AppealStatus.CLOSED: Move.ANSWER,
    AppealStatus.REFERRED: Move.REFER,
    AppealStatus.NOT_ACCEPTED: Move.DECLINE,
    AppealStatus.WITHDRAWN: Move.WITHDRAW,
}


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


@dataclass(frozen=True, slots=True)
class CallBack:
    """T2, T3, T6, T7, T8, T41: the appeal ended at the hotline at `ended_at`; `rule` names which."""

    status: AppealStatus
    rule: str
    reason: str
    ended_at: datetime

    @property
    def MOVE(self) -> Move:  # noqa: N802 - what the other commands have as a constant
        return CALL_BACKS[self.status]


@dataclass(frozen=True, slots=True)
class StopForPapers:
    """T4: the citizen's papers are awaited until `due_at`; every clock stops at `paused_at`."""

    MOVE: ClassVar = Move.PAUSE
    paused_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Resume:
    """T5: the papers are there; `dues` is what remained, counted from `resumed_at` (trap 7)."""

    MOVE: ClassVar = Move.RESUME
    resumed_at: datetime
    dues: Dues


@dataclass(frozen=True, slots=True)
class Attach:
    """T9: it is handled with another appeal."""

    MOVE: ClassVar = Move.ATTACH
    master_appeal_id: UUID


@dataclass(frozen=True, slots=True)
class Detach:
    """Un-merged: it waits for dispatch like a new one, with what intake says of it now."""

    MOVE: ClassVar = Move.DETACH
    matter: Matter


@dataclass(frozen=True, slots=True)
class Triage:
    """Routed again, and again no rule took it: a dispatcher decides by `dispatch_due_at`."""

    MOVE: ClassVar = Move.TRIAGE
    reason: str
    dispatch_due_at: datetime
    timers: tuple[TimerPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Recategorize:
    """T43: another category, urgency or mode; `dues` None where no department's clock runs."""

    MOVE: ClassVar = Move.RECATEGORIZE
    classification: Classification
    dues: Dues | None = None


@dataclass(frozen=True, slots=True)
class Urge:
    """The citizen asked again; `count` is how often by now (section 8)."""

    MOVE: ClassVar = Move.URGE
    count: int
    channel: str


@dataclass(frozen=True, slots=True)
class RaiseGroupRisk:
    """Many people, or many appeals, are behind it (HZ-12)."""

    MOVE: ClassVar = Move.RAISE_GROUP_RISK
    reason: str
    households: int
    persons: int
    appeals: int


@dataclass(frozen=True, slots=True)
class CountMembers:
    """An appeal came to be handled with this one, or is no longer; `members` is how many there are now."""

    MOVE: ClassVar = Move.COUNT_MEMBERS
    members: Members
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something was said of it that no longer changes it; it is kept on record."""

    MOVE: ClassVar = Move.NOTE
    reason: str


IntakeCommand = (
    CallBack
    | StopForPapers
    | Resume
    | Attach
    | Detach
    | Triage
    | Recategorize
    | Urge
    | RaiseGroupRisk
    | CountMembers
    | Note
)
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
    | IntakeCommand
)
