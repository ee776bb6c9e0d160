"""Learns how a city counts its due times: for each type the one period that explains the most recorded due times."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.dispatch.domain.calendar import Period, PeriodUnit, WorkCalendar

# A city's own system stamps the opening and reckons the due time up to two minutes apart.
TOLERANCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class LearnedPeriod:
    """`explained` of `seen` recorded due times are this period after the opening, to within TOLERANCE."""

    period: Period
    explained: int
    seen: int

    @property
    def is_fixed(self) -> bool:
        """Whether the city evidently promises this; below that the period is the best of no good ones."""
        return self.explained >= 0.9 * self.seen


def learn_period(observed: Iterable[tuple[datetime, datetime]], calendar: WorkCalendar) -> LearnedPeriod | None:
    """Choose between N workdays and N days, each at the same time of day; None when no observed due time fits any.

    `observed` are aware (opened, due) pairs. Ties go to workdays, then to the shorter period.
    """
    votes: Counter[tuple[PeriodUnit, int]] = Counter()
    seen = 0
    for opened, due in observed:
        seen += 1
        for unit, count in _candidates(opened, due, calendar):
            if abs(calendar.add(opened, Period(count, unit)).due_at - due) <= TOLERANCE:
                votes[unit, count] += 1
    if not votes:
        return None
    (unit, count), explained = min(
        votes.items(), key=lambda item: (-item[1], item[0][0] is PeriodUnit.ELAPSED_DAY, item[0][1])
    )
    return LearnedPeriod(Period(count, unit), explained, seen)


def _candidates(opened: datetime, due: datetime, calendar: WorkCalendar) -> Iterable[tuple[PeriodUnit, int]]:
    last = calendar.local_date(due)
    days = (last - calendar.local_date(opened)).days
    if days >= 1:
        yield PeriodUnit.ELAPSED_DAY, days
    workdays = _workdays_between(calendar.local_date(calendar.next_opening(opened)), last, calendar)
    if workdays >= 1:
        yield PeriodUnit.ELAPSED_WORKING_DAY, workdays


def _workdays_between(first: date, last: date, calendar: WorkCalendar) -> int:
    """How many workdays lie after `first` up to and including `last`; 0 when `last` is itself no workday."""
    if not calendar.is_workday(last):
        return 0
    return sum(calendar.is_workday(first + timedelta(days=step)) for step in range(1, (last - first).days + 1))
