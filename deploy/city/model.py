"""What a city pack says once it has been read and checked: plain values, in the pack's own words."""

from dataclasses import dataclass, field
from datetime import date, time
from zoneinfo import ZoneInfo

from shapely.geometry.base import BaseGeometry

from services.dispatch.domain.sla import SlaPolicy
from shared.vocabulary import AppealType, Channel, HandlingMode, Urgency

LEVEL_LENGTHS = (6, 9, 12, 15, 18)


@dataclass(frozen=True, slots=True)
class LevelName:
    """What a city calls the areas whose code has `length` digits (section 6)."""

    length: int
    name: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts in the pack come from and on which terms they may be passed on."""

    title: str
    licence: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CityFacts:
    """`city.json`: who the city is."""

    code: str
    name: str
    name_en: str
    district_code: str
    levels: tuple[LevelName, ...]
    hotline_number: str
    time_zone: ZoneInfo
    calendar_code: str
    frames: tuple[tuple[time, time], ...]
    default_policy_code: str
    sources: tuple[Source, ...] = ()

    @property
    def title(self) -> str:
        """The name, and the English one beside it where that is another."""
        return self.name if self.name_en in {"", self.name} else f"{self.name} {self.name_en}"


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    code: str
    name: str
    name_en: str
    kind: str
    parent_code: str | None
    grid_code: str | None


@dataclass(frozen=True, slots=True)
class CategoryRow:
    code: str
    level: int
    parent_code: str | None
    name: str
    name_en: str
    urgency: Urgency | None
    mode: HandlingMode | None
    policy_code: str | None
    location_required: bool
    confidential: bool
    object_kind: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """One area of the registry; without a polygon it is found by its code only."""

    code: str
    name: str
    name_en: str
    synthetic: bool
    polygon: BaseGeometry | None = field(compare=False, default=None)

    @property
    def parent_code(self) -> str | None:
        return self.code[:-3] if len(self.code) > 6 else None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What is not said (None) matches everything; codes of categories and areas match what begins with them."""

    id: str
    category_code: str | None
    grid_code: str | None
    type: AppealType | None
    urgency: Urgency | None
    channel: Channel | None
    department_code: str
    note: str

    @property
    def condition(self) -> tuple[str | None, ...]:
        return (self.category_code, self.grid_code, self.type, self.urgency, self.channel)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    day: date
    is_workday: bool
    note: str


@dataclass(frozen=True, slots=True)
class CityPack:
    """A whole city, checked: codes are unique, references lead somewhere, polygons tile."""

    city: CityFacts
    departments: tuple[DepartmentRow, ...]
    categories: tuple[CategoryRow, ...]
    grids: tuple[GridRow, ...]
    rules: tuple[RuleRow, ...]
    policies: tuple[SlaPolicy, ...]
    days: tuple[CalendarDay, ...]
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def known_until(self) -> date:
        """The last day whose working days are published; what is due later is provisional (trap 40)."""
        return self.days[-1].day
