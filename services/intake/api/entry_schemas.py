"""What clients send to keep places, people, campaigns and surveys: bounded, strict, unknown fields refused."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from services.intake.api.registries import CODE_PATTERN
from services.intake.api.schemas import CategoryCode, ReporterIn
from services.intake.domain.campaigns import LONGEST_RULE, CampaignKind, normalise_rule
from services.intake.domain.entry import (
    DemandClass,
    EntryPointKind,
    InformantGroup,
    ItemKind,
    OpeningHours,
    Role,
    SpecialDay,
    check,
    problems_of_calendar,
    problems_of_hours,
    report_month,
)
from services.intake.domain.entry_surveys import FieldKind, SurveyField, problems_of_fields
from services.intake.use_cases.enter_answers import Card
from services.intake.use_cases.keep_informants import Identity
from shared.errors import FieldProblem, InvalidInput
from shared.http.text import Input, Line, Moment, Paragraph

MOST_CARDS: Final = 500

_Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]
_Name = Annotated[str, Line(200)]
_Blank = Annotated[str, Line(200, min_length=0)]
_Grid = Annotated[str, Line(18)]
_Note = Annotated[str, Paragraph(4_000, min_length=0)]
_Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
_Minutes = Annotated[int, Field(ge=0, le=1_000_000)]
_Count = Annotated[int, Field(ge=0, le=1_000_000)]
_FieldKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]


def _date(text: str, pointer: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("A date is not valid.", [FieldProblem(pointer, "is no date")]) from error


class OpeningHoursIn(Input):
    """Hours on some days of the week, city time."""

    days: list[Annotated[str, Line(2)]] = Field(min_length=1, max_length=7, examples=[["MO", "SA"]])
    opens: Annotated[str, Line(5)] = Field(examples=["08:30"])
    closes: Annotated[str, Line(5)] = Field(examples=["20:00"])

    def to_domain(self) -> OpeningHours:
        return OpeningHours(tuple(self.days), self.opens, self.closes)


class SpecialDayIn(Input):
    """A date that differs from its weekday; without hours it is closed."""

    date: _Day
    opens: Annotated[str, Line(5)] | None = None
    closes: Annotated[str, Line(5)] | None = None

    def to_domain(self, pointer: str) -> SpecialDay:
        return SpecialDay(_date(self.date, f"{pointer}/date"), self.opens, self.closes)


class EntryPointIn(Input):
    """A place where appeals are handed in, or a partner; one department may have several windows (YQ-01)."""

    kind: EntryPointKind
    name: _Name
    department_code: _Code | None = None
    place: _Blank = ""
    grid_code: _Grid | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    contact: _Blank = Field(default="", description="The office's own number or address, of a partner the alarm line.")
    item_codes: list[_Code] = Field(default_factory=list, max_length=500)
    opening_hours: list[OpeningHoursIn] = Field(default_factory=list, max_length=50)
    special_days: list[SpecialDayIn] = Field(default_factory=list, max_length=400)
    calendar: Annotated[str, Paragraph(50_000)] | None = Field(default=None, description="Hours as iCalendar text.")
    retired: bool = False

    def to_values(self, code: str) -> dict[str, Any]:
        """Return the columns of a row. Raises InvalidInput."""
        hours = [span.to_domain() for span in self.opening_hours]
        special = [day.to_domain(f"/special_days/{index}") for index, day in enumerate(self.special_days)]
        problems = [*problems_of_hours(hours, special)]
        if self.calendar is not None:
            problems += problems_of_calendar(self.calendar)
        if (self.longitude is None) != (self.latitude is None):
            missing = "latitude" if self.latitude is None else "longitude"
            problems.append(FieldProblem(f"/{missing}", "is required too"))
        check(iter(problems), "entry point")
        return {"code": code, **self.model_dump(), "item_codes": list(dict.fromkeys(self.item_codes))}


class ServiceItemIn(Input):
    """A permit or service that windows offer; the times measure what became faster (AR-07)."""

    kind: ItemKind
    name: _Name
    department_code: _Code | None = None
    category_code: CategoryCode | None = None
    minutes_before: _Minutes | None = None
    minutes_now: _Minutes | None = None
    retired: bool = False

    def to_values(self, code: str) -> dict[str, Any]:
        """Return the columns of a row."""
        return {"code": code, **self.model_dump()}


class DemandClassIn(Input):
    """Which centre a category, and those right below it, are for."""

    category_code: CategoryCode
    demand_class: DemandClass


class DemandClassesIn(Input):
    """The whole table; what it leaves out has no demand class."""

    items: list[DemandClassIn] = Field(max_length=2_000)


class InformantIn(Input):
    """Somebody who files for residents. Name and phone go into the vault; left out, those there are stay."""

    role: Role
    group: InformantGroup | None = None
    team: Annotated[str, Line(100)] | None = None
    grid_codes: list[_Grid] = Field(default_factory=list, max_length=50)
    households: Annotated[int, Field(ge=0, le=100_000)] | None = None
    active_from: _Day | None = None
    name: Annotated[str, Line(100)] | None = None
    phone: Annotated[str, Line(32)] | None = None
    retired: bool = False

    def to_values(self, code: str) -> dict[str, Any]:
        """Return the columns of a row, without who it is. Raises InvalidInput."""
        return {
            "code": code,
            "role": self.role,
            "informant_group": self.group,
            "team": self.team,
            "grid_codes": self.grid_codes,
            "households": self.households,
            "active_from": _date(self.active_from, "/active_from") if self.active_from else None,
            "retired": self.retired,
        }

    def identity(self) -> Identity | None:
        """Return who it is, or None when nothing was said about that."""
        return Identity(self.name, self.phone) if self.model_fields_set & {"name", "phone"} else None


class CampaignIn(Input):
    """A plan that repeats by an RFC 5545 rule on the city's clock."""

    kind: CampaignKind
    name: _Name
    rule: Annotated[str, Line(LONGEST_RULE)] = Field(examples=["FREQ=MONTHLY;BYDAY=3WE"])
    starts_at: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$")] = Field(
        description="The first date, on the city's clock, without an offset.", examples=["2026-03-04T09:00"]
    )
    duration_minutes: int = Field(default=120, ge=1, le=1_440)
    leader: Annotated[str, Line(100)]
    place: _Blank = ""
    grid_code: _Grid | None = None
    entry_point_code: _Code | None = None
    note: _Note = ""
    retired: bool = False

    def to_values(self, code: str) -> dict[str, Any]:
        """Return the columns of a row. Raises InvalidInput."""
        try:
            starts_at = datetime.fromisoformat(self.starts_at)
        except ValueError as error:
            problem = FieldProblem("/starts_at", "is no date and time")
            raise InvalidInput("The campaign cannot be planned.", [problem]) from error
        return {"code": code, **self.model_dump(), "rule": normalise_rule(self.rule), "starts_at": starts_at}


class SessionIn(Input):
    """A date that was held, or cancelled with a reason; what is left out is as planned."""

    held_at: Moment | None = None
    leader: Annotated[str, Line(100)] | None = None
    deputies: list[Annotated[str, Line(100)]] = Field(default_factory=list, max_length=50)
    place: Annotated[str, Line(200)] | None = None
    visitors: _Count | None = None
    attendance: _Count | None = None
    note: _Note = ""
    cancelled_reason: Annotated[str, Line(500)] | None = None

    def to_values(self) -> dict[str, Any]:
        """Return the columns of a row."""
        return self.model_dump(exclude={"occurrence_at"})


class NewSessionIn(SessionIn):
    """A session of the campaign's date that begins at `occurrence_at`."""

    occurrence_at: Moment


class BuildingReportIn(Input):
    """A month's figures of one building chief: counts, never names."""

    informant_id: _Code = Field(description="The building chief's code in the registry.")
    month: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")] = Field(examples=["2026-03"])
    grid_code: _Grid | None = None
    households: _Count
    residents: _Count
    floating_residents: _Count = 0
    vacant: _Count = 0
    note: _Note = ""

    def to_month(self) -> date:
        """Return the month's first day. Raises InvalidInput."""
        return report_month(self.month)

    def to_values(self) -> dict[str, Any]:
        """Return the columns of a row that the chief fills in."""
        return self.model_dump(exclude={"informant_id", "month"})


class MotionIn(Input):
    """A motion or suggestion that deputies made of an appeal (LZ-04)."""

    number: Annotated[str, Line(64)]
    body: Annotated[str, Line(100)] = Field(description="The assembly it was put to.")
    deputy: Annotated[str, Line(100)]
    submitted_at: Moment


class SurveyFieldIn(Input):
    """One question; the text of the one opinion becomes an appeal of type suggestion."""

    key: _FieldKey
    label: _Name
    kind: FieldKind
    choices: list[Annotated[str, Line(100)]] = Field(default_factory=list, max_length=50)
    required: bool = False

    def to_domain(self) -> SurveyField:
        return SurveyField(self.key, self.label, self.kind, tuple(self.choices), self.required)


class SurveyIn(Input):
    """A questionnaire; its opinions are registered under `category_code`, or wait on the review list without one."""

    title: _Name
    fields: list[SurveyFieldIn] = Field(min_length=1, max_length=50)
    category_code: CategoryCode | None = None
    retired: bool = False

    def to_values(self, code: str) -> dict[str, Any]:
        """Return the columns of a row. Raises InvalidInput."""
        check(problems_of_fields([field.to_domain() for field in self.fields]), "survey")
        return {"code": code, **self.model_dump(mode="json")}


_Answer = Annotated[str, Paragraph(5_000, min_length=0)] | int | list[Annotated[str, Line(100)]] | None


class CardIn(Input):
    """One filled-in questionnaire."""

    card_number: Annotated[str, Line(64)]
    answers: dict[_FieldKey, _Answer] = Field(max_length=50)
    received_at: Moment | None = None
    reporter: ReporterIn | None = None

    def to_domain(self) -> Card:
        reporter = self.reporter.to_domain() if self.reporter else None
        return Card(self.card_number, self.answers, self.received_at, reporter)


class CardsIn(Input):
    """Up to 500 cards; each is judged by itself."""

    items: list[CardIn] = Field(min_length=1, max_length=MOST_CARDS)


DEFAULT_WINDOW: Final = timedelta(days=90)
