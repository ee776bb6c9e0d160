"""What the moves that end or touch an appeal take, and what their work lists answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.intake.domain.hand_overs import EmergencyService
from services.intake.domain.machine import Move
from services.intake.domain.refusals import Ground, LegalChannel, Refusal
from services.intake.use_cases.answer_appeal import AnswerAppeal
from services.intake.use_cases.hand_over_appeal import HandOverAppeal, RecordResult
from services.intake.use_cases.refer_appeal import ReferAppeal
from services.intake.use_cases.urge_appeal import UrgeAppeal
from services.intake.use_cases.withdraw_appeal import WithdrawAppeal
from shared.errors import FieldProblem, InvalidInput
from shared.http.text import Input, Line, Moment, Output, Paragraph
from shared.vocabulary import AppealStatus, Channel

_Words = Annotated[str, Paragraph(5_000)]
_Note = Annotated[str, Paragraph(1_000, min_length=0)]
PartnerCode = Annotated[str, Line(32)]


class AnswerIn(Input):
    """The answer as the citizen reads it, and the articles it rests on."""

    text: _Words
    article_ids: list[Annotated[str, Line(64)]] = Field(
        default_factory=list, max_length=20, description="Ids or codes; each must hold on the day of the answer."
    )
    resolved: bool = Field(default=True, description="Whether the matter is settled by it, or only explained.")

    def to_command(self, appeal_id: UUID) -> AnswerAppeal:
        return AnswerAppeal(appeal_id, self.text, tuple(self.article_ids), self.resolved)


class ReferIn(Input):
    """Why it is not ours, and where to go; neither may be missing (trap 8)."""

    explanation: _Words
    target_body: Annotated[str, Line(200)]
    target_contact: Annotated[str, Line(200, min_length=0)] = Field(
        default="", description="The body's own address or number, which the citizen is told."
    )

    def to_command(self, appeal_id: UUID) -> ReferAppeal:
        return ReferAppeal(appeal_id, self.explanation, self.target_body, self.target_contact)


class DeclineIn(Input):
    """A ground of the closed list, and the explanation that the citizen reads."""

    ground: Ground
    explanation: _Words
    legal_channel: LegalChannel | None = Field(default=None, description="For the ground `in_legal_channel`.")
    other_receipt_number: Annotated[str, Line(40)] | None = Field(
        default=None, description="For the ground `already_handled`: the appeal under which it is handled."
    )

    def to_domain(self) -> Refusal:
        return Refusal(self.ground, self.explanation, self.legal_channel, self.other_receipt_number)


class DeclineDecisionIn(Input):
    """What the second person says."""

    decision: Literal["confirm", "reject"]
    note: _Note = ""


class HandOverIn(Input):
    """Whom it went to; with `keep_handling` a department goes on with what is left."""

    service: EmergencyService
    partner_code: PartnerCode | None = Field(default=None, description="An organisation of the directory.")
    reference: Annotated[str, Line(100, min_length=0)] = Field(default="", description="Their number for it.")
    handed_over_at: Moment | None = None
    result: _Words | None = Field(default=None, description="What became of it, if that is known already.")
    keep_handling: bool = False

    def to_command(self, appeal_id: UUID) -> HandOverAppeal:
        return HandOverAppeal(
            appeal_id=appeal_id,
            service=self.service,
            partner_code=self.partner_code,
            reference=self.reference,
            handed_over_at=self.handed_over_at,
            result=self.result,
            keep_handling=self.keep_handling,
        )


class HandOverResultIn(Input):
    """What became of a hand-over."""

    result: _Words
    at: Moment | None = None

    def to_command(self, appeal_id: UUID) -> RecordResult:
        return RecordResult(appeal_id, self.result, self.at)


class WithdrawIn(Input):
    """Why, and how it is known that the citizen asks for it: the access code, or what an agent did to find out."""

    reason: Annotated[str, Paragraph(1_000)]
    access_code: Annotated[str, Line(64)] | None = None
    identity_check: Annotated[str, Line(500)] | None = Field(
        default=None, examples=["Called back at the number on record."]
    )

    def to_command(self, appeal_id: UUID) -> WithdrawAppeal:
        """Raises InvalidInput unless there is exactly one proof of identity."""
        if (self.access_code is None) == (self.identity_check is None):
            problem = "give either the access code or how identity was checked"
            raise InvalidInput("A withdrawal needs one proof of identity.", [FieldProblem("/access_code", problem)])
        return WithdrawAppeal(appeal_id, self.reason, self.access_code, self.identity_check)


class UrgeIn(Input):
    """What the citizen said when asking again."""

    note: _Note = ""
    channel: Channel | None = Field(default=None, description="The appeal's own channel if left out.")

    def to_command(self, appeal_id: UUID) -> UrgeAppeal:
        return UrgeAppeal(appeal_id, self.note, self.channel)


class HandOverView(Output):
    """One hand-over; `latency_seconds` counts from when the office had the appeal."""

    id: UUID
    appeal_id: UUID
    receipt_number: str
    service: EmergencyService
    partner_code: str | None
    partner_name: str | None
    reference: str
    handed_over_at: datetime
    latency_seconds: int
    keep_handling: bool
    actor: str
    result: str | None
    result_at: datetime | None
    result_actor: str | None


class DeclineView(Output):
    """One refusal: who proposed it, who decided. `pending` while it waits for the second person."""

    id: UUID
    appeal_id: UUID
    receipt_number: str
    pending: bool
    ground: Ground
    explanation: str
    legal_channel: LegalChannel | None
    other_receipt_number: str | None
    proposed_by: str
    proposed_at: datetime
    decision: Literal["confirmed", "rejected"] | None
    decided_by: str | None
    decided_at: datetime | None
    note: str


class HistoryStep(Output):
    """One thing intake did: which rule, who, from where to where, and what was said."""

    sequence: int
    move: Move
    rules: list[str]
    from_status: AppealStatus
    to_status: AppealStatus
    actor: str
    at: datetime
    details: dict[str, Any]


class History(Output):
    items: list[HistoryStep]


def hand_over_view(row: dict[str, Any]) -> HandOverView:
    return HandOverView(**{name: row[name] for name in HandOverView.model_fields})


def decline_view(row: dict[str, Any]) -> DeclineView:
    return DeclineView(**{name: row[name] for name in DeclineView.model_fields})


def history_view(steps: list[dict[str, Any]]) -> History:
    return History(items=[HistoryStep(**{name: step[name] for name in HistoryStep.model_fields}) for step in steps])
