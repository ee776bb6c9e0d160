"""The shapes of this service's requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.feedback.domain.attempts import Attempt, AttemptOutcome, CallbackStatus
from services.feedback.domain.case import CaseState
from services.feedback.domain.evaluation import (
    HIGHEST_SATISFACTION,
    LOWEST_SATISFACTION,
    Answer,
    Source,
    Verdict,
)
from services.feedback.domain.records import AttemptRecord, Callback, CaseFile, FeedbackMode
from services.feedback.use_cases.issue_evaluation_token import GivenToken
from services.feedback.use_cases.log_attempt import LoggedAttempt
from services.feedback.use_cases.submit_evaluation import SubmittedEvaluation
from shared.http.text import Input, Moment, Output, Paragraph
from shared.vocabulary import EvaluationOutcome

Grade = Annotated[
    int,
    Field(
        ge=LOWEST_SATISFACTION,
        le=HIGHEST_SATISFACTION,
        description="5 very satisfied, 4 satisfied, 3 basically satisfied, 2 dissatisfied, 1 very dissatisfied.",
    ),
]
Comment = Annotated[str, Paragraph(2000, min_length=0)]


class _Record(Output):
    """An answer read off a record of the domain, field by field."""

    model_config = ConfigDict(from_attributes=True, extra="forbid", frozen=True)


class ReachedAttempt(Input):
    """The citizen was reached and said whether the matter is solved, and perhaps how satisfied they are."""

    outcome: Literal["reached"]
    resolved: bool
    satisfaction: Grade | None = None
    comment: Comment | None = None

    def to_attempt(self) -> Attempt:
        return Attempt(AttemptOutcome.REACHED, self.resolved, self.satisfaction)


class VainAttempt(Input):
    """Nobody answered the questions: no answer, a refusal, or a wrong number."""

    outcome: Literal["no_answer", "refused", "wrong_number"]
    resolved: None = None
    satisfaction: None = None
    comment: Comment | None = None

    def to_attempt(self) -> Attempt:
        return Attempt(AttemptOutcome(self.outcome))


class EvaluationRequest(Input):
    """A citizen's own evaluation; whether it is solved and how satisfied they are are two questions (trap 19)."""

    token: Annotated[str, Field(min_length=1, max_length=200, examples=["AZXh0c0TdJ2…"])]
    resolved: bool
    satisfaction: Grade
    comment: Comment | None = None

    def to_answer(self) -> Answer:
        return Answer(self.resolved, self.satisfaction)


class AttemptView(_Record):
    """One call that was made; `counted` tells whether it is one of the attempts that end a callback in vain."""

    id: UUID
    at: datetime
    outcome: AttemptOutcome
    counted: bool
    resolved: bool | None
    satisfaction: int | None
    comment: str
    actor: str


class CallbackView(_Record):
    """A citizen to be asked about one round of one matter. `due_at` is exclusive."""

    id: UUID
    appeal_id: UUID
    receipt_number: str | None
    round: int
    status: CallbackStatus
    department_code: str
    department_name: str
    title: str | None
    category_code: str | None
    urgency: str | None
    confidential: bool | None
    opened_at: datetime
    due_at: datetime
    attempts: int
    counted_attempts: int
    verdict: Verdict | None
    reason: str | None
    decided_at: datetime | None
    version: int


class CallbackDetail(Output):
    """A callback with the calls made so far, the latest two hundred at most, oldest first."""

    callback: CallbackView
    attempts: list[AttemptView]

    @classmethod
    def of(cls, callback: Callback, attempts: tuple[AttemptRecord, ...]) -> "CallbackDetail":
        return cls(
            callback=CallbackView.model_validate(callback),
            attempts=[AttemptView.model_validate(attempt) for attempt in attempts],
        )


class AttemptLogged(Output):
    """What was stored and how the callback stands now.

    While it is open, a further vain attempt counts from `next_counts_from` on; `note` says so when this one did not.
    """

    attempt: AttemptView
    callback: CallbackView
    next_counts_from: datetime | None
    note: str | None

    @classmethod
    def of(cls, logged: LoggedAttempt) -> "AttemptLogged":
        callback = CallbackView.model_validate(logged.callback)
        too_soon = not logged.attempt.counted and callback.status is CallbackStatus.OPEN
        return cls(
            attempt=AttemptView.model_validate(logged.attempt),
            callback=callback,
            next_counts_from=logged.next_counts_from,
            note="Stored, but too soon after the last attempt to count as one at a different time."
            if too_soon
            else None,
        )


class EvaluationTokenView(Output):
    """A token for the citizen's own evaluation, single use; `expires_at` is exclusive."""

    token: str
    callback_id: UUID
    appeal_id: UUID
    round: int
    expires_at: datetime

    @classmethod
    def of(cls, given: GivenToken) -> "EvaluationTokenView":
        return cls(
            token=given.token,
            callback_id=given.callback.id,
            appeal_id=given.callback.appeal_id,
            round=given.callback.round,
            expires_at=given.expires_at,
        )


class EvaluationReceipt(Output):
    """What was stored of an evaluation and what it led to."""

    id: UUID
    round: int
    resolved: bool
    satisfaction: int | None
    submitted_at: datetime
    verdict: Verdict

    @classmethod
    def of(cls, submitted: SubmittedEvaluation) -> "EvaluationReceipt":
        evaluation = submitted.evaluation
        return cls(
            id=evaluation.id,
            round=evaluation.round,
            resolved=evaluation.resolved,
            satisfaction=evaluation.satisfaction,
            submitted_at=evaluation.at,
            verdict=submitted.verdict,
        )


class EvaluationView(_Record):
    """One answer on record."""

    id: UUID
    round: int
    source: Source
    resolved: bool
    satisfaction: int | None
    comment: str
    at: datetime


class LegView(_Record):
    """One department's turn: what was promised, what was kept. Due times are exclusive."""

    round: int
    leg: int
    department_code: str | None
    policy_code: str | None
    dispatched_at: datetime | None
    acknowledge_due_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_automatically: bool | None
    acknowledged_late: bool | None
    contact_due_at: datetime | None
    contacted_at: datetime | None
    contacted_late: bool | None
    resolve_due_at: datetime | None
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


class RoundView(_Record):
    """One handling round: the department's claim, the citizen's word, the verdict, and the callback if any."""

    round: int
    department_code: str
    department_name: str
    resolved_at: datetime | None
    resolve_due_at: datetime | None
    accepted_at: datetime | None
    late: bool | None
    claimed_resolved: bool | None
    public_reply: str
    master_appeal_id: UUID | None = Field(description="Whose result it is, when it was handled with another appeal.")
    verdict: Verdict | None
    evaluation: EvaluationOutcome | None
    resolved: bool | None
    satisfaction: int | None
    reason: str | None
    decided_at: datetime | None
    callback: CallbackView | None = None
    attempts: list[AttemptView] = Field(default_factory=list)


class CaseSummary(_Record):
    """A case as it stands. What intake or dispatch has not told yet is null."""

    model_config = ConfigDict(from_attributes=True, extra="forbid", frozen=True, populate_by_name=True)

    appeal_id: UUID
    status: CaseState = Field(validation_alias="state")
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
    ended_as: str | None = Field(description="If intake ended it: closed, referred, not_accepted or withdrawn.")
    ended_rule: str | None
    master_appeal_id: UUID | None = Field(description="The appeal it is handled with.")
    urges: int
    group_risk: bool


class GroupFeedbackRequest(Input):
    """One special feedback to all who share the matter."""

    mode: FeedbackMode
    note: Annotated[str, Paragraph(2000)]
    at: Moment | None = Field(default=None, description="When it was given; now, unless said.")


class GroupFeedbackView(_Record):
    """One special feedback: when, how, and how many appeals it reached, the master's included."""

    id: UUID
    appeal_id: UUID
    mode: FeedbackMode
    note: str
    at: datetime
    actor: str
    reached: int


class MemberView(_Record):
    """An appeal handled with this one, and its own verdict."""

    model_config = ConfigDict(from_attributes=True, extra="forbid", frozen=True, populate_by_name=True)

    appeal_id: UUID
    receipt_number: str | None
    status: CaseState = Field(validation_alias="state")
    attached_at: datetime | None
    evaluation: EvaluationOutcome | None
    resolved: bool | None
    satisfaction: int | None
    reason: str | None


class CaseView(CaseSummary):
    """A case with its rounds, legs and every evaluation ever given."""

    rounds: list[RoundView] = Field(default_factory=list)
    legs: list[LegView] = Field(default_factory=list)
    evaluations: list[EvaluationView] = Field(default_factory=list)
    attached_appeals: int = 0
    dissatisfied_members: int = Field(default=0, description="Of those, how many were neither helped nor satisfied.")
    members: list[MemberView] = Field(default_factory=list, description="The first two hundred.")
    group_feedbacks: list[GroupFeedbackView] = Field(default_factory=list)

    @classmethod
    def of(cls, file: CaseFile) -> "CaseView":
        called = {callback.round: callback for callback in file.callbacks}
        rounds = []
        for record in file.rounds:
            view = RoundView.model_validate(record)
            callback = called.get(record.round)
            if callback is not None:
                mine = [attempt for attempt in file.attempts if attempt.callback_id == callback.id]
                view = view.model_copy(
                    update={
                        "callback": CallbackView.model_validate(callback),
                        "attempts": [AttemptView.model_validate(attempt) for attempt in mine],
                    }
                )
            rounds.append(view)
        return cls.model_validate(file.case).model_copy(
            update={
                "rounds": rounds,
                "legs": [LegView.model_validate(leg) for leg in file.legs],
                "evaluations": [EvaluationView.model_validate(given) for given in file.evaluations],
                "attached_appeals": file.group.attached_appeals,
                "dissatisfied_members": file.group.dissatisfied_members,
                "members": [MemberView.model_validate(member) for member in file.group.members],
                "group_feedbacks": [GroupFeedbackView.model_validate(given) for given in file.group_feedbacks],
            }
        )
