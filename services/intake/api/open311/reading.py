"""Reading what GeoReport v2 clients ask for: generous in spelling, exact in what is refused and why."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Request

from services.intake.db.open311 import Box, Circle, RequestFilter
from services.intake.domain import open311, texts
from services.intake.domain.receipts import normalise_receipt_number
from services.intake.settings import Settings
from services.intake.use_cases.open311_read import ListWanted
from shared.errors import FieldProblem, InvalidInput, NotFound
from shared.vocabulary import AppealStatus

MOST_PAGES: Final = 100_000
_LONGEST_TEXT: Final = 200
_LARGEST_RADIUS: Final = 50_000.0
_YES: Final = frozenset({"true", "1", "yes", "on", "v1", "v2"})
_STATES: Final[Mapping[str, Sequence[AppealStatus]]] = {"open": open311.OPEN_STATES, "closed": open311.CLOSED_STATES}
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "address": "address_string",
    "latitude": "lat",
    "limit": "page_size",
    "lng": "long",
    "lon": "long",
    "longitude": "long",
    "per_page": "page_size",
}


class Query:
    """Query or form values by name: names in any case, with or without `[]`; what is empty was not given."""

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in items:
            plain = name.strip().lower().removesuffix("[]")
            if value.strip():
                self._values.setdefault(_OTHER_NAMES.get(plain, plain), []).append(value.strip())

    def one(self, name: str) -> str | None:
        """The last of the values that were given under a name."""
        values = self._values.get(name)
        return values[-1] if values else None

    def many(self, name: str) -> list[str] | None:
        """Every value of a name that may be repeated or have several, separated by commas."""
        values = self._values.get(name)
        if values is None:
            return None
        parts = [part.strip() for value in values for part in value.split(",")]
        return list(dict.fromkeys(part for part in parts if part and texts.is_clean(part)))


def query_of(request: Request) -> Query:
    return Query(request.query_params.multi_items())


def check_jurisdiction(settings: Settings, given: str | None) -> None:
    """Refuse another city's requests: raises NotFound, or InvalidInput when one of several has to be named.

    A city that has set none answers for whatever jurisdiction it is called.
    """
    served = [name.lower() for name in settings.open311_jurisdictions]
    if given is None:
        if len(served) > 1:
            problem = FieldProblem("/jurisdiction_id", "was not provided", list(settings.open311_jurisdictions))
            raise InvalidInput("The jurisdiction_id was not provided.", [problem])
        return
    if served and given.lower() not in served:
        raise NotFound("The jurisdiction_id was not found.")


def wants_chinese(request: Request) -> bool:
    """Whether the client's first language is Chinese."""
    best, weight = "", 0.0
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        tag, _, parameters = part.partition(";")
        value = _number(parameters.strip().removeprefix("q=") or "1")
        if value is not None and value > weight:
            best, weight = tag.strip().lower(), value
    return best.split("-")[0] == "zh"


def is_extended(query: Query) -> bool:
    return (query.one("extensions") or "").lower() in _YES


def list_wanted(query: Query, now: datetime, zone: ZoneInfo) -> ListWanted:
    """Read the filters of GET requests. Numbers of requests override all others. Raises InvalidInput."""
    numbers = query.many("service_request_id")
    extended = is_extended(query)
    if numbers is not None:
        plain = [normalise_receipt_number(number) for number in numbers[: open311.MOST_REQUESTS]]
        return ListWanted(RequestFilter((), receipt_numbers=plain), extended=extended)
    start, end = open311.window_of(_moment(query, "start_date", zone), _moment(query, "end_date", zone, ends=True), now)
    size = _whole(query, "page_size", 1, None, open311.MOST_REQUESTS)
    limit = min(size, open311.MOST_REQUESTS)
    wanted = RequestFilter(
        codes=(),
        requested_from=start,
        requested_to=end,
        updated_from=_moment(query, "updated_after", zone),
        updated_to=_moment(query, "updated_before", zone, ends=True),
        statuses=_statuses(query),
        box=_box(query),
        circle=_circle(query),
        text=_text(query),
    )
    offset = (_whole(query, "page", 1, MOST_PAGES, 1) - 1) * limit
    return ListWanted(wanted, query.many("service_code"), limit=limit, offset=offset, extended=extended)


def _text(query: Query) -> str | None:
    text = query.one("q")
    if text is not None and (len(text) > _LONGEST_TEXT or not texts.is_clean(text)):
        raise _refuse("q", f"must be a text of at most {_LONGEST_TEXT} characters")
    return text


def _refuse(name: str, message: str) -> InvalidInput:
    return InvalidInput("Some arguments are not valid.", [FieldProblem(f"/{name}", message)])


def _moment(query: Query, name: str, zone: ZoneInfo, *, ends: bool = False) -> datetime | None:
    text = query.one(name)
    if text is None:
        return None
    moment = open311.parse_moment(text, zone, ends=ends)
    if moment is None:
        raise _refuse(name, "is no date and time as in 2010-01-01T00:00:00Z")
    return moment


def _statuses(query: Query) -> Sequence[AppealStatus] | None:
    names = query.many("status")
    if names is None:
        return None
    unknown = [name for name in names if name.lower() not in _STATES]
    if unknown:
        raise _refuse("status", "must be open or closed")
    return [status for name in {name.lower() for name in names} for status in _STATES[name]]


def _whole(query: Query, name: str, least: int, most: int | None, default: int) -> int:
    text = query.one(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise _refuse(name, "must be a whole number")
    value = int(text)
    if value < least or (most is not None and value > most):
        raise _refuse(name, f"must be at least {least}" + (f" and at most {most}" if most is not None else ""))
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def degrees(query: Query, name: str) -> float | None:
    """Read lat or long. Raises InvalidInput when it is not a number."""
    text = query.one(name)
    if text is None:
        return None
    value = _number(text)
    if value is None:
        raise _refuse(name, "must be a number of degrees")
    return value


def _circle(query: Query) -> Circle | None:
    """Read lat, long and radius; without a radius they only say where the client is, as some clients always do."""
    latitude, longitude, text = degrees(query, "lat"), degrees(query, "long"), query.one("radius")
    if text is None:
        return None
    radius = _number(text)
    if radius is None or not 0 < radius <= _LARGEST_RADIUS:
        raise _refuse("radius", f"must be metres, at most {_LARGEST_RADIUS:.0f}")
    if latitude is None or longitude is None:
        raise _refuse("radius", "needs lat and long")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise _refuse("lat and long", "must be a point on earth")
    return Circle(longitude, latitude, radius)


def _box(query: Query) -> Box | None:
    parts = query.many("bbox")
    if parts is None:
        return None
    numbers = [_number(part) for part in (query.one("bbox") or "").split(",")]
    bounds = [number for number in numbers if number is not None]
    if len(bounds) != len(numbers) or len(bounds) != 4:
        raise _refuse("bbox", "must be west,south,east,north in degrees")
    return Box(*bounds)
