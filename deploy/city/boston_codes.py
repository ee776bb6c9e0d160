"""Boston in our codes: public works districts as areas, types as categories, queues as departments, legal holidays."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

CITY_CODE = "025025"
_DISTRICT = re.compile(r"0?(\d{1,2})([ABC]?)")
_MONDAY, _THURSDAY = 0, 3


def area_of(pwd_district: str) -> str | None:
    """`1A` is 025025011, `02` is 025025020, `10B` is 025025102; None where the city recorded no district."""
    match = _DISTRICT.fullmatch(pwd_district.strip())
    if match is None:
        return None
    return f"{CITY_CODE}{int(match[1]):02d}{'ABC'.find(match[2]) + 1 if match[2] else 0}"


def majority(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each key the value it is seen with most often; ties go to the smaller value."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for key, value in pairs:
        counts[key][value] += 1
    return {key: min(found, key=lambda value: (-found[value], value)) for key, found in counts.items()}


def numbered(parent_of: Mapping[str, str], parent_codes: Mapping[str, str], pattern: str) -> dict[str, str]:
    """Give each name the code of its parent and a running number in the order of names."""
    codes: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for name in sorted(parent_of):
        parent = parent_codes[parent_of[name]]
        taken[parent] += 1
        codes[name] = pattern.format(parent=parent, number=taken[parent])
    return codes


def category_codes(rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Codes of the subjects (two digits) and of the types (four)."""
    subjects = {name: f"{number:02d}" for number, name in enumerate(sorted({r["subject"] for r in rows}), 1)}
    subject_of = majority((row["type"], row["subject"]) for row in rows)
    return subjects, numbered(subject_of, subjects, "{parent}{number:02d}")


def department_codes(rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Codes of the departments (`PWDX`) and of their queues (`PWDX-012`)."""
    departments = {name: re.sub(r"[^A-Z0-9]+", "", name.upper()) for name in {row["department"] for row in rows}}
    department_of = majority((row["queue"], row["department"]) for row in rows)
    return departments, numbered(department_of, departments, "{parent}-{number:03d}")


# --- holidays -------------------------------------------------------------------------------------------------------


def _weekday_of(year: int, month: int, weekday: int, number: int) -> date:
    """The `number`-th such weekday of a month; -1 is the last one."""
    if number < 0:
        first_of_next = date(year + month // 12, month % 12 + 1, 1)
        return first_of_next - timedelta(days=(first_of_next.weekday() - weekday - 1) % 7 + 1)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _fixed(year: int) -> Iterator[tuple[date, str]]:
    yield date(year, 1, 1), "New Year's Day"
    if year >= 2021:
        yield date(year, 6, 19), "Juneteenth"
    yield date(year, 7, 4), "Independence Day"
    yield date(year, 11, 11), "Veterans Day"
    yield date(year, 12, 25), "Christmas Day"


def holidays(year: int) -> dict[date, str]:
    """Legal holidays of Massachusetts; one on a Sunday is kept on Monday, one on a Saturday is not moved.

    Suffolk County's own two (Evacuation Day, Bunker Hill Day) are left out: the city's due dates of 2015 count them as
    working days, and Patriots' Day as a holiday.
    """
    found = {
        _weekday_of(year, 1, _MONDAY, 3): "Martin Luther King Day",
        _weekday_of(year, 2, _MONDAY, 3): "Washington's Birthday",
        _weekday_of(year, 4, _MONDAY, 3): "Patriots' Day",
        _weekday_of(year, 5, _MONDAY, -1): "Memorial Day",
        _weekday_of(year, 9, _MONDAY, 1): "Labor Day",
        _weekday_of(year, 10, _MONDAY, 2): "Columbus Day",
        _weekday_of(year, 11, _THURSDAY, 4): "Thanksgiving Day",
    }
    for day, name in _fixed(year):
        found[day + timedelta(days=1) if day.weekday() == 6 else day] = name
    return found


def calendar_days(first_year: int, last_year: int) -> Iterator[tuple[date, bool, str]]:
    day = date(first_year, 1, 1)
    while day.year <= last_year:
        name = holidays(day.year).get(day, "")
        yield day, day.weekday() < 5 and not name, name
        day += timedelta(days=1)
