"""Opaque keyset cursors: where the next page starts, as a bounded, tamper-evident-by-type text."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from shared.errors import FieldProblem, InvalidInput

R = TypeVar("R", bound=Mapping[str, Any])

MAX_CURSOR_LENGTH = 512
_PARSERS: dict[type, Callable[[Any], Any]] = {}


def _parse_datetime(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment


def _parse_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
        raise ValueError("not a 64-bit integer")
    return value


def _parse_str(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a text")
    return value


_PARSERS.update(
    {datetime: _parse_datetime, int: _parse_int, str: _parse_str, UUID: lambda value: UUID(_parse_str(value))}
)


def encode_cursor(*values: datetime | int | str | UUID) -> str:
    """Return a URL-safe cursor for the sort key of the last row of a page."""
    # The driver's UUID is a subclass, which the encoder leaves to `default`.
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).rstrip(b"=").decode()


def decode_cursor(text: str, types: Sequence[type]) -> tuple[Any, ...]:
    """Return the sort key inside a cursor, each value of the type asked for.

    Raises InvalidInput on anything that `encode_cursor` did not make for these types.
    """
    try:
        if len(text) > MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(types):
            raise ValueError("wrong shape")
        return tuple(_PARSERS[kind](value) for kind, value in zip(types, values, strict=True))
    except (ValueError, TypeError, binascii.Error) as error:
        problem = FieldProblem("cursor", "must be a next_cursor of an earlier page of the same list")
        raise InvalidInput("the cursor is not one of ours", [problem]) from error


def decode_position(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the moment and id after which a page starts, None for the first page.

    Raises InvalidInput for a cursor of another kind of list.
    """
    if cursor is None:
        return None
    moment, id_ = decode_cursor(cursor, (datetime, UUID))
    return moment, id_


def cut_page(found: list[R], limit: int, *, by: str) -> tuple[list[R], str | None]:
    """Return a page of up to `limit` rows and where the next one starts, of `limit` + 1 rows ordered by `by` and id."""
    page = found[:limit]
    return page, encode_cursor(page[-1][by], page[-1]["id"]) if len(found) > limit else None
