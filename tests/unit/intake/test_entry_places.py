"""Opening hours of windows, which may differ from those of the office, and when a month's report is due."""

from datetime import date, datetime

import pytest

from services.intake.domain.entry import (
    OpeningHours,
    SpecialDay,
    capacity_warning,
    is_open,
    next_month,
    problems_of_calendar,
    problems_of_hours,
    report_due_at,
    report_month,
)
from shared.errors import InvalidInput

HOURS = [OpeningHours(("MO", "SA"), "08:30", "12:00"), OpeningHours(("MO",), "18:00", "24:00")]
SPECIAL = [SpecialDay(date(2026, 3, 9)), SpecialDay(date(2026, 3, 8), "10:00", "11:00")]


@pytest.mark.parametrize(
    ("local", "is_it"),
    [
        ("2026-03-02T08:29", False),
        ("2026-03-02T08:30", True),
        ("2026-03-02T12:00", False),
        ("2026-03-02T23:59", True),
        ("2026-03-03T09:00", False),
        ("2026-03-07T09:00", True),
        ("2026-03-09T09:00", False),
        ("2026-03-08T10:30", True),
    ],
)
def test_a_window_keeps_hours_of_its_own(local: str, is_it: bool) -> None:
    assert is_open(HOURS, SPECIAL, datetime.fromisoformat(local)) is is_it


def test_without_hours_nobody_knows() -> None:
    assert is_open([], [], datetime.fromisoformat("2026-03-02T09:00")) is None


@pytest.mark.parametrize(
    "hours",
    [
        OpeningHours(("XX",), "08:00", "09:00"),
        OpeningHours(("MO", "MO"), "08:00", "09:00"),
        OpeningHours(("MO",), "09:00", "08:00"),
        OpeningHours(("MO",), "8:00", "09:00"),
        OpeningHours(("MO",), "08:00", "24:01"),
    ],
)
def test_hours_that_are_none_are_told(hours: OpeningHours) -> None:
    assert len(list(problems_of_hours([hours], []))) == 1


def test_half_of_a_special_days_hours_is_told() -> None:
    assert [problem.field for problem in problems_of_hours([], [SpecialDay(date(2026, 1, 1), "08:00")])] == [
        "/special_days/0"
    ]


def test_a_calendar_must_be_one() -> None:
    assert list(problems_of_calendar("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")) == []
    assert len(list(problems_of_calendar("Mondays"))) == 1


def test_a_months_report_is_due_in_the_month_after() -> None:
    assert report_due_at(date(2026, 2, 1), 5) == datetime.fromisoformat("2026-03-06T00:00")
    assert report_due_at(date(2026, 12, 1), 28) == datetime.fromisoformat("2027-01-29T00:00")
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)


@pytest.mark.parametrize("text", ["2026-13", "1999-12", "2101-01", "9999-12", "month"])
def test_a_month_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        report_month(text)


def test_a_chief_with_a_fifth_more_households_than_usual_has_too_many() -> None:
    assert [capacity_warning(households) for households in (None, 100, 120, 121)] == [False, False, False, True]
