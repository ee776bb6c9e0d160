"""Working calendars (section 7): the test vectors, the traps, clock changes, and what must hold for every input."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.calendar import Due, Period, PeriodUnit, WorkCalendar
from services.dispatch.domain.calendar_document import calendar_from_document, calendar_to_document
from shared.errors import InvalidInput
from tests.support.registry import MAKE_UP_WORKDAYS, SHANGHAI, chinese_calendar

CHINA = chinese_calendar()
NEW_YORK = ZoneInfo("America/New_York")
BOSTON = WorkCalendar("boston", 1, NEW_YORK, {date(2026, 11, 26): False}, date(2026, 12, 31))


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def end_of(day: str) -> datetime:
    """24:00 of a day, which is 00:00 of the next."""
    return local(day) + timedelta(days=1)


# The table of section 7. Its line "Mon 2026-09-21 11:00, 2 wh, 14:00" contradicts the business hours it was computed
# with: one hour of the morning (11:00 to 12:00) and one of the afternoon (from 13:30) end at 14:30.
VECTORS = [
    ("2026-09-18T16:00", "1 working_day", end_of("2026-09-20")),
    ("2026-09-30T10:00", "5 working_day", end_of("2026-10-13")),
    ("2026-02-13T17:59", "3 working_day", end_of("2026-02-25")),
    ("2026-04-30T15:00", "3 working_day", end_of("2026-05-08")),
    ("2026-01-01T09:00", "1 working_day", end_of("2026-01-04")),
    ("2026-09-24T10:00", "5 working_day", end_of("2026-10-09")),
    ("2026-02-14T09:00", "5 working_day", end_of("2026-02-28")),
    ("2026-08-02T10:00", "60 day roll", end_of("2026-10-08")),
    ("2026-08-02T10:00", "60 day", end_of("2026-10-01")),
    ("2026-09-28T10:00", "7 day", end_of("2026-10-05")),
    ("2026-09-28T10:00", "7 day roll", end_of("2026-10-08")),
    ("2026-09-18T16:00", "4 working_hour", local("2026-09-20T10:30")),
    ("2026-09-30T17:00", "4 working_hour", local("2026-10-08T11:30")),
    ("2026-09-21T11:00", "2 working_hour", local("2026-09-21T14:30")),
    ("2026-09-19T10:00", "5 working_hour", local("2026-09-20T15:00")),
    ("2026-10-01T23:30", "2 hour", local("2026-10-02T01:30")),
]


@pytest.mark.parametrize(("start", "period", "due_at"), VECTORS)
def test_vectors_of_the_specification(start: str, period: str, due_at: datetime) -> None:
    assert CHINA.add(local(start), Period.parse(period)) == Due(due_at.astimezone(UTC), provisional=False)


@pytest.mark.parametrize("day", MAKE_UP_WORKDAYS)
def test_a_weekend_can_be_a_workday(day: date) -> None:
    assert day.weekday() >= 5
    assert CHINA.is_workday(day)


def test_a_friday_can_be_a_holiday() -> None:
    assert not CHINA.is_workday(date(2026, 9, 25))


@pytest.mark.parametrize("hour", [0, 8, 12, 23])
def test_the_filing_day_never_counts_whatever_the_hour(hour: int) -> None:
    filed = local("2026-09-21").replace(hour=hour)
    assert CHINA.add(filed, Period.parse("1 working_day")).due_at == end_of("2026-09-22")


def test_one_working_day_is_neither_eight_working_hours_nor_a_day() -> None:
    start = local("2026-09-18T16:00")
    due = {unit: CHINA.add(start, Period.parse(unit)).due_at for unit in ("1 working_day", "8 working_hour", "24 hour")}
    assert len(set(due.values())) == 3


def test_working_time_ends_at_closing_not_at_the_next_opening() -> None:
    assert CHINA.add(local("2026-09-21T11:00"), Period.parse("1 working_hour")).due_at == local("2026-09-21T12:00")


def test_due_times_are_utc() -> None:
    assert CHINA.add(local("2026-09-21T11:00"), Period.parse("1 working_day")).due_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("period", "provisional"),
    [
        ("1 working_day", False),
        ("2 working_day", True),
        ("9 working_hour", False),
        ("10 working_hour", True),
        ("7 day roll", True),
        ("7 day", False),
        ("2000 hour", False),
    ],
)
def test_a_deadline_in_an_unpublished_year_is_provisional(period: str, provisional: bool) -> None:
    assert CHINA.add(local("2026-12-30T17:00"), Period.parse(period)).provisional is provisional


def test_a_start_without_offset_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        CHINA.add(datetime(2026, 9, 21, 11), Period.parse("1 hour"))  # noqa: DTZ001 - the point
    assert refused.value.problems[0].field == "/start"


@pytest.mark.parametrize("unit", ["hour", "day", "working_day", "working_hour"])
def test_a_period_beyond_the_calendar_is_refused(unit: str) -> None:
    with pytest.raises(InvalidInput):
        CHINA.add(datetime(9999, 12, 31, 12, tzinfo=UTC), Period(30, PeriodUnit(unit)))


# --- clock changes --------------------------------------------------------------------------------------------------


def test_hours_are_elapsed_time_across_a_clock_change() -> None:
    start = local("2026-03-07T12:00", NEW_YORK)
    due = BOSTON.add(start, Period.parse("24 hour")).due_at
    assert due.astimezone(NEW_YORK) == local("2026-03-08T13:00", NEW_YORK)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-07-01", 24)])
def test_a_day_is_as_long_as_its_city_says(day: str, hours: int) -> None:
    start = date.fromisoformat(day)
    assert BOSTON.end_of_day(start) - BOSTON.start_of_day(start) == timedelta(hours=hours)


def test_days_end_at_local_midnight_after_a_clock_change() -> None:
    due = BOSTON.add(local("2026-03-06T12:00", NEW_YORK), Period.parse("2 day")).due_at
    assert due.astimezone(NEW_YORK) == local("2026-03-09", NEW_YORK)


def test_a_midnight_that_does_not_exist_is_the_moment_the_clock_jumps_over_it() -> None:
    havana = ZoneInfo("America/Havana")
    calendar = WorkCalendar("havana", 1, havana, {}, date(2026, 12, 31))
    assert calendar.start_of_day(date(2026, 3, 8)) == datetime(2026, 3, 8, 5, tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_night_hours_are_not_counted_twice_when_the_clock_changes(day: str) -> None:
    frames = ((time(0), time(2, 30)), (time(2, 30), time(3, 0)), (time(3, 0), time(0)))
    night = WorkCalendar("night", 1, NEW_YORK, {}, date(2026, 12, 31), frames=frames, rest_weekdays=frozenset({0}))
    sunday = date.fromisoformat(day)
    start, end = night.start_of_day(sunday), night.end_of_day(sunday)
    assert night.working_time_between(start, end) == end - start


# --- yellow cards ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "card"),
    [
        ("2026-09-24T00:00", "2026-09-23T00:00"),
        ("2026-10-14T00:00", "2026-10-13T00:00"),
        ("2026-10-09T00:00", "2026-10-01T00:00"),
        ("2026-10-08T11:30", "2026-09-30T11:30"),
    ],
)
def test_one_working_day_before(due: str, card: str) -> None:
    assert CHINA.subtract_working_days(local(due), 1) == local(card)


# --- periods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["5 working_day", "24 hour", "60 day roll", "15 minute", "1 working_hour"])
def test_periods_read_back_as_written(text: str) -> None:
    assert str(Period.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "five days", "0 day", "-1 day", "1.5 hour", "3661 day", "1 working_day roll", "1 week", "١ day"]
)
def test_a_period_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Period.parse(text)


# --- documents ------------------------------------------------------------------------------------------------------


def test_a_calendar_reads_back_as_written() -> None:
    assert calendar_from_document(calendar_to_document(CHINA)) == CHINA


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Asia/Atlantis"}, "/time_zone"),
        ({"time_zone": "../etc/passwd"}, "/time_zone"),
        ({"exceptions": {"2026-13-01": "off"}}, "/exceptions"),
        ({"exceptions": {"2026-10-01": "maybe"}}, "/exceptions/2026-10-01"),
        ({"frames": [["12:00", "08:30"]]}, "/frames/0"),
        ({"frames": [["08:30", "12:00"], ["11:00", "13:00"]]}, "/frames/1"),
        ({"frames": []}, "/frames"),
        ({"rest_weekdays": [0, 1, 2, 3, 4, 5, 6]}, "/rest_weekdays"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_by_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        calendar_from_document({**calendar_to_document(CHINA), **change})
    assert refused.value.problems[0].field == field


# --- for every input ------------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2027, 6, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
CALENDARS = st.sampled_from([CHINA, BOSTON])
PERIODS = st.builds(
    Period,
    count=st.integers(1, 40),
    unit=st.sampled_from(
        [PeriodUnit.MINUTE, PeriodUnit.HOUR, PeriodUnit.DAY, PeriodUnit.WORKING_HOUR, PeriodUnit.WORKING_DAY]
    ),
)


@given(CALENDARS, MOMENTS, MOMENTS, PERIODS)
def test_a_later_start_is_never_due_earlier(
    calendar: WorkCalendar, one: datetime, other: datetime, period: Period
) -> None:
    first, second = sorted((one, other))
    assert calendar.add(first, period).due_at <= calendar.add(second, period).due_at


@given(CALENDARS, MOMENTS, PERIODS)
def test_one_more_is_later_and_every_due_time_is_after_its_start(
    calendar: WorkCalendar, start: datetime, period: Period
) -> None:
    due = calendar.add(start, period).due_at
    more = calendar.add(start, Period(period.count + 1, period.unit)).due_at
    assert start < due < more


@given(CALENDARS, st.lists(MOMENTS, min_size=3, max_size=3))
def test_working_time_adds_up_over_adjoining_spans(calendar: WorkCalendar, moments: list[datetime]) -> None:
    first, middle, last = sorted(moments)
    parts = calendar.working_time_between(first, middle) + calendar.working_time_between(middle, last)
    assert parts == calendar.working_time_between(first, last)


@given(CALENDARS, MOMENTS, st.integers(1, 200))
def test_working_hours_take_exactly_their_working_time(calendar: WorkCalendar, start: datetime, hours: int) -> None:
    due = calendar.add(start, Period(hours, PeriodUnit.WORKING_HOUR)).due_at
    assert calendar.working_time_between(start, due) == timedelta(hours=hours)


@given(CALENDARS, MOMENTS, st.integers(1, 60))
def test_working_days_contain_exactly_that_many_workdays(calendar: WorkCalendar, start: datetime, count: int) -> None:
    due = calendar.add(start, Period(count, PeriodUnit.WORKING_DAY)).due_at
    filed, last = calendar.local_date(start), calendar.local_date(due - timedelta(microseconds=1))
    between = [filed + timedelta(days=offset) for offset in range(1, (last - filed).days + 1)]
    assert sum(calendar.is_workday(day) for day in between) == count
    assert calendar.is_workday(last)


@given(MOMENTS, st.integers(1, 90))
def test_rolling_ends_on_a_workday_and_never_earlier(start: datetime, count: int) -> None:
    plain = CHINA.add(start, Period(count, PeriodUnit.DAY)).due_at
    rolled = CHINA.add(start, Period(count, PeriodUnit.DAY, roll=True)).due_at
    assert rolled >= plain
    assert CHINA.is_workday(CHINA.local_date(rolled - timedelta(microseconds=1)))
