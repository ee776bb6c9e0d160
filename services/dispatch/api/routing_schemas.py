"""What goes in and out of the routing endpoints."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.dispatch.api.registry_fields import Code, GridCode, Latitude, Longitude
from services.dispatch.db.routing import RuleSetRecord
from services.dispatch.domain.registry import RuleSetStatus
from services.dispatch.domain.routing import RoutingDecision, Rule
from services.dispatch.domain.routing_document import rule_from_document, rule_to_document
from services.dispatch.use_cases.preview_routing import PreviewRouting
from shared.http.text import Input, Line, Moment, Output, Paragraph
from shared.vocabulary import AppealType, Channel, SpecialCare, Urgency

MAX_RULES = 20_000
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Annotated[int, Field(ge=0, le=6)]


class TimeWindowInput(Input):
    """The city's local time; `start` after `end` passes midnight, equal is the whole day. Weekday 0 is Monday."""

    start: ClockTime
    end: ClockTime
    weekdays: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()


class RuleInput(Input):
    """One line of the dispatch catalogue; what is left out is left open."""

    id: Code
    department_code: Code
    category_code: Code | None = None
    grid_code: GridCode | None = None
    type: AppealType | None = None
    channel: Channel | None = None
    urgency: Urgency | None = None
    special_care: SpecialCare | None = None
    time_window: TimeWindowInput | None = None
    order: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0


class RuleSetInput(Input):
    rules: Annotated[list[RuleInput], Field(max_length=MAX_RULES)]
    note: Annotated[str, Paragraph(2000, min_length=0)] = ""

    def to_rules(self) -> list[Rule]:
        """Raises InvalidInput naming the rule."""
        return [
            rule_from_document(rule.model_dump(mode="json"), f"/rules/{index}") for index, rule in enumerate(self.rules)
        ]


class TimeWindowView(Output):
    start: str
    end: str
    weekdays: list[int]


class RuleView(Output):
    id: str
    department_code: str
    category_code: str | None
    grid_code: str | None
    type: AppealType | None
    channel: Channel | None
    urgency: Urgency | None
    special_care: SpecialCare | None
    time_window: TimeWindowView | None
    order: int

    @classmethod
    def of(cls, rule: Rule) -> "RuleView":
        return cls.model_validate(rule_to_document(rule))


class RuleSetView(Output):
    id: UUID
    version: int
    status: RuleSetStatus
    note: str
    rule_count: int
    author: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None

    @classmethod
    def of(cls, record: RuleSetRecord) -> "RuleSetView":
        return cls(
            id=record.id,
            version=record.version,
            status=record.status,
            note=record.note,
            rule_count=record.rule_count,
            author=record.author,
            created_at=record.created_at,
            published_by=record.published_by,
            published_at=record.published_at,
        )


class RoutingPreviewInput(Input):
    """Facts of an imagined appeal. The area by code or by point; without either it counts as not known."""

    type: AppealType
    category_code: Annotated[str, Line(40)]
    urgency: Urgency | None = Field(default=None, description="The category's default if absent.")
    channel: Channel = Channel.PHONE
    grid_code: GridCode | None = None
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    special_care: Annotated[tuple[SpecialCare, ...], Field(max_length=7)] = ()
    at: Moment | None = Field(default=None, description="Decides time windows and which grids exist; now if absent.")

    @model_validator(mode="after")
    def _point_is_whole(self) -> "RoutingPreviewInput":
        if (self.longitude is None) is not (self.latitude is None):
            raise PydanticCustomError("incomplete_point", "longitude and latitude belong together")
        return self

    def to_query(self) -> PreviewRouting:
        return PreviewRouting(
            type=self.type,
            category_code=self.category_code,
            urgency=self.urgency,
            channel=self.channel,
            grid_code=self.grid_code,
            longitude=self.longitude,
            latitude=self.latitude,
            special_care=frozenset(self.special_care),
            at=self.at,
        )


class ConsideredView(Output):
    rule_id: str
    department_code: str
    reason: str


class RoutingDecisionView(Output):
    department_code: str | None = Field(description="Null: no rule matches, a dispatcher decides.")
    rule_id: str | None
    rule_set_version: int
    grid_path: list[str] = Field(description="From the smallest area to the largest.")
    considered: list[ConsideredView]
    fallback: bool = Field(description="No rule named the category or the area.")
    explanation: str

    @classmethod
    def of(cls, decision: RoutingDecision) -> "RoutingDecisionView":
        considered: list[dict[str, Any]] = [each._asdict() for each in decision.considered]
        return cls(
            department_code=decision.department_code,
            rule_id=decision.rule_id,
            rule_set_version=decision.rule_set_version,
            grid_path=list(decision.grid_path),
            considered=[ConsideredView(**each) for each in considered],
            fallback=decision.fallback,
            explanation=decision.explanation,
        )
