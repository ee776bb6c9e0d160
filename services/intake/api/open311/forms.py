"""What a client posts: a form, JSON or a multipart form, read into the same fields; and the key it carries along."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from services.intake.api.open311.reading import Query
from services.intake.domain import texts
from shared.errors import FieldProblem, InvalidInput
from shared.http.guards import Guard
from shared.http.multipart import Part, PartData, PartEnd, read_multipart
from shared.http.requests import BoundedRequest, known_headers

LARGEST_FORM: Final = 12 * 1024 * 1024
_MOST_FIELDS: Final = 500
_POSTED_KEY: Final = "minqing.open311.posted"
_ATTRIBUTE: Final = re.compile(r"attributes?\[([^\[\]]*)\](?:\[[0-9]*\])?", re.IGNORECASE)
_TYPE: Final = re.compile(r"[A-Za-z0-9.+\-]{1,60}/[A-Za-z0-9.+\-]{1,60}")
_ANY_TYPE: Final = "application/octet-stream"
_NOT_ASCII: Final = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it came; nothing that its sender says of it is believed."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """The fields of a request: from the body, and from the query where the body does not have them."""

    fields: Query
    attributes: Mapping[str, list[str]]
    files: tuple[SentFile, ...] = ()


@dataclass(slots=True)
class _Parts:
    fields: list[tuple[str, str]] = field(default_factory=list)
    attributes: dict[str, list[str]] = field(default_factory=dict)
    files: list[SentFile] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        match = _ATTRIBUTE.fullmatch(name.strip())
        if match is not None:
            self.attributes.setdefault(match[1].strip(), []).append(value)
        else:
            self.fields.append((name, value))


class ApiKeyGuard(Guard):
    """Lets in whom `require` would: the key stands in form, JSON body, query or Authorization header."""

    async def admit(self, request: Any) -> Any:
        """Return who calls. Raises as Guard.admit does, and HTTPException or InvalidInput for the body."""
        if request.scope.get("minqing.principal") is None:
            key = (await posted(request)).fields.one("api_key")
            if key is not None:
                known_headers(request.scope)[b"authorization"] = b"Bearer " + _NOT_ASCII.sub("?", key).encode()
        return await super().admit(request)


async def posted(request: BoundedRequest) -> Posted:
    """Read what was posted, once per request. Raises HTTPException 400 or 413, InvalidInput."""
    found: Posted | None = request.scope.get(_POSTED_KEY)
    if found is None:
        found = request.scope[_POSTED_KEY] = await _read(request)
    return found


async def _read(request: BoundedRequest) -> Posted:
    kind = (known_headers(request.scope).get(b"content-type") or b"").partition(b";")[0].strip().lower()
    is_multipart = kind == b"multipart/form-data"
    await request.bound(LARGEST_FORM if is_multipart else request.app.state.settings.body_limit_bytes)
    body = await request.body()
    parts = _Parts()
    if is_multipart:
        await _read_multipart(request, parts)
    elif kind.endswith(b"json") or (kind != b"application/x-www-form-urlencoded" and body.lstrip()[:1] == b"{"):
        _read_json(body, parts)
    else:
        for name, value in _pairs(body):
            parts.add(name, value)
    in_body = {name.strip().lower() for name, _ in parts.fields}
    for name, value in request.query_params.multi_items():
        if name.strip().lower() not in in_body:
            parts.add(name, value)
    return Posted(Query(parts.fields), parts.attributes, tuple(parts.files))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise _unreadable("The body cannot be read as a form in UTF-8.") from None


def _read_json(body: bytes, parts: _Parts) -> None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _unreadable("The body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise _unreadable("The body must be a JSON object.")
    for name, value in document.items():
        if name.lower() in {"attribute", "attributes"}:
            for code, text in _answers(value):
                parts.attributes.setdefault(code, []).append(text)
        else:
            for text in _texts(name, value):
                parts.add(name, text)


def _answers(value: Any) -> Iterator[tuple[str, str]]:
    """Yield codes and values of an object by code, or of a list of objects with code and value."""
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
        pairs = [(item.get("code") or item.get("key"), item.get("value")) for item in value]
    elif value is None:
        pairs = ()
    else:
        raise InvalidInput("Some fields are not valid.", [FieldProblem("/attribute", "must be an object by code")])
    for code, answer in pairs:
        for text in _texts(f"attribute[{code}]", answer):
            yield str(code), text


def _texts(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)
    elif isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        for item in value:
            yield from _texts(name, item)
    elif value is not None:
        raise InvalidInput("Some fields are not valid.", [FieldProblem(f"/{name[:64]}", "must be a text or a number")])


async def _read_multipart(request: BoundedRequest, parts: _Parts) -> None:
    part, value, count = Part("", None, {}), bytearray(), 0
    async for event in read_multipart(request, most_bytes=LARGEST_FORM):
        match event:
            case Part():
                part, value, count = event, bytearray(), count + 1
                if count > _MOST_FIELDS:
                    raise _unreadable("The form has too many fields.")
            case PartData(data=data):
                value += data
            case PartEnd():
                _keep(part, bytes(value), parts)


def _keep(part: Part, value: bytes, parts: _Parts) -> None:
    """Keep a field or a file; a file that is empty was not chosen."""
    if part.file_name is None:
        try:
            parts.add(part.name, value.decode())
        except UnicodeDecodeError:
            raise _unreadable("The body cannot be read as a form in UTF-8.") from None
    elif value:
        kind = part.headers.get("content-type", "")
        parts.files.append(SentFile(part.file_name, kind if _TYPE.fullmatch(kind) else _ANY_TYPE, value))


def _unreadable(detail: str) -> InvalidInput:
    return InvalidInput(detail)


def clean(fields: Query, name: str, longest: int, *, lines: bool = False) -> str:
    """Return a field's text, one line unless it may have several. Raises InvalidInput for what cannot be kept."""
    text = (fields.one(name) or "").replace("\r\n", "\n").replace("\r", "\n")
    if not lines:
        text = " ".join(text.split())
    if len(text) > longest:
        raise InvalidInput("A text is too long.", [FieldProblem(f"/{name}", f"is longer than {longest} characters")])
    if not texts.is_clean(text):
        problem = FieldProblem(f"/{name}", "contains control characters or is not valid Unicode")
        raise InvalidInput("A text cannot be kept.", [problem])
    return text
