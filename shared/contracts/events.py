"""Every event the three services exchange, version 1: facts in the past tense, no personal data in any of them.

A field may be added with a default; taking one away or changing its meaning is a new version beside the old.
Times are UTC. Durations do not travel: a due time is an instant, and it is exclusive (late means `at >= due`).
"""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.envelope import EventData
from shared.vocabulary import (
    AppealStatus,
    AppealType,
    Channel,
    EvaluationOutcome,
    HandlingMode,
    SpecialCare,
    TimerLevel,
    TimerName,
    Urgency,
)

# --- intake ---------------------------------------------------------------------------------------------------


class AppealFacts(EventData):
    """What the other services may know about an appeal. Free text is masked; a report's is neutral (trap 28)."""

    receipt_number: str
    type: AppealType
    channel: Channel
    category_code: str
    category_name: str = ""
    urgency: Urgency
    mode: HandlingMode
    title: str = ""
    description: str = ""
    grid_code: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    place: str = ""
    anonymous: bool = False
    confidential: bool = False
    wants_reply: bool = True
    special_care: tuple[SpecialCare, ...] = ()
    households: int = 0
    signatories: int = 0
    external_system: str | None = None
    external_id: str | None = None
    occurred_at: AwareDatetime | None = None
    received_at: AwareDatetime
    accepted_at: AwareDatetime


class AppealAccepted(AppealFacts):
    """T10: in scope, complete enough to be sent to a department; starts the citizen's clock."""

    TYPE: ClassVar[str] = "appeal.accepted"


class AppealImported(AppealFacts):
    """A matter of the past enters with its own times: arms no timer that is over, notifies nobody."""

    TYPE: ClassVar[str] = "appeal.imported"

    department_code: str
    dispatched_at: AwareDatetime
    resolve_due_at: AwareDatetime | None = None
    resolved_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None


class AppealEnded(EventData):
    """It ends at the hotline: answered (T2), handed over (T3), papers never came (T6), declined (T7), referred (T8),
    withdrawn (T41). A ticket that is open for it is called back. Free text is masked; a report's reply stays away.
    """

    TYPE: ClassVar[str] = "appeal.ended"

    receipt_number: str
    status: Literal["closed", "referred", "not_accepted", "withdrawn"]
    rule: str
    reason_code: str = ""
    reply: str = ""
    evaluable: bool = False
    at: AwareDatetime
    type: AppealType
    channel: Channel
    category_code: str = ""
    category_name: str = ""
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    title: str = ""
    grid_code: str | None = None
    anonymous: bool = False
    confidential: bool = False
    wants_reply: bool = True
    households: int = 0
    signatories: int = 0
    received_at: AwareDatetime
    accepted_at: AwareDatetime | None = None


class AppealSupplementRequested(EventData):
    """T4 after it was accepted: the citizen's papers are awaited, the citizen's clock stops."""

    TYPE: ClassVar[str] = "appeal.supplement_requested"

    at: AwareDatetime
    due_at: AwareDatetime


class AppealResumed(AppealFacts):
    """T5 after it was accepted: the papers are complete, the clock goes on with what remained (trap 7)."""

    TYPE: ClassVar[str] = "appeal.resumed"

    resumed_at: AwareDatetime


class AppealAttached(AppealFacts):
    """T9: handled with another appeal on the same matter; it keeps its number, and its own feedback is still owed."""

    TYPE: ClassVar[str] = "appeal.attached"

    master_appeal_id: UUID
    attached_at: AwareDatetime


class AppealDetached(AppealFacts):
    """Un-merged: it goes its own way again, with clocks that start where they started (section 8)."""

    TYPE: ClassVar[str] = "appeal.detached"

    master_appeal_id: UUID
    detached_at: AwareDatetime


class AppealRecategorized(EventData):
    """T43: another category or urgency; due times are counted anew from the original start, never into the past."""

    TYPE: ClassVar[str] = "appeal.recategorized"

    category_code: str
    category_name: str = ""
    urgency: Urgency
    mode: HandlingMode
    title: str = ""
    confidential: bool = False
    type: AppealType | None = None
    at: AwareDatetime


class AppealUrged(EventData):
    """The same person asked again about the same open matter 催办: a touch, never a second ticket (section 8)."""

    TYPE: ClassVar[str] = "appeal.urged"

    count: int = Field(ge=1)
    channel: Channel
    at: AwareDatetime


class AppealGroupRiskRaised(EventData):
    """A cause has gathered many people or appeals: early warning of a group petition (HZ-12, section 8)."""

    TYPE: ClassVar[str] = "appeal.group_risk_raised"

    reason: Literal["persons", "appeals"]
    households: int = 0
    persons: int = 0
    appeals: int = 0
    at: AwareDatetime


# --- dispatch -------------------------------------------------------------------------------------------------


class TicketTriaged(EventData):
    """No rule took it: a dispatcher must decide (routing is total; never a silent fallback)."""

    TYPE: ClassVar[str] = "ticket.triaged"

    ticket_id: UUID
    reason: str
    at: AwareDatetime


class TicketDispatched(EventData):
    """T11: sent to exactly one lead department, due times printed on it."""

    TYPE: ClassVar[str] = "ticket.dispatched"

    ticket_id: UUID
    round: int = Field(ge=1)
    leg: int = Field(ge=1)
    department_code: str
    department_name: str
    category_code: str
    grid_code: str
    urgency: Urgency
    mode: HandlingMode
    policy_code: str
    dispatched_at: AwareDatetime
    acknowledge_due_at: AwareDatetime | None = None
    contact_due_at: AwareDatetime | None = None
    resolve_due_at: AwareDatetime
    promised_by: AwareDatetime
    provisional: bool = False


class TicketAcknowledged(EventData):
    """T15, or T16 when `automatic`: the department has it."""

    TYPE: ClassVar[str] = "ticket.acknowledged"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    at: AwareDatetime
    automatic: bool = False
    late: bool = False


class TicketContacted(EventData):
    """T21: the department spoke to the citizen."""

    TYPE: ClassVar[str] = "ticket.contacted"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    at: AwareDatetime
    late: bool = False


class TicketProgressed(EventData):
    """A note on the way, written for the citizen; already masked."""

    TYPE: ClassVar[str] = "ticket.progressed"

    ticket_id: UUID
    round: int
    department_code: str
    at: AwareDatetime
    note: str


class TicketReturnRequested(EventData):
    """T17: the department says it is not theirs; nothing pauses."""

    TYPE: ClassVar[str] = "ticket.return_requested"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    reason_code: str
    at: AwareDatetime


class TicketReturnDecided(EventData):
    """T18 (approved) or T19 (refused)."""

    TYPE: ClassVar[str] = "ticket.return_decided"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    approved: bool
    at: AwareDatetime


class TicketResolved(EventData):
    """T30: the department says done; the resolve clock stops provisionally."""

    TYPE: ClassVar[str] = "ticket.resolved"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    at: AwareDatetime
    resolved: bool
    measure: Literal["final", "temporary"] = "final"
    late: bool = False


class TicketResolutionRejected(EventData):
    """T31: the hotline found a defect; the resolve clock never stopped (trap 15)."""

    TYPE: ClassVar[str] = "ticket.resolution_rejected"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    at: AwareDatetime


class TicketResolutionAccepted(EventData):
    """T32: the stop at T30 is confirmed; the citizen is to be asked."""

    TYPE: ClassVar[str] = "ticket.resolution_accepted"

    ticket_id: UUID
    round: int = Field(ge=1)
    leg: int
    department_code: str
    department_name: str
    accepted_at: AwareDatetime
    resolved_at: AwareDatetime
    resolve_due_at: AwareDatetime
    late: bool
    resolved: bool
    public_reply: str = ""


class TicketTimerFired(EventData):
    """A warning before, or a breach after, a due time; once per ticket, leg, timer and level (trap 38)."""

    TYPE: ClassVar[str] = "ticket.timer_fired"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str | None = None
    timer: TimerName
    level: TimerLevel
    due_at: AwareDatetime
    fired_at: AwareDatetime


class TicketRedoStarted(EventData):
    """T35: back to the department; round 1 is frozen, the new round has its own clock (trap 16)."""

    TYPE: ClassVar[str] = "ticket.redo_started"

    ticket_id: UUID
    round: int = Field(ge=2)
    leg: int
    department_code: str
    department_name: str
    at: AwareDatetime
    contact_due_at: AwareDatetime | None = None
    resolve_due_at: AwareDatetime
    promised_by: AwareDatetime


class TicketRescheduled(EventData):
    """The dates of a department's turn have moved: the papers came (T5), or it is another matter now (T43)."""

    TYPE: ClassVar[str] = "ticket.rescheduled"

    ticket_id: UUID
    round: int
    leg: int
    department_code: str
    department_name: str
    reason: Literal["resumed", "recategorized"]
    status: AppealStatus | None = None
    at: AwareDatetime
    policy_code: str
    acknowledge_due_at: AwareDatetime | None = None
    contact_due_at: AwareDatetime | None = None
    resolve_due_at: AwareDatetime
    promised_by: AwareDatetime


class TicketImported(EventData):
    """A ticket of the past has entered the record with its own times."""

    TYPE: ClassVar[str] = "ticket.imported"

    ticket_id: UUID
    department_code: str
    department_name: str
    category_code: str
    grid_code: str
    dispatched_at: AwareDatetime
    resolve_due_at: AwareDatetime | None = None
    resolved_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    late: bool | None = None


# --- feedback -------------------------------------------------------------------------------------------------


class CallbackOpened(EventData):
    """The citizen of this matter and round is to be called back."""

    TYPE: ClassVar[str] = "case.callback_opened"

    callback_id: UUID
    round: int
    due_at: AwareDatetime
    at: AwareDatetime


class CaseClosed(EventData):
    """T34 or T37: closed. `evaluation` none means nobody answered or nobody was to be asked (traps 17, 29, 30).

    `master_appeal_id`: it was handled with another appeal (T9), so it may have no ticket of its own.
    """

    TYPE: ClassVar[str] = "case.closed"

    round: int
    at: AwareDatetime
    evaluation: EvaluationOutcome
    resolved: bool | None = None
    satisfaction: int | None = Field(default=None, ge=1, le=5)
    reason: str
    master_appeal_id: UUID | None = None


class CaseRedoRequested(EventData):
    """T35: dissatisfied and not solved; dispatch opens round `next_round`."""

    TYPE: ClassVar[str] = "case.redo_requested"

    round: int
    next_round: int = Field(ge=2)
    at: AwareDatetime
    satisfaction: int | None = Field(default=None, ge=1, le=5)


class CasePutOnLedger(EventData):
    """T36: unsolved, explained, kept on the rolling list with a review date."""

    TYPE: ClassVar[str] = "case.put_on_ledger"

    round: int
    at: AwareDatetime
    review_at: AwareDatetime
    reason: str


EVENTS: tuple[type[EventData], ...] = (
    AppealAccepted,
    AppealImported,
    AppealEnded,
    AppealSupplementRequested,
    AppealResumed,
    AppealAttached,
    AppealDetached,
    AppealRecategorized,
    AppealUrged,
    AppealGroupRiskRaised,
    TicketTriaged,
    TicketDispatched,
    TicketAcknowledged,
    TicketContacted,
    TicketProgressed,
    TicketReturnRequested,
    TicketReturnDecided,
    TicketResolved,
    TicketResolutionRejected,
    TicketResolutionAccepted,
    TicketTimerFired,
    TicketRedoStarted,
    TicketRescheduled,
    TicketImported,
    CallbackOpened,
    CaseClosed,
    CaseRedoRequested,
    CasePutOnLedger,
)

EVENT_BY_TYPE: dict[tuple[str, int], type[EventData]] = {(event.TYPE, event.VERSION): event for event in EVENTS}
