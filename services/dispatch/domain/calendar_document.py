"""Calendars as documents: the one JSON form that the API, the database and city packs share."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.dispatch.domain.calendar import DEFAULT_FRAMES, SATURDAY_AND_SUNDAY, WorkCalendar
from shared.errors import FieldProblem, InvalidInput

WORK = "work"
OFF = "off"


def calendar_from_document(document: Mapping[str, Any], version: int = 1) -> WorkCalendar:
    """Read a calendar: `exceptions` maps a date to `work` or `off`, `frames` lists [opens, closes] in local time.

    Raises InvalidInput naming the field.
    """
    frames = document.get("frames")
    rest = document.get("rest_weekdays")
    return WorkCalendar(
        code=document["code"],
        version=version,
        time_zone=time_zone(document["time_zone"]),
        exceptions={
            _date(day, "/exceptions"): _kind(kind, day) for day, kind in document.get("exceptions", {}).items()
        },
        known_until=_date(document["known_until"], "/known_until"),
        frames=DEFAULT_FRAMES
        if frames is None
        else tuple((_time(opens, index), _time(closes, index)) for index, (opens, closes) in enumerate(frames)),
        rest_weekdays=SATURDAY_AND_SUNDAY if rest is None else frozenset(rest),
    )


def calendar_to_document(calendar: WorkCalendar) -> dict[str, Any]:
    """Write a calendar in full."""
    return {
        "code": calendar.code,
        "time_zone": calendar.time_zone.key,
        "known_until": calendar.known_until.isoformat(),
        "frames": [[f"{opens:%H:%M}", f"{closes:%H:%M}"] for opens, closes in calendar.frames],
        "rest_weekdays": sorted(calendar.rest_weekdays),
        "exceptions": {day.isoformat(): WORK if works else OFF for day, works in sorted(calendar.exceptions.items())},
    }


def time_zone(name: str) -> ZoneInfo:
    """Return a zone of the IANA database; raises InvalidInput for any other name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _problem("/time_zone", "is not a zone of the IANA database, like Asia/Shanghai") from error


def _kind(kind: Any, day: str) -> bool:
    if kind not in (WORK, OFF):
        raise _problem(f"/exceptions/{day}", "must be work or off", [WORK, OFF])
    return bool(kind == WORK)


def _date(value: Any, pointer: str) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _problem(pointer, "must be dates like 2026-10-01") from error


def _time(value: Any, index: int) -> time:
    try:
        moment = time.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _problem(f"/frames/{index}", "must be two times like 08:30") from error
    if moment.tzinfo is not None or moment.second or moment.microsecond:
        raise _problem(f"/frames/{index}", "must be whole minutes of local time")
    return moment


def _problem(pointer: str, message: str, allowed: Any = None) -> InvalidInput:
    return InvalidInput("The calendar is not valid", [FieldProblem(pointer, message, allowed)])
