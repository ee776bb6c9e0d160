"""multipart/form-data read as it arrives: part by part, block by block, never a body in memory or in a plain file.

Starlette's `request.form()` would take the whole body into temporary files before anybody looks at its first byte.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

_MOST_HEADERS: Final = 8
_LONGEST_HEADER: Final = 4_096
_LONGEST_BOUNDARY: Final = 70
_IDLE_SECONDS: Final = 60.0


@dataclass(slots=True)
class Part:
    """The head of one part; `file_name` is None for a plain field. Header names are in lower case."""

    name: str
    file_name: str | None
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """A piece of the part that began last, as large as it came."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part that began last is complete."""


Event = Part | PartData | PartEnd


async def read_multipart(
    request: Request,
    *,
    most_bytes: int,
    idle_seconds: float = _IDLE_SECONDS,
    watch: Callable[[bytes], None] = lambda _chunk: None,
) -> AsyncIterator[Event]:
    """Yield what a multipart body holds, in its order; `watch` sees the body as it is.

    Raises HTTPException: 415 for another type, 400 for a malformed or cut-off body, 408 when nothing arrives for
    `idle_seconds`, 413 over `most_bytes`, by the declared length or while it streams.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:18]) > most_bytes:
        raise HTTPException(413)
    received = 0
    collector = _Collector(_boundary_of(request))
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise HTTPException(408) from None
        if chunk is None:
            break
        received += len(chunk)
        if received > most_bytes:
            raise HTTPException(413)
        watch(chunk)
        for event in collector.feed(chunk):
            yield event
    if not collector.is_complete:
        raise HTTPException(400)


def _boundary_of(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise HTTPException(415)
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise HTTPException(400)
    return boundary


@dataclass(slots=True)
class _Collector:
    """Turns the parser's calls into events."""

    boundary: bytes
    is_complete: bool = False
    _events: list[Event] = field(default_factory=list)
    _headers: dict[str, str] = field(default_factory=dict)
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _parser: Any = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Parse a piece. Raises HTTPException 400."""
        if self._parser is None:
            self._parser = self._new_parser()
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise HTTPException(400) from None
        events, self._events = self._events, []
        return events

    def _new_parser(self) -> MultipartParser:
        return MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._on_name,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_data,
                "on_part_end": lambda: self._events.append(PartEnd()),
                "on_end": self._on_end,
            },
            max_header_count=_MOST_HEADERS,
            max_header_size=_LONGEST_HEADER,
        )

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.decode("latin-1").strip().lower()] = self._value.decode("utf-8", "replace").strip()
        self._name.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        # the library reads the parameters as latin-1; browsers send UTF-8 (RFC 7578 section 5.1)
        disposition = self._headers.get("content-disposition", "").encode().decode("latin-1")
        kind, options = parse_options_header(disposition)
        if kind != b"form-data" or b"name" not in options:
            raise HTTPException(400)
        file_name = options.get(b"filename")
        self._events.append(
            Part(
                options[b"name"].decode("utf-8", "replace"),
                None if file_name is None else file_name.decode("utf-8", "replace"),
                dict(self._headers),
            )
        )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(data[start:end]))

    def _on_end(self) -> None:
        self.is_complete = True
