"""What the service knows, as plain values: read from the database, decided on by use cases, shown by the API."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.feedback.domain.attempts import AttemptOutcome, CallbackStatus, Tally
from services.feedback.domain.case import CasePosition, CaseState
from services.feedback.domain.evaluation import Source, Verdict
from shared.vocabulary import EvaluationOutcome


@dataclass(frozen=True, slots=True)
class LockedCase:
    """A case row that this transaction holds, with what the rules need to decide on it."""

    appeal_id: UUID
    state: CaseState
    round: int
    anonymous: bool | None
    wants_reply: bool | None
    is_known: bool
    master_appeal_id: UUID | None = None
    ended_as: str | None = None

    @property
    def is_member(self) -> bool:
        """Whether it is handled with another appeal (T9)."""
        return self.master_appeal_id is not None

    @property
    def position(self) -> CasePosition:
        return CasePosition(self.state, self.round)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A department's result that the hotline accepted: what the citizen is asked about.

    `master_appeal_id`: it was given to another appeal that this one is handled with.
    """

    appeal_id: UUID
    round: int
    leg: int
    department_code: str
    department_name: str
    accepted_at: datetime
    resolved_at: datetime
    resolve_due_at: datetime
    late: bool
    claimed_resolved: bool
    public_reply: str
    master_appeal_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """One citizen to be asked about one round of one matter."""

    id: UUID
    appeal_id: UUID
    round: int
    status: CallbackStatus
    version: int
    department_code: str
    department_name: str
    opened_at: datetime
    due_at: datetime
    attempts: int
    counted_attempts: int
    last_counted_at: datetime | None
    verdict: Verdict | None
    reason: str | None
    decided_at: datetime | None
    receipt_number: str | None
    title: str | None
    category_code: str | None
    urgency: str | None
    confidential: bool | None

    @property
    def tally(self) -> Tally:
        return Tally(self.counted_attempts, self.last_counted_at)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One call that was made."""

    id: UUID
    callback_id: UUID
    at: datetime
    outcome: AttemptOutcome
    counted: bool
    resolved: bool | None
    satisfaction: int | None
    comment: str
    actor: str


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """One citizen's answer about one round."""

    id: UUID
    appeal_id: UUID
    round: int
    source: Source
    resolved: bool
    satisfaction: int | None
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """One handling round and its verdict, frozen once written (trap 16)."""

    round: int
    department_code: str
    department_name: str
    resolved_at: datetime | None
    resolve_due_at: datetime | None
    accepted_at: datetime | None
    late: bool | None
    claimed_resolved: bool | None
    public_reply: str
    master_appeal_id: UUID | None
    verdict: Verdict | None
    evaluation: EvaluationOutcome | None
    resolved: bool | None
    satisfaction: int | None
    reason: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One department's turn in a round: what was promised and what was kept."""

    round: int
    leg: int
    department_code: str | None
    policy_code: str | None
    dispatched_at: datetime | None
    acknowledge_due_at: datetime | None
    contact_due_at: datetime | None
    resolve_due_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_automatically: bool | None
    acknowledged_late: bool | None
    contacted_at: datetime | None
    contacted_late: bool | None
    resolved_at: datetime | None
    resolved_late: bool | None
    claimed_resolved: bool | None
    measure: str | None
    rejections: int
    return_requested_at: datetime | None
    return_reason_code: str | None
    return_approved: bool | None
    return_decided_at: datetime | None
    highest_level: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands. Facts from intake are None until its event is here."""

    appeal_id: UUID
    state: CaseState
    round: int
    receipt_number: str | None
    type: str | None
    channel: str | None
    category_code: str | None
    category_name: str | None
    title: str | None
    urgency: str | None
    mode: str | None
    grid_code: str | None
    anonymous: bool | None
    confidential: bool | None
    wants_reply: bool | None
    received_at: datetime | None
    accepted_at: datetime | None
    ticket_id: UUID | None
    department_code: str | None
    department_name: str | None
    imported: bool
    evaluation: EvaluationOutcome | None
    resolved: bool | None
    satisfaction: int | None
    reason: str | None
    ended_at: datetime | None
    review_at: datetime | None
    ended_as: str | None
    ended_rule: str | None
    master_appeal_id: UUID | None
    urges: int
    group_risk: bool


@dataclass(frozen=True, slots=True)
class Member:
    """An appeal that is handled with another, and its own verdict (LZ-16)."""

    appeal_id: UUID
    receipt_number: str | None
    state: CaseState
    attached_at: datetime | None
    evaluation: EvaluationOutcome | None
    resolved: bool | None
    satisfaction: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Those handled with an appeal: how many, how many of them were not helped, and the first of them."""

    attached_appeals: int = 0
    dissatisfied_members: int = 0
    members: tuple[Member, ...] = ()


class FeedbackMode(StrEnum):
    """How one special feedback was given to all who share a matter (LZ-16)."""

    FACE = "face"
    LETTER = "letter"
    PHONE = "phone"
    ONLINE = "online"
    APPOINTMENT = "appointment"


@dataclass(frozen=True, slots=True)
class GroupFeedback:
    """One special feedback: when and how it was given, and how many appeals it reached."""

    id: UUID
    appeal_id: UUID
    mode: FeedbackMode
    note: str
    at: datetime
    actor: str
    reached: int


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything on record about one case."""

    case: Case
    rounds: tuple[Round, ...]
    legs: tuple[Leg, ...]
    callbacks: tuple[Callback, ...]
    attempts: tuple[AttemptRecord, ...]
    evaluations: tuple[EvaluationRecord, ...]
    group: Group
    group_feedbacks: tuple[GroupFeedback, ...]
