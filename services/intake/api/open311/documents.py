"""GeoReport v2 documents, as JSON and as XML from the same values: each list in JSON is an element that holds items."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final
from xml.sax.saxutils import escape

import orjson
from fastapi import Request, Response

_JSON_TYPE: Final = "application/json; charset=utf-8"
_XML_TYPE: Final = "text/xml; charset=utf-8"
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VARY: Final = "Accept, Accept-Language"

# What one item of a list is called; the list itself has the name of the member that holds it.
_ITEMS: Final[Mapping[str, str]] = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "notes": "note",
}


class Format(StrEnum):
    """How a document is written."""

    JSON = "json"
    XML = "xml"

    @property
    def content_type(self) -> str:
        return _XML_TYPE if self is Format.XML else _JSON_TYPE


def render(kind: Format, root: str, content: Any) -> bytes:
    """Write a document. None is a value that is not known: in XML an empty element, in JSON no member at all.

    So that the JSON satisfies both published schemas, of which one knows no null.
    """
    if kind is Format.JSON:
        return orjson.dumps(_known(content))
    parts = [_DECLARATION]
    _write(parts, root, content)
    return "".join(parts).encode()


def answer(request: Request, kind: Format, root: str, content: Any, *, cache: str = "no-cache") -> Response:
    """Answer a GET: with an ETag of what is written, and without a body when the client has that already."""
    body = render(kind, root, content)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": cache, "Vary": _VARY}
    if _is_known(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers={**headers, "Content-Type": kind.content_type})


def _is_known(header: str | None, tag: str) -> bool:
    given = [part.strip().removeprefix("W/") for part in (header or "").split(",")]
    return tag in given or "*" in given


def _known(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _known(value) for name, value in content.items() if value is not None}
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [_known(item) for item in content]
    return content


def _write(parts: list[str], name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        parts.append(f"<{name}>")
        for inner, part in value.items():
            _write(parts, inner, part)
        parts.append(f"</{name}>")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        item_name = _ITEMS[name]
        parts.append(f"<{name}>")
        for item in value:
            _write(parts, item_name, item)
        parts.append(f"</{name}>")
    elif value is None or value == "":
        parts.append(f"<{name}/>")
    else:
        parts.append(f"<{name}>{_text(value)}</{name}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value))
