"""Where and through whom appeals come in: boxes, windows and outlets, service items, informants, demand classes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import Channel


class EntryPointKind(StrEnum):
    """A place where appeals are handed in (LZ-02, LZ-08, AR-07, YQ-01, YQ-04), or a partner who answers (LZ-07)."""

    BOX = "box"
    BOOK = "book"
    CARD_STAND = "card_stand"
    WINDOW = "window"
    EVAL_WINDOW = "eval_window"
    COMPLAINT_ROOM = "complaint_room"
    OUTLET = "outlet"
    PARTNER = "partner"


class ItemKind(StrEnum):
    """What a service item is: a permit or a service (YQ-01)."""

    PERMIT = "permit"
    SERVICE = "service"


class Role(StrEnum):
    """How somebody outside the office brings in appeals."""

    INFORMANT = "informant"
    VOLUNTEER = "volunteer"
    GRID_WORKER = "grid_worker"
    BUILDING_CHIEF = "building_chief"


class InformantGroup(StrEnum):
    """The five groups informants come from (LZ-03)."""

    CADRE = "cadre"
    RETIRED_CADRE = "retired_cadre"
    LAID_OFF_MEMBER = "laid_off_member"
    DEMOBILISED_SOLDIER = "demobilised_soldier"
    GRADUATE = "graduate"


class DemandClass(StrEnum):
    """Which of the three centres a matter is for (HZ-01): administrative, own interest, public service."""

    ADMIN = "admin"
    INTEREST = "interest"
    PUBLIC_SERVICE = "public_service"


_COUNTERS: Final = frozenset(
    {EntryPointKind.WINDOW, EntryPointKind.EVAL_WINDOW, EntryPointKind.COMPLAINT_ROOM, EntryPointKind.OUTLET}
)
PLACES_OF: Final[Mapping[Channel, frozenset[EntryPointKind]]] = {
    Channel.BOX: frozenset({EntryPointKind.BOX}),
    Channel.BOOK: frozenset({EntryPointKind.BOOK}),
    Channel.CARD: frozenset({EntryPointKind.CARD_STAND, EntryPointKind.BOX}),
    Channel.JOINT_LETTER: frozenset({EntryPointKind.BOX, *_COUNTERS}),
    Channel.WINDOW: _COUNTERS,
    Channel.EVAL_WINDOW: frozenset({EntryPointKind.EVAL_WINDOW}),
    Channel.CANNOT_DO_WINDOW: _COUNTERS,
}
"""Which kinds of place a channel's `location_id` or `window_id` may name: a box is no window."""

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)
_MOST_MINUTES: Final = 24 * 60
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Hours on some days of the week, city time; they may differ from those of the office (LZ-27)."""

    days: tuple[str, ...]
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date that differs from its weekday: closed, or open at other hours."""

    date: date
    opens: str | None = None
    closes: str | None = None


def minutes_of(clock: str) -> int | None:
    """Return a time of day like `08:30`, `24:00` included, as minutes after midnight; None for anything else."""
    if _CLOCK.fullmatch(clock) is None:
        return None
    return int(clock[:2]) * 60 + int(clock[3:])


def problems_of_hours(hours: Sequence[OpeningHours], special: Sequence[SpecialDay]) -> Iterator[FieldProblem]:
    """Yield what is wrong with opening hours."""
    for index, span in enumerate(hours):
        where = f"/opening_hours/{index}"
        if not span.days or len(set(span.days)) != len(span.days) or not set(span.days) <= set(_DAYS):
            yield FieldProblem(f"{where}/days", "must name weekdays, each once", list(_DAYS))
        yield from _problems_of_span(where, span.opens, span.closes)
    for index, day in enumerate(special):
        where = f"/special_days/{index}"
        if (day.opens is None) != (day.closes is None):
            yield FieldProblem(where, "needs both opens and closes, or neither for a day that is closed")
        elif day.opens is not None and day.closes is not None:
            yield from _problems_of_span(where, day.opens, day.closes)


def _problems_of_span(where: str, opens: str, closes: str) -> Iterator[FieldProblem]:
    first, last = minutes_of(opens), minutes_of(closes)
    if first is None or last is None:
        yield FieldProblem(where, "opens and closes must be times of day like 08:30")
    elif first >= last:
        yield FieldProblem(where, "closes before it opens; give hours over midnight as two")


def is_open(hours: Sequence[OpeningHours], special: Sequence[SpecialDay], local: datetime) -> bool | None:
    """Tell whether a place is open at a time on the city's clock; None when no hours are known."""
    if not hours and not special:
        return None
    minute = local.hour * 60 + local.minute
    today = [day for day in special if day.date == local.date()]
    if today:
        spans = [(day.opens, day.closes) for day in today if day.opens and day.closes]
    else:
        spans = [(span.opens, span.closes) for span in hours if _DAYS[local.weekday()] in span.days]
    return any((minutes_of(opens) or 0) <= minute < (minutes_of(closes) or _MOST_MINUTES) for opens, closes in spans)


def problems_of_calendar(text: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with hours given as iCalendar text: kept as it is, so it must at least be one."""
    lines = text.strip().splitlines()
    if not lines or lines[0].strip() != "BEGIN:VCALENDAR" or lines[-1].strip() != "END:VCALENDAR":
        yield FieldProblem("/calendar", "must be iCalendar text from BEGIN:VCALENDAR to END:VCALENDAR")


def check(problems: Iterator[FieldProblem], what: str) -> None:
    """Raise InvalidInput if there are problems."""
    found = list(problems)
    if found:
        raise InvalidInput(f"The {what} is not valid.", found)


def report_month(text: str) -> date:
    """Return the first day of a month like `2026-03`. Raises InvalidInput."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        month = None
    if month is None or not _FIRST_YEAR <= month.year <= _LAST_YEAR:
        problem = FieldProblem("/month", f"must look like 2026-03, between {_FIRST_YEAR} and {_LAST_YEAR}")
        raise InvalidInput("The month is not valid.", [problem])
    return month


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def report_due_at(month: date, due_day: int) -> datetime:
    """HZ-08: a month's report is due by the end of this day of the next month: the moment after it, wall clock."""
    return datetime.combine(next_month(month).replace(day=due_day), time(0)) + timedelta(days=1)


def capacity_warning(households: int | None) -> bool:
    """HZ-07: a building chief looks after about a hundred households; a fifth more is too many."""
    return households is not None and households > 120


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON can hold them, for the history of a registry."""
    return {str(name): _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
