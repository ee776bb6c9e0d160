"""Text, times and models as they may enter: normalised, bounded, nothing that a database or a screen chokes on.

Use as `title: Annotated[str, Line(200)]`, `description: Annotated[str, Paragraph(5000)]`, `occurred_at: Moment`.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_LINE_FORBIDS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_PARAGRAPH_FORBIDS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_PATTERN: Final = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
_PARAGRAPH_PATTERN: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
_SOME_TEXT: Final = r"\S"
_RAW_ALLOWANCE: Final = 4
_RFC_3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2199


@dataclass(frozen=True, slots=True)
class _Text:
    """Strips, normalises to NFC, refuses control characters and lone surrogates, bounds the length in characters."""

    max_length: int
    min_length: int = 1

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        raw = core_schema.str_schema(max_length=self.max_length * _RAW_ALLOWANCE + 1_000, strict=True)
        return core_schema.no_info_after_validator_function(self._clean, raw)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "maxLength": self.max_length}
        if self.min_length:
            schema["minLength"] = self.min_length
            schema["allOf"] = [{"pattern": _SOME_TEXT}, {"pattern": self._pattern()}]
        else:
            schema["pattern"] = self._pattern()
        return schema

    def _pattern(self) -> str:
        raise NotImplementedError

    def _forbidden(self) -> re.Pattern[str]:
        raise NotImplementedError

    def _clean(self, text: str) -> str:
        text = text.strip()
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if not text.isprintable() and self._forbidden().search(text):
            raise PydanticCustomError("text_characters", "contains control characters or is not valid Unicode")
        if len(text) > self.max_length:
            raise PydanticCustomError(
                "text_too_long", "is longer than {max_length} characters", {"max_length": self.max_length}
            )
        if len(text) < self.min_length:
            raise PydanticCustomError(
                "text_too_short", "needs at least {min_length} characters", {"min_length": self.min_length}
            )
        return text


class Line(_Text):
    """One line of text: no line breaks."""

    __slots__ = ()

    def _pattern(self) -> str:
        return _LINE_PATTERN

    def _forbidden(self) -> re.Pattern[str]:
        return _LINE_FORBIDS


class Paragraph(_Text):
    """Text of several lines; line ends become `\\n`."""

    __slots__ = ()

    def _pattern(self) -> str:
        return _PARAGRAPH_PATTERN

    def _forbidden(self) -> re.Pattern[str]:
        return _PARAGRAPH_FORBIDS

    def _clean(self, text: str) -> str:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return _Text._clean(self, text)


def _only_rfc_3339(value: Any) -> Any:
    """A number would be read as seconds since 1970; a date would get an invented time."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "must be an RFC 3339 date-time with an offset")


def _sane_utc(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise PydanticCustomError(
            "moment_out_of_range",
            "must lie between the years {first} and {last}",
            {"first": _FIRST_YEAR, "last": _LAST_YEAR},
        )
    return moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_only_rfc_3339),
    AfterValidator(_sane_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-02T09:30:00+08:00"]}),
]
"""An instant: RFC 3339 with an offset, kept in UTC."""


_LARGEST_EXACT: Final = float(1 << 53)
_STRICT_KINDS: Final = frozenset({"int", "float", "bool", "str"})


def _whole_number(value: Any) -> Any:
    """JSON knows one kind of number: to JSON Schema 5.0 is the integer 5. Beyond 53 bits a float is no exact one."""
    is_exact = isinstance(value, float) and abs(value) <= _LARGEST_EXACT and value.is_integer()
    return int(value) if is_exact else value


def _make_numbers_strict(schema: Any) -> None:
    """Walk a core schema and make its scalar parts strict; models inside have done it themselves."""
    if isinstance(schema, list | tuple):
        for part in schema:
            _make_numbers_strict(part)
        return
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    # among a model's fields `type` may be the name of one, and then holds a schema itself
    if isinstance(kind, str) and kind in _STRICT_KINDS:
        schema["strict"] = True
    if kind == "int":
        exact = dict(schema)
        schema.clear()
        schema.update(core_schema.no_info_before_validator_function(_whole_number, exact))
        return
    for key, part in schema.items():
        if key not in {"metadata", "serialization", "config", "ref", "cls"}:
            _make_numbers_strict(part)


class Input(BaseModel):
    """Base of what clients send: unknown fields refused, numbers and booleans never guessed from strings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _make_numbers_strict(schema)
        return schema


class Output(BaseModel):
    """Base of what services answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def holds_nul(value: Any) -> bool:
    """True when any text inside a JSON value, keys included, holds U+0000, which PostgreSQL cannot store."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            if "\x00" in part:
                return True
        elif isinstance(part, dict):
            stack.extend(part.keys())
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return False
