"""Recurring campaigns: reception days, deputies' rotas, talk meetings, visits (LZ-03 to LZ-06, AR-06).

A campaign repeats by an RFC 5545 rule on the city's wall clock, so a change to summer time moves no reception.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.errors import FieldProblem, InvalidInput

MOST_OCCURRENCES: Final = 400
LONGEST_WINDOW: Final = timedelta(days=400)
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
LONGEST_RULE: Final = 200

_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS: Final = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST")
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY: Final = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,4}", re.ASCII)
_UNTIL: Final = re.compile(r"([0-9]{8})(?:T([0-9]{6}))?", re.ASCII)
_MOST_VALUES: Final = 31
_LARGEST_INTERVAL: Final = 99
_LARGEST_COUNT: Final = 10_000


class CampaignKind(StrEnum):
    """What recurs."""

    VISIT_PLAN = "visit_plan"
    DEPUTY_RECEPTION = "deputy_reception"
    RECEPTION_DAY = "reception_day"
    TALK_MEETING = "talk_meeting"
    SERVICE_DAY = "service_day"
    BUILDING_REPORTS = "building_reports"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A plan that repeats; `starts_at` is wall-clock time in the city, without a zone, and the first occurrence."""

    code: str
    kind: CampaignKind
    rule: str
    starts_at: datetime
    duration: timedelta
    rule_since: datetime | None = None
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a campaign."""

    starts_at: datetime
    ends_at: datetime


def normalise_rule(text: str) -> str:
    """Return a rule in one form: upper case, without the `RRULE:` some calendars put in front."""
    text = text.strip().upper()
    return text.removeprefix("RRULE:").rstrip(";")


def check_rule(rule: str, starts_at: datetime) -> None:
    """Raise InvalidInput naming every fault of a rule: what it says is bounded, whether it comes up is not asked."""
    problems = list(_problems_of_rule(rule))
    if not EARLIEST_YEAR <= starts_at.year <= LATEST_YEAR:
        problems.append(FieldProblem("/starts_at", f"must lie between {EARLIEST_YEAR} and {LATEST_YEAR}"))
    if problems:
        raise InvalidInput("The campaign cannot be planned.", problems)


def answerable(campaign: Campaign, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
    """Return the part of [since, until) in which dates had to be held, or None.

    Dates before the plan was made (or last changed) and after it was retired are nobody's fault.
    """
    start = max(since, campaign.rule_since or since)
    end = min(until, campaign.retired_at or until)
    return (start, end) if start < end else None


def until_of(text: str) -> datetime:
    """Read UNTIL as wall-clock time; a date alone includes the whole day. Raises ValueError."""
    match = _UNTIL.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return datetime.strptime(match[1] + (match[2] or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - wall clock


def _problems_of_rule(rule: str) -> Iterator[FieldProblem]:
    if len(rule) > LONGEST_RULE:
        yield FieldProblem("/rule", f"is longer than {LONGEST_RULE} characters")
        return
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name not in _PARTS:
            yield FieldProblem("/rule", "every part must be NAME=value with one of these names", list(_PARTS))
            return
        if name in parts:
            yield FieldProblem("/rule", f"names {name} twice")
            return
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES:
        yield FieldProblem("/rule", "FREQ must be one of these; the time of day is that of starts_at", _FREQUENCIES)
        return
    yield from _problems_of_values(parts)


def _problems_of_values(parts: Mapping[str, str]) -> Iterator[FieldProblem]:
    for name, (low, high) in _RANGES.items():
        if name in parts and not _is_number_within(parts[name], low, high):
            yield FieldProblem("/rule", f"{name} must be a whole number from {low} to {high}")
    for name, furthest in (("BYMONTHDAY", 31), ("BYMONTH", 12), ("BYSETPOS", 31)):
        low = 1 if name == "BYMONTH" else -furthest
        values = parts[name].split(",") if name in parts else []
        if len(values) > _MOST_VALUES or not all(_is_number_within(value, low, furthest) for value in values):
            yield FieldProblem("/rule", f"{name} must be up to 31 whole numbers from {low} to {furthest} without 0")
    yield from _problems_of_days(parts)
    if "UNTIL" in parts:
        try:
            in_time = EARLIEST_YEAR <= until_of(parts["UNTIL"]).year <= LATEST_YEAR
        except ValueError:
            in_time = False
        if not in_time:
            yield FieldProblem("/rule", "UNTIL must be YYYYMMDD or YYYYMMDDTHHMMSS in the city's time")
        if "COUNT" in parts:
            yield FieldProblem("/rule", "COUNT and UNTIL exclude each other")


_RANGES: Final[Mapping[str, tuple[int, int]]] = {"INTERVAL": (1, _LARGEST_INTERVAL), "COUNT": (1, _LARGEST_COUNT)}


def _problems_of_days(parts: Mapping[str, str]) -> Iterator[FieldProblem]:
    frequency = parts["FREQ"]
    days = [DAY.fullmatch(day) for day in parts["BYDAY"].split(",")] if "BYDAY" in parts else []
    if len(days) > _MOST_VALUES or not all(days):
        yield FieldProblem("/rule", "BYDAY must be weekdays like MO, or 1MO and -1FR in a month", list(_DAYS))
    elif frequency in {"DAILY", "WEEKLY"} and any(day is not None and day[1] for day in days):
        yield FieldProblem("/rule", f"BYDAY takes no number with FREQ={frequency}")
    if frequency in {"DAILY", "WEEKLY"} and parts.keys() & {"BYMONTHDAY", "BYSETPOS"}:
        yield FieldProblem("/rule", f"BYMONTHDAY and BYSETPOS do not go with FREQ={frequency}; use MONTHLY")
    if "BYSETPOS" in parts and not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYMONTH"}:
        yield FieldProblem("/rule", "BYSETPOS needs BYDAY, BYMONTHDAY or BYMONTH")
    if "WKST" in parts and parts["WKST"] not in _DAYS:
        yield FieldProblem("/rule", "WKST must be a weekday", list(_DAYS))


def _is_number_within(text: str, low: int, high: int) -> bool:
    return _NUMBER.fullmatch(text) is not None and low <= int(text) <= high and int(text) != 0
