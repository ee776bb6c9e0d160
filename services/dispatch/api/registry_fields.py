"""Fields and dependencies that the registry's endpoints share."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Path, Request
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.dispatch.reference import ReferenceCache
from shared.db.cursors import decode_cursor, encode_cursor

CODE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,39}$"
GRID_PATTERN: Final = r"^[0-9]{6}([0-9]{3}){0,4}$"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]
GridCode = Annotated[str, StringConstraints(pattern=GRID_PATTERN, max_length=18)]
PathCode = Annotated[str, Path(alias="code", pattern=CODE_PATTERN, description="The entry's code.")]
PathGridCode = Annotated[
    str, Path(alias="code", pattern=GRID_PATTERN, max_length=18, description="6, 9, 12, 15 or 18 digits.")
]


def _only_text(value: Any) -> Any:
    """A number would be read as days since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise PydanticCustomError("date_parsing", "must be an RFC 3339 date")


def _sane(day: date) -> date:
    if not 1900 <= day.year <= 2199:
        raise PydanticCustomError("date_out_of_range", "must lie between the years 1900 and 2199")
    return day


Day = Annotated[
    date,
    BeforeValidator(_only_text),
    AfterValidator(_sane),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-10-01"]}),
]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, WGS-84.")]
# wider than the earth, so that swapped coordinates are answered with a hint
Latitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, WGS-84.")]


async def get_reference(request: Request) -> ReferenceCache:
    """The process's one cache; made at the first request unless the application brought its own."""
    state = request.app.state
    if getattr(state, "reference", None) is None:
        state.reference = ReferenceCache()
    return cast("ReferenceCache", state.reference)


Reference = Annotated[ReferenceCache, Depends(get_reference)]


def after_code(cursor: str | None) -> str | None:
    """The code a page starts behind. Raises InvalidInput for a foreign cursor."""
    return None if cursor is None else str(decode_cursor(cursor, (str,))[0])


def cut(found: Sequence[Any], limit: int, key: str = "code") -> tuple[Sequence[Any], str | None]:
    """Cut the one row too many that tells whether there is a next page; return the page and its cursor."""
    if len(found) <= limit:
        return found, None
    return found[:limit], encode_cursor(getattr(found[limit - 1], key))
