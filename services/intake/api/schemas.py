"""What clients send to intake: bounded, strict, unknown fields refused; turned into the domain's own values."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints, ValidationInfo, field_validator

from services.intake.api.channel_schemas import DESCRIPTION, ChannelDetailsIn, refuse_unknown
from services.intake.domain import channels
from services.intake.domain.appeals import ExternalRef, Submission
from services.intake.domain.categories import Category
from services.intake.domain.people import Joint, Person, Reporter
from services.intake.domain.places import Location
from shared.http.text import Input, Line, Moment, Paragraph
from shared.vocabulary import AppealType, Channel, HandlingMode, SpecialCare, Urgency

MOST_IN_BATCH = 500
MOST_SIGNATORIES = 2_000

CategoryCode = Annotated[str, Line(32)]
_AttributeKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.\-]{0,63}$")]
_AttributeValue = Annotated[str, Paragraph(1_000, min_length=0)] | bool | int | float | None
_Degrees = Annotated[float, Field(allow_inf_nan=False)]


class LocationIn(Input):
    """Where the matter is; leaving it out says that it has no place."""

    address: Annotated[str, Line(500)] | None = None
    longitude: Annotated[_Degrees, Field(description="Degrees, WGS 84.", examples=[113.8265])] | None = None
    latitude: Annotated[_Degrees, Field(description="Degrees, WGS 84.", examples=[34.0233])] | None = None
    grid_code: Annotated[str, Line(18)] | None = Field(default=None, examples=["411002001002003"])

    def to_domain(self) -> Location:
        return Location(self.address, self.longitude, self.latitude, self.grid_code)


class ReporterIn(Input):
    """Who appeals. All of it goes into the vault."""

    name: Annotated[str, Line(100)] | None = None
    phone: Annotated[str, Line(32)] | None = Field(default=None, examples=["+86 138 0000 0000"])
    email: Annotated[str, Line(254)] | None = None
    anonymous: bool = False
    confidential: bool = False
    wants_reply: bool = True

    def to_domain(self) -> Reporter:
        return Reporter(self.name, self.phone, self.email, self.anonymous, self.confidential, self.wants_reply)


class PersonIn(Input):
    """Somebody else the appeal is about or from."""

    name: Annotated[str, Line(100)] | None = None
    phone: Annotated[str, Line(32)] | None = None
    relation: Annotated[str, Line(100)] | None = None
    reference: Annotated[str, Line(100)] | None = Field(default=None, description="The informant's or agent's own id.")

    def to_domain(self) -> Person:
        return Person(self.name, self.phone, self.relation, self.reference)


PersonOrName = PersonIn | Annotated[str, Line(100)]


def _person(given: PersonIn | str) -> Person:
    return Person(name=given) if isinstance(given, str) else given.to_domain()


class JointIn(Input):
    """A joint appeal: one matter of many households and people."""

    households: int = Field(default=0, ge=0, le=1_000_000)
    persons: int = Field(
        default=0, ge=0, le=1_000_000, description="How many stand behind it, when not everybody is listed."
    )
    signatories: list[PersonOrName] = Field(default_factory=list, max_length=MOST_SIGNATORIES)
    representatives: list[PersonOrName] = Field(
        default_factory=list, max_length=100, description="Who speaks for all: at most five people."
    )

    def to_domain(self) -> Joint:
        return Joint(
            self.households,
            tuple(_person(signatory) for signatory in self.signatories),
            self.persons,
            tuple(_person(representative) for representative in self.representatives),
        )


class ExternalRefIn(Input):
    """The matter's number where it came from; one appeal per number."""

    system: Annotated[str, Line(64)]
    id: Annotated[str, Line(128)]


class AppealIn(Input):
    """One appeal as it is handed in."""

    type: AppealType
    channel: Channel
    category_code: CategoryCode | None = None
    title: Annotated[str, Line(200)]
    description: Annotated[str, Paragraph(20_000, min_length=0)] | None = ""
    location: LocationIn | None = None
    reporter: ReporterIn | None = None
    occurred_at: Moment | None = None
    received_at: Moment | None = Field(
        default=None, description="When the office had it; for letters and boxes before it is entered."
    )
    external_ref: ExternalRefIn | None = None
    on_behalf_of: PersonOrName | None = None
    joint: JointIn | None = None
    special_care: list[SpecialCare] = Field(default_factory=list, max_length=7)
    attributes: dict[_AttributeKey, _AttributeValue] = Field(default_factory=dict, max_length=50)
    urgency: Urgency | None = Field(default=None, description="Set by the agent; the category's default otherwise.")
    urgency_reason: Annotated[str, Line(500)] | None = None
    mode: HandlingMode | None = Field(default=None, description="Set by the agent; the category's default otherwise.")
    first_contact_staff: Annotated[str, Line(100)] | None = Field(
        default=None, description="The staff member asked first, who stays responsible to the citizen (HZ-03)."
    )
    channel_details: ChannelDetailsIn | None = Field(default=None, description=DESCRIPTION)

    @field_validator("channel_details", mode="before")
    @classmethod
    def _are_known(cls, value: Any, info: ValidationInfo) -> Any:
        return refuse_unknown(value, info.data.get("channel"))

    def to_domain(self) -> Submission:
        details = self.channel_details.given() if self.channel_details else {}
        return Submission(
            type=self.type,
            channel=self.channel,
            title=self.title,
            description=self.description or "",
            category_code=self.category_code,
            location=self.location.to_domain() if self.location else None,
            reporter=self.reporter.to_domain() if self.reporter else None,
            occurred_at=self.occurred_at,
            received_at=self.received_at,
            external_ref=self._reference(details),
            on_behalf_of=_person(self.on_behalf_of) if self.on_behalf_of else None,
            joint=self.joint.to_domain() if self.joint else None,
            special_care=tuple(dict.fromkeys(self.special_care)),
            attributes=self.attributes,
            urgency=self.urgency,
            urgency_reason=self.urgency_reason,
            mode=self.mode,
            channel_details=details or None,
            first_contact_staff=channels.first_asked(self.first_contact_staff, details),
        )

    def _reference(self, details: Mapping[str, Any]) -> ExternalRef | None:
        if self.external_ref is not None:
            return ExternalRef(self.external_ref.system, self.external_ref.id)
        found = channels.external_reference(self.channel, details)
        return ExternalRef(*found) if found is not None else None


class BatchIn(Input):
    """Up to 500 appeals; each is checked by itself, and one that is refused stops no other."""

    items: list[dict[str, JsonValue]] = Field(
        min_length=1, max_length=MOST_IN_BATCH, description="Each as in POST /v1/appeals."
    )


class CategoryIn(Input):
    """A category with its defaults. A category is never deleted, only retired, with a successor if there is one."""

    name: Annotated[str, Line(200)]
    name_zh: Annotated[str, Line(200, min_length=0)] = ""
    parent_code: CategoryCode | None = None
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    location_required: bool = False
    confidential: bool = False
    object_kind: Annotated[str, Line(50, min_length=0)] = ""
    retired: bool = False
    successor_code: CategoryCode | None = None

    def to_domain(self, code: str) -> Category:
        return Category(
            code=code,
            name=self.name,
            name_zh=self.name_zh,
            parent_code=self.parent_code,
            urgency=self.urgency,
            mode=self.mode,
            location_required=self.location_required,
            confidential=self.confidential,
            object_kind=self.object_kind,
            retired=self.retired,
            successor_code=self.successor_code,
        )


def problems_with_items(errors: list[Any]) -> list[dict[str, Any]]:
    """Give the errors of one item the shape that a request's own errors have."""
    return [{**error, "loc": ("body", *error["loc"])} for error in errors]
