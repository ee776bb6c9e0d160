"""The dates of a campaign: its RFC 5545 rule walked on the city's wall clock, by python-dateutil, within bounds."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from services.intake.domain.campaigns import (
    DAY,
    LONGEST_WINDOW,
    MOST_OCCURRENCES,
    Campaign,
    Occurrence,
    answerable,
    check_rule,
    until_of,
)
from shared.errors import FieldProblem, InvalidInput

if TYPE_CHECKING:
    from dateutil.rrule import rrule

# The calendar, weekdays included, repeats every 400 years. Rules are walked in the last such era the library knows, so
# that one which never matches (30 February) ends with the library's calendar after 400 years at most, in milliseconds.
_ERA: Final = 7_600
_NUMBER_LISTS: Final[Mapping[str, str]] = {"bymonthday": "BYMONTHDAY", "bymonth": "BYMONTH", "bysetpos": "BYSETPOS"}


def check_plan(rule: str, starts_at: datetime) -> None:
    """Raise InvalidInput naming every fault of a rule, and for one that never comes up."""
    check_rule(rule, starts_at)
    if next(_dates(rule, starts_at), None) is None:
        raise InvalidInput("The campaign cannot be planned.", [FieldProblem("/rule", "never comes up")])


def occurrences(
    campaign: Campaign, zone: tzinfo, *, start: datetime, end: datetime, most: int = MOST_OCCURRENCES
) -> list[Occurrence]:
    """Return the dates that begin in [start, end), at most `most`, oldest first. Raises InvalidInput.

    A time that the change to summer time leaves out is moved on by that hour; one that comes twice is its first.
    """
    if end - start > LONGEST_WINDOW:
        problem = FieldProblem("/to", f"lies more than {LONGEST_WINDOW.days} days after from")
        raise InvalidInput("The time asked for is too long.", [problem])
    found: list[Occurrence] = []
    latest = end.astimezone(zone).replace(tzinfo=None) + timedelta(days=1)
    for wall in _dates(campaign.rule, campaign.starts_at):
        if wall > latest or len(found) == most:
            break
        begins = wall.replace(tzinfo=zone).astimezone(UTC)
        if start <= begins < end:
            found.append(Occurrence(begins, begins + campaign.duration))
    return found


def occurrence_at(campaign: Campaign, zone: tzinfo, moment: datetime) -> Occurrence | None:
    """Return the date of the campaign that begins at this moment, or None."""
    return next(iter(occurrences(campaign, zone, start=moment, end=moment + timedelta(seconds=1), most=1)), None)


def unheld(
    campaign: Campaign, zone: tzinfo, *, held: frozenset[datetime], since: datetime, until: datetime
) -> list[Occurrence]:
    """Return the dates in [since, until) that had to be held and that no session is recorded for, oldest first."""
    owed = answerable(campaign, since, until)
    if owed is None:
        return []
    return [date for date in occurrences(campaign, zone, start=owed[0], end=owed[1]) if date.starts_at not in held]


def _dates(rule: str, starts_at: datetime) -> Iterator[datetime]:
    """Yield every date on the wall clock, oldest first."""
    for moment in _rrule(rule, starts_at):
        yield moment.replace(year=moment.year - _ERA)


def _rrule(rule: str, starts_at: datetime) -> "rrule":
    from dateutil import rrule as recurrence

    parts = dict(part.split("=", 1) for part in rule.split(";"))
    given: dict[str, Any] = {
        name: [int(value) for value in parts[part].split(",")] for name, part in _NUMBER_LISTS.items() if part in parts
    }
    if "BYDAY" in parts:
        given["byweekday"] = [_weekday(recurrence, day) for day in parts["BYDAY"].split(",")]
    if "UNTIL" in parts:
        until = until_of(parts["UNTIL"])
        given["until"] = until.replace(year=until.year + _ERA)
    if "COUNT" in parts:
        given["count"] = int(parts["COUNT"])
    return recurrence.rrule(
        getattr(recurrence, parts["FREQ"]),
        dtstart=starts_at.replace(year=starts_at.year + _ERA),
        interval=int(parts.get("INTERVAL", "1")),
        wkst=getattr(recurrence, parts.get("WKST", "MO")),
        **given,
    )


def _weekday(recurrence: Any, day: str) -> Any:
    match = DAY.fullmatch(day)
    if match is None:
        raise ValueError(day)
    weekday = getattr(recurrence, match[2])
    return weekday(int(match[1])) if match[1] else weekday
