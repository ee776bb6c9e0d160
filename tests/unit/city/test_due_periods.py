"""The period of a type is the one that explains most of the due times a city recorded."""

from datetime import UTC, datetime, timedelta

from deploy.city.build_boston import boston_calendar
from deploy.city.due_periods import learn_period
from services.dispatch.domain.calendar import Period

CALENDAR = boston_calendar()
OPENED = [datetime(2015, 2, 2, 15, 10, tzinfo=UTC) + timedelta(days=3 * number, hours=number) for number in range(40)]


def observed(period: str, *, off_by: timedelta = timedelta(0)) -> list[tuple[datetime, datetime]]:
    return [(opened, CALENDAR.add(opened, Period.parse(period)).due_at + off_by) for opened in OPENED]


def test_workdays_are_recognised_also_for_openings_at_night_and_on_weekends() -> None:
    found = learn_period(observed("10 elapsed_working_day"), CALENDAR)

    assert found is not None
    assert (str(found.period), found.explained, found.is_fixed) == ("10 elapsed_working_day", 40, True)


def test_natural_days_are_recognised() -> None:
    found = learn_period(observed("30 elapsed_day"), CALENDAR)

    assert found is not None
    assert (str(found.period), found.explained) == ("30 elapsed_day", 40)


def test_a_minute_of_difference_between_two_clocks_of_the_city_is_forgiven_an_hour_is_not() -> None:
    close = learn_period(observed("5 elapsed_working_day", off_by=timedelta(seconds=70)), CALENDAR)
    far = learn_period(observed("5 elapsed_working_day", off_by=timedelta(hours=1)), CALENDAR)

    assert close is not None
    assert close.explained == 40
    assert far is None


def test_a_type_without_a_fixed_period_says_so() -> None:
    found = learn_period(observed("1 elapsed_day")[:25] + observed("10 elapsed_day")[25:], CALENDAR)

    assert found is not None
    assert (str(found.period), found.is_fixed) == ("1 elapsed_day", False)
