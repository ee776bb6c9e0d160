"""What clients send and get about inbound sources and deliveries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from services.intake.domain.inbound import MOST_RULES, MappingRule
from services.intake.use_cases.keep_sources import PutSource
from services.intake.use_cases.receive_delivery import Received
from shared.http.text import Input, Line, Output
from shared.vocabulary import AppealStatus, Channel

Pointer = Annotated[str, Line(300)]


class RuleIn(Input):
    """How one field is filled: from `pointer`, or several `pointers` joined by line ends; else the `default`."""

    pointer: Pointer | None = None
    pointers: list[Pointer] = Field(default_factory=list, max_length=10)
    values: dict[str, JsonValue] | None = Field(
        default=None, max_length=200, description="Translates what is found, e.g. `{'投诉': 'complaint'}`."
    )
    default: JsonValue = None

    def to_domain(self, field: str) -> MappingRule:
        pointers = (self.pointer, *self.pointers) if self.pointer else tuple(self.pointers)
        return MappingRule(field, tuple(pointers), self.values, self.default)


class SourceIn(Input):
    """A system that sends appeals: its channel, and how each field of an appeal is found in its payload."""

    name: Annotated[str, Line(200)]
    channel: Channel
    mapping: dict[Annotated[str, Line(100)], RuleIn | Pointer] = Field(
        max_length=MOST_RULES, examples=[{"type": {"default": "help"}, "title": "/msg/title", "reporter.phone": "/tel"}]
    )
    enabled: bool = True

    def to_domain(self, code: str) -> PutSource:
        rules = [
            MappingRule(field, (rule,)) if isinstance(rule, str) else rule.to_domain(field)
            for field, rule in self.mapping.items()
        ]
        return PutSource(code, self.name, self.channel, rules, self.enabled)


class SourceView(Output):
    """A source. `secret` is told when it is new and never again."""

    code: str
    name: str
    channel: Channel
    mapping: list[dict[str, Any]]
    enabled: bool
    version: int
    updated_at: datetime
    secret: str | None = None


class Sources(Output):
    items: list[SourceView]


def source_view(row: Mapping[str, Any], secret: str | None = None) -> SourceView:
    fields = {name: row[name] for name in SourceView.model_fields if name != "secret"}
    return SourceView(**fields, secret=secret)


class ReceivedView(Output):
    """What a delivery led to. `access_code` is told with the delivery that registered it and never again."""

    outcome: Literal["registered", "known", "urged", "ignored"]
    duplicate: bool
    appeal_id: UUID | None = None
    receipt_number: str | None = None
    status: AppealStatus | None = None
    access_code: str | None = None


def received_view(received: Received) -> ReceivedView:
    row = received.appeal or {}
    return ReceivedView.model_validate(
        {
            "outcome": received.outcome,
            "duplicate": received.is_duplicate,
            "appeal_id": row.get("id"),
            "receipt_number": row.get("receipt_number"),
            "status": row.get("seen_status"),
            "access_code": received.new.access_code if received.new is not None else None,
        }
    )


class DeliveryView(Output):
    """One delivery; `problems` tell why it was rejected. Its content stays sealed."""

    id: UUID
    delivery_id: str
    outcome: Literal["registered", "known", "urged", "ignored", "rejected"]
    appeal_id: UUID | None
    problems: list[dict[str, Any]] | None
    attempts: int
    first_at: datetime
    last_at: datetime


def delivery_view(row: Mapping[str, Any]) -> DeliveryView:
    return DeliveryView(**{name: row[name] for name in DeliveryView.model_fields})
