"""Calendar and time arithmetic (domain section 7): periods in units that are never converted into each other.

Days exclude the first day, hours start at the moment, every due time is an exclusive UTC instant. All of it is pure: a
calendar is one pinned version of a city's list of working days, so a due time can be explained years later.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.errors import FieldProblem, InvalidInput

DEFAULT_FRAMES = ((time(8, 30), time(12, 0)), (time(13, 30), time(18, 0)))
SATURDAY_AND_SUNDAY = frozenset({5, 6})
_ONE_DAY = timedelta(days=1)
_PERIOD = re.compile(
    r"(\d{1,7}) (minute|hour|day|elapsed_day|working_hour|working_day|elapsed_working_day)s?( roll)?", re.ASCII
)


class PeriodUnit(StrEnum):
    """The unit is part of the promise: 1 working day is neither 8 working hours nor 24 hours (trap 2)."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    ELAPSED_DAY = "elapsed_day"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"
    ELAPSED_WORKING_DAY = "elapsed_working_day"


_LONGEST = {
    PeriodUnit.MINUTE: 5_256_000,
    PeriodUnit.HOUR: 87_600,
    PeriodUnit.DAY: 3_660,
    PeriodUnit.ELAPSED_DAY: 3_660,
    PeriodUnit.WORKING_HOUR: 20_000,
    PeriodUnit.WORKING_DAY: 2_600,
    PeriodUnit.ELAPSED_WORKING_DAY: 2_600,
}
_ON_THE_CALENDAR = frozenset({PeriodUnit.WORKING_HOUR, PeriodUnit.WORKING_DAY, PeriodUnit.ELAPSED_WORKING_DAY})


@dataclass(frozen=True, slots=True)
class Period:
    """A count of one unit; `roll` moves the end of natural days off rest days (petition law yes, hotline no)."""

    count: int
    unit: PeriodUnit
    roll: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", PeriodUnit(self.unit))
        longest = _LONGEST[self.unit]
        if not 1 <= self.count <= longest:
            raise _bad_period("count", f"must be from 1 to {longest} for {self.unit}")
        if self.roll and self.unit is not PeriodUnit.DAY:
            raise _bad_period("roll", "only natural days can roll off rest days")

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `5 working_day`, `24 hour` or `60 day roll`."""
        match = _PERIOD.fullmatch(text.strip())
        if match is None:
            raise _bad_period("period", "must look like '5 working_day', '24 hour' or '60 day roll'")
        return cls(int(match[1]), PeriodUnit(match[2]), roll=match[3] is not None)

    @property
    def is_natural(self) -> bool:
        """True when no working calendar is consulted."""
        return self.unit not in _ON_THE_CALENDAR and not self.roll

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{' roll' if self.roll else ''}"


@dataclass(frozen=True, slots=True)
class Due:
    """When something is late (`at >= due_at`); provisional when that year's list of holidays was unknown (trap 40)."""

    due_at: datetime
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """One version of a city's working days and business hours.

    `exceptions` are the days that differ from the weekly rhythm: True is a make-up workday, False a holiday (trap 3).
    `known_until` is the last day whose list is published. A frame that ends at 00:00 ends at midnight.
    """

    code: str
    version: int
    time_zone: ZoneInfo
    exceptions: Mapping[date, bool]
    known_until: date
    frames: tuple[tuple[time, time], ...] = DEFAULT_FRAMES
    rest_weekdays: frozenset[int] = SATURDAY_AND_SUNDAY
    _frames: tuple[tuple[time, time, bool], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        _check_frames(self.frames)
        if not self.rest_weekdays < frozenset(range(7)):
            raise InvalidInput(
                "A week needs at least one working day",
                [FieldProblem("/rest_weekdays", "must leave at least one of 0 (Monday) to 6 (Sunday)")],
            )
        object.__setattr__(self, "_frames", tuple((a, b, b == time.min) for a, b in self.frames))

    # --- days ---------------------------------------------------------------------------------------------------

    def is_workday(self, day: date) -> bool:
        known = self.exceptions.get(day)
        return day.weekday() not in self.rest_weekdays if known is None else known

    def local_date(self, moment: datetime) -> date:
        return moment.astimezone(self.time_zone).date()

    def start_of_day(self, day: date) -> datetime:
        """The first instant of a local day, in UTC; right also where a clock change falls on midnight."""
        return datetime.combine(day, time.min, self.time_zone).astimezone(UTC)

    def end_of_day(self, day: date) -> datetime:
        return self.start_of_day(day + _ONE_DAY)

    def next_workday(self, day: date, count: int = 1) -> date:
        """The `count`-th workday after `day`; `day` itself never counts (trap 4)."""
        while count:
            day += _ONE_DAY
            if self.is_workday(day):
                count -= 1
        return day

    def previous_workday(self, day: date, count: int = 1) -> date:
        """The `count`-th workday before `day`."""
        while count:
            day -= _ONE_DAY
            if self.is_workday(day):
                count -= 1
        return day

    # --- periods ------------------------------------------------------------------------------------------------

    def add(self, start: datetime, period: Period) -> Due:
        """Return when `period` counted from `start` is over.

        minute, hour: elapsed time, around the clock. day: 24:00 of the Nth day after; with `roll` of the next workday
        if that is a rest day. working_day: 24:00 of the Nth workday after the day of `start`. working_hour: business
        hours only. elapsed_day, elapsed_working_day: N days or workdays later at the same local time, where a start
        outside of business hours counts as the next opening; for cities that promise a minute rather than a day.
        Raises InvalidInput for a start without offset or outside of what a calendar can hold.
        """
        if start.tzinfo is None:
            raise InvalidInput("A start needs an offset", [FieldProblem("/start", "has no offset")])
        try:
            return self._add(start, period)
        except OverflowError as error:
            raise InvalidInput(
                "The period ends outside of what a calendar can hold", [FieldProblem("/start", "is out of range")]
            ) from error

    def _add(self, start: datetime, period: Period) -> Due:
        if period.unit is PeriodUnit.MINUTE:
            return Due(start.astimezone(UTC) + timedelta(minutes=period.count))
        if period.unit is PeriodUnit.HOUR:
            return Due(start.astimezone(UTC) + timedelta(hours=period.count))
        if period.unit is PeriodUnit.WORKING_HOUR:
            due_at = self.add_working_time(start, timedelta(hours=period.count))
            return Due(due_at, self.local_date(due_at) > self.known_until)
        if period.unit is PeriodUnit.WORKING_DAY:
            last_day = self.next_workday(self.local_date(start), period.count)
            return Due(self.end_of_day(last_day), last_day > self.known_until)
        if period.unit is PeriodUnit.ELAPSED_WORKING_DAY:
            opening = self.next_opening(start)
            last_day = self.next_workday(self.local_date(opening), period.count)
            return Due(self._same_time(opening, last_day), last_day > self.known_until)
        last_day = self.local_date(start) + _ONE_DAY * period.count
        if period.unit is PeriodUnit.ELAPSED_DAY:
            return Due(self._same_time(start, last_day))
        if not period.roll:
            return Due(self.end_of_day(last_day))
        if not self.is_workday(last_day):
            last_day = self.next_workday(last_day)
        return Due(self.end_of_day(last_day), last_day > self.known_until)

    def _same_time(self, moment: datetime, day: date) -> datetime:
        """The local time of `moment` on another day, in UTC; a clock change in between does not move it on the wall."""
        return datetime.combine(day, moment.astimezone(self.time_zone).time(), self.time_zone).astimezone(UTC)

    def next_opening(self, moment: datetime) -> datetime:
        """`moment` itself within business hours, else the next instant at which they begin."""
        day = self.local_date(moment)
        while True:
            for opens, closes in self.business_hours(day):
                if moment < closes:
                    return max(opens, moment.astimezone(UTC))
            day += _ONE_DAY

    def add_working_time(self, start: datetime, amount: timedelta) -> datetime:
        """The first instant by which `amount` of business hours has passed since `start`."""
        start = start.astimezone(UTC)
        if amount <= timedelta(0):
            return start
        day = self.local_date(start)
        while True:
            for opens, closes in self.business_hours(day):
                begin = max(opens, start)
                if begin >= closes:
                    continue
                if amount <= closes - begin:
                    return begin + amount
                amount -= closes - begin
            day += _ONE_DAY

    def subtract_working_days(self, moment: datetime, count: int) -> datetime:
        """The same time of day `count` workdays earlier; the end of a day stays the end of a day (yellow card, 3.6)."""
        local = moment.astimezone(self.time_zone)
        if local.time() == time.min:
            return self.end_of_day(self.previous_workday(local.date() - _ONE_DAY, count))
        earlier = self.previous_workday(local.date(), count)
        return datetime.combine(earlier, local.time(), self.time_zone).astimezone(UTC)

    def workdays_between(self, start: datetime, end: datetime) -> int:
        """How many workdays begin after `start` and not after `end`."""
        day, last_day = self.local_date(start), self.local_date(end)
        count = 0
        while day < last_day:
            day += _ONE_DAY
            count += self.is_workday(day)
        return count

    def add_working_days(self, moment: datetime, count: int) -> datetime:
        """The same time of day `count` workdays later; the end of a day stays the end of a day."""
        if count == 0:
            return moment.astimezone(UTC)
        local = moment.astimezone(self.time_zone)
        if local.time() == time.min:
            return self.end_of_day(self.next_workday(local.date() - _ONE_DAY, count))
        return self._same_time(moment, self.next_workday(local.date(), count))

    def end_of_same_day(self, moment: datetime) -> Due:
        """24:00 of the day itself, workday or not (即办件, LZ-09)."""
        return Due(self.end_of_day(self.local_date(moment)))

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Business hours from `start` to `end`; zero when `end` is not after `start`. Additive over adjoining spans."""
        total = timedelta(0)
        if end <= start:
            return total
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        day, last_day = self.local_date(start), self.local_date(end)
        while day <= last_day:
            for opens, closes in self.business_hours(day):
                total += max(min(closes, end) - max(opens, start), timedelta(0))
            day += _ONE_DAY
        return total

    def business_hours(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The opening spans of a day in UTC, in order; none on a rest day."""
        if not self.is_workday(day):
            return
        previous_end = datetime.min.replace(tzinfo=UTC)
        for opens, closes, until_midnight in self._frames:
            # a clock change inside the night can make two spans of local time overlap in UTC
            begin = max(datetime.combine(day, opens, self.time_zone).astimezone(UTC), previous_end)
            end = (
                self.end_of_day(day)
                if until_midnight
                else datetime.combine(day, closes, self.time_zone).astimezone(UTC)
            )
            if begin < end:
                previous_end = end
                yield begin, end


def _check_frames(frames: tuple[tuple[time, time], ...]) -> None:
    """Business hours must exist, be in order and not overlap."""
    previous_end = time.min
    for index, (opens, closes) in enumerate(frames):
        ends_at_midnight = closes == time.min and index == len(frames) - 1
        if opens < previous_end or not (opens < closes or ends_at_midnight):
            raise InvalidInput(
                "Business hours must be in order and must not overlap",
                [FieldProblem(f"/frames/{index}", "begins before the one before it ends, or ends before it begins")],
            )
        previous_end = closes
    if not frames:
        raise InvalidInput("A calendar needs business hours", [FieldProblem("/frames", "is empty")])


def _bad_period(name: str, message: str) -> InvalidInput:
    return InvalidInput("The period is not valid", [FieldProblem(f"/{name}", message)])
