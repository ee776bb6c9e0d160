"""What the API says of tickets, and what it is told."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.db.decisions import DecisionRecord
from services.dispatch.db.history import Change
from services.dispatch.domain.ticket import Leg, Resolution, ReturnReason, Ticket
from services.dispatch.use_cases.pull_tickets import Pulled
from shared.http.text import Input, Line, Output, Paragraph
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Stage, Urgency, stage_of

LeaseToken = Annotated[str, Line(64)] | None
Note = Annotated[str, Paragraph(5000)]
OptionalNote = Annotated[str, Paragraph(5000, min_length=0)]
DepartmentCode = Annotated[str, Line(40)]


# --- in -------------------------------------------------------------------------------------------------------


class _Move(Input):
    lease_token: LeaseToken = Field(default=None, description="From the pull; without it the lease is not looked at.")


class AcknowledgeBody(_Move):
    """Nothing to say but that the department has it."""


class ContactBody(_Move):
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,29}$", examples=["phone", "visit"])]
    note: OptionalNote = ""


class ProgressBody(_Move):
    note: Note


class ReturnBody(_Move):
    reason_code: ReturnReason
    explanation: Note = Field(description="Why, and on what legal basis.")


class ResolveBody(_Move):
    reply: Annotated[str, Paragraph(20000)]
    resolved: bool = Field(description="Whether the matter is solved; a reply may also explain why it cannot be.")
    public_reply: Annotated[str, Paragraph(20000)] | None = None
    measure: Literal["final", "temporary"] = "final"
    cost: Annotated[int, Field(ge=0, le=10**15)] | None = Field(default=None, description="In fen.")

    def resolution(self) -> Resolution:
        return Resolution(self.reply, self.resolved, self.public_reply, self.measure, self.cost)


class DispatchBody(Input):
    department_code: DepartmentCode
    reason: Note


class ReturnDecisionBody(Input):
    decision: Literal["approve", "refuse", "accept", "reject"] = Field(
        description="`accept` and `reject` are read as `approve` and `refuse`."
    )
    note: OptionalNote = ""
    department_code: DepartmentCode | None = Field(default=None, description="Where it goes at once when approved.")

    @property
    def approves(self) -> bool:
        return self.decision in {"approve", "accept"}


class ReviewBody(Input):
    decision: Literal["accept", "reject"]
    note: OptionalNote = Field(default="", description="Needed to reject: the concrete defect.")


class PullBody(Input):
    max: Annotated[int, Field(ge=1, le=100)] = 10
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    lease_seconds: Annotated[int, Field(ge=5, le=3600)] = 300
    department_code: DepartmentCode | None = Field(default=None, description="For administrators only.")


# --- out ------------------------------------------------------------------------------------------------------


class LocationView(Output):
    place: str
    longitude: float | None
    latitude: float | None


class TicketView(Output):
    """A ticket with the clocks of its current turn. Due times are exclusive: late means at or after them."""

    id: UUID
    appeal_id: UUID
    receipt_number: str
    status: AppealStatus
    stage: Stage
    round: int
    leg: int
    department_code: str | None
    department_name: str | None
    type: AppealType
    channel: Channel
    category_code: str
    category_name: str
    grid_code: str
    urgency: Urgency
    mode: HandlingMode
    title: str
    description: str
    location: LocationView
    anonymous: bool
    confidential: bool
    wants_reply: bool
    special_care: list[SpecialCare]
    households: int
    signatories: int
    received_at: datetime
    accepted_at: datetime
    promised_by: datetime | None
    policy_code: str | None
    policy_version: int | None
    calendar_code: str | None
    calendar_version: int | None
    provisional: bool
    dispatched_at: datetime | None
    dispatch_due_at: datetime | None
    acknowledge_due_at: datetime | None
    contact_due_at: datetime | None
    return_until: datetime | None
    resolve_due_at: datetime | None
    review_due_at: datetime | None
    acknowledged_at: datetime | None
    auto_acknowledged_at: datetime | None
    contacted_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    late_sign: bool
    late_contact: bool
    late_resolve: bool
    overdue: bool
    returnable: bool
    needs_consultation: bool
    imported: bool
    leased_until: datetime | None
    master_appeal_id: UUID | None = Field(description="While it is handled with another appeal: which.")
    attached_appeals: int = Field(description="Appeals handled with this one, its own not counted.")
    attached_households: int
    attached_persons: int
    urges: int = Field(description="How often the citizen asked again.")
    group_risk: bool = Field(description="Many people or appeals stand behind it.")
    paused_at: datetime | None = Field(description="Since when papers are or were awaited.")
    resumed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, ticket: Ticket, now: datetime) -> "TicketView":
        matter = ticket.matter
        return cls.model_construct(
            id=ticket.id,
            appeal_id=ticket.appeal_id,
            receipt_number=matter.receipt_number,
            status=ticket.status,
            stage=stage_of(ticket.status),
            round=ticket.round,
            leg=ticket.leg_number,
            department_code=ticket.department_code,
            department_name=ticket.department_name,
            type=matter.type,
            channel=matter.channel,
            category_code=matter.category_code,
            category_name=matter.category_name,
            grid_code=matter.grid_code,
            urgency=matter.urgency,
            mode=matter.mode,
            title=matter.title,
            description=matter.description,
            location=LocationView.model_construct(
                place=matter.place, longitude=matter.longitude, latitude=matter.latitude
            ),
            anonymous=matter.anonymous,
            confidential=matter.confidential,
            wants_reply=matter.wants_reply,
            special_care=list(matter.special_care),
            households=matter.households,
            signatories=matter.signatories,
            received_at=matter.received_at,
            accepted_at=matter.accepted_at,
            promised_by=ticket.promised_by,
            dispatch_due_at=ticket.dispatch_due_at,
            review_due_at=ticket.review_due_at,
            closed_at=ticket.closed_at,
            overdue=ticket.is_overdue(now),
            returnable=ticket.returnable,
            needs_consultation=ticket.needs_consultation,
            imported=ticket.imported,
            leased_until=ticket.lease_expires_at,
            version=ticket.version,
            created_at=ticket.created_at,
            updated_at=ticket.updated_at,
            **_said_by_intake(ticket),
            **_turn(ticket.leg),
        )


def _said_by_intake(ticket: Ticket) -> dict[str, Any]:
    return {
        "master_appeal_id": ticket.master_appeal_id,
        "attached_appeals": ticket.members.appeals,
        "attached_households": ticket.members.households,
        "attached_persons": ticket.members.persons,
        "urges": ticket.urges,
        "group_risk": ticket.group_risk,
        "paused_at": None if ticket.pause is None else ticket.pause.at,
        "resumed_at": None if ticket.pause is None else ticket.pause.until,
    }


def _turn(leg: Leg | None) -> dict[str, Any]:
    clocks = None if leg is None else leg.clocks
    return {
        "policy_code": clocks and clocks.policy_code,
        "policy_version": clocks and clocks.policy_version,
        "calendar_code": clocks and clocks.calendar_code,
        "calendar_version": clocks and clocks.calendar_version,
        "provisional": clocks is not None and clocks.provisional,
        "dispatched_at": leg and leg.dispatched_at,
        "acknowledge_due_at": clocks and clocks.acknowledge_due_at,
        "contact_due_at": clocks and clocks.contact_due_at,
        "return_until": clocks and clocks.return_until,
        "resolve_due_at": clocks and clocks.resolve_due_at,
        "acknowledged_at": leg and leg.acknowledged_at,
        "auto_acknowledged_at": leg and leg.auto_acknowledged_at,
        "contacted_at": leg and leg.contacted_at,
        "resolved_at": leg and leg.resolved_at,
        "late_sign": leg is not None and leg.late_sign,
        "late_contact": leg is not None and leg.late_contact,
        "late_resolve": leg is not None and leg.late_resolve,
    }


class ResolutionView(Output):
    reply: str
    resolved: bool
    public_reply: str | None
    measure: Literal["final", "temporary"]
    cost: int | None


class LegView(Output):
    """One department's turn, as it was: later rounds never change it."""

    number: int
    round: int
    department_code: str
    department_name: str
    dispatched_at: datetime
    policy_code: str
    policy_version: int
    calendar_code: str
    calendar_version: int
    provisional: bool
    acknowledge_due_at: datetime | None
    contact_due_at: datetime | None
    return_until: datetime | None
    resolve_due_at: datetime
    acknowledged_at: datetime | None
    auto_acknowledged_at: datetime | None
    contacted_at: datetime | None
    return_requested_at: datetime | None
    return_reason: ReturnReason | None
    return_refused_at: datetime | None
    resolved_at: datetime | None
    late_sign: bool
    late_contact: bool
    late_resolve: bool
    resolution: ResolutionView | None
    ended_at: datetime | None
    outcome: str | None

    @classmethod
    def of(cls, leg: Leg) -> "LegView":
        answer = leg.resolution
        view = None if answer is None else ResolutionView.model_construct(**_fields(answer, ResolutionView))
        plain = _fields(leg, cls) | _fields(leg.clocks, cls)
        return cls.model_construct(**(plain | {"resolution": view}))


class TicketDetail(TicketView):
    """A ticket with every turn it has had."""

    legs: list[LegView]

    @classmethod
    def with_legs(cls, ticket: Ticket, legs: list[Leg], now: datetime) -> "TicketDetail":
        view = TicketView.of(ticket, now)
        return cls.model_construct(**view.__dict__, legs=[LegView.of(leg) for leg in legs])


class LeaseView(Output):
    token: str
    expires_at: datetime


class PulledView(Output):
    ticket: TicketView
    lease: LeaseView

    @classmethod
    def of(cls, pulled: Pulled, now: datetime) -> "PulledView":
        lease = LeaseView.model_construct(token=pulled.lease.token, expires_at=pulled.lease.expires_at)
        return cls.model_construct(ticket=TicketView.of(pulled.ticket, now), lease=lease)


class PullAnswer(Output):
    items: list[PulledView]


class ChangeView(Output):
    """One entry of the history: who did what, from which state to which, and why."""

    id: int
    type: str
    ticket_id: UUID
    appeal_id: UUID
    at: datetime
    actor: str
    round: int
    leg: int
    department_code: str | None
    from_status: AppealStatus | None
    to_status: AppealStatus
    reason: str | None
    detail: dict[str, Any]

    @classmethod
    def of(cls, change: Change) -> "ChangeView":
        return cls.model_construct(**(_fields(change, cls) | {"id": change.position[1]}))


class ChangeFeed(Output):
    """A stretch of the feed. Keep `next_cursor` even when nothing came: it is where to go on from."""

    items: list[ChangeView]
    next_cursor: str


class ConsideredView(Output):
    rule_id: str
    department_code: str
    reason: str


class DecisionView(Output):
    """Why a ticket went where it went, as it was decided then."""

    number: int
    decided_at: datetime
    decided_by: str
    department_code: str | None
    rule_id: str | None
    rule_set_version: int | None
    grid_path: list[str]
    considered: list[ConsideredView]
    fallback: bool
    explanation: str

    @classmethod
    def of(cls, record: DecisionRecord) -> "DecisionView":
        considered = [ConsideredView.model_construct(**each) for each in record.considered]
        return cls.model_construct(**(_fields(record, cls) | {"considered": considered}))


class DecisionList(Output):
    items: list[DecisionView]


class TriageItem(Output):
    ticket: TicketView
    reason: str

    @classmethod
    def of(cls, ticket: Ticket, reason: str, now: datetime) -> "TriageItem":
        return cls.model_construct(ticket=TicketView.of(ticket, now), reason=reason)


def _fields(source: Any, view: type[Output]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in view.model_fields if hasattr(source, name)}
