"""How GeoReport v2 clients knock: the format in the suffix, many spellings, errors told in their words."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import Request
from starlette.types import Scope

from services.intake.api.open311.documents import Format, render

PREFIX: Final = "/open311/v2"
_ROOT: Final = "/open311"
_FORMAT_KEY: Final = "minqing.open311.format"
_SUFFIX: Final = re.compile(r"(.+)\.(json|xml)", re.IGNORECASE | re.DOTALL)
_LONGEST_QUERY: Final = 8_192

# What this API's paths are called by some clients.
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "service": "services",
    "request": "requests",
    "token": "tokens",
    "": "discovery",
}

# The specification knows 404 for what is not there, 403 for a wrong key and 400 for all else that a client did wrong;
# what tells a client to try again, or by another method, keeps its own status.
_KEPT: Final = frozenset({403, 404, 405, 408, 409, 413, 416, 429})

_ERRORS: Final[Mapping[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": {"type": "string"}},
    },
}

_FIELD_NAMES: Final[Mapping[str, str]] = {
    "/category_code": "service_code",
    "/location": "lat and long",
    "/location/longitude": "long",
    "/location/latitude": "lat",
    "/location/address": "address_string",
    "/location/grid_code": "address_id",
    "/file": "media",
    "/reporter/phone": "phone",
    "/reporter/email": "email",
    "/reporter/name": "first_name and last_name",
}


class GeoReportDialect:
    """Lets routes know one spelling of each path and no suffix; tells every error as the specification wants it."""

    def owns(self, path: str) -> bool:
        return path[: len(_ROOT)].lower() == _ROOT and path[len(_ROOT) : len(_ROOT) + 1] in {"", "/"}

    def enter(self, scope: Scope) -> None:
        """Take the format off the path, and bring path and method into the form that routes know."""
        path, suffix = _without_suffix(scope["path"])
        scope["path"] = _canonical(path)
        scope[_FORMAT_KEY] = suffix or _asked_for(scope)
        if scope["method"] == "HEAD":
            scope["method"] = "GET"

    def tell(self, scope: Scope, status: int, problem: Mapping[str, Any]) -> tuple[int, bytes, bytes]:
        """Write a problem document as the specification's list of errors."""
        shown = self.status_of(status)
        errors = [{"code": shown, "description": text} for text in _descriptions(shown, problem)]
        kind: Format = scope.get(_FORMAT_KEY, Format.JSON)
        return shown, kind.content_type.encode(), render(kind, "errors", errors)

    def status_of(self, status: int) -> int:
        """Return the specification's status for one of ours."""
        if status == 401:
            return 403
        return status if status in _KEPT or status >= 500 else 400

    def error_content(self) -> Mapping[str, Any]:
        """Return how the specification's list of errors is described."""
        return {"application/json": {"schema": _ERRORS}, "text/xml": {"schema": {"type": "string"}}}

    def security_schemes(self) -> Mapping[str, Any]:
        """Return the standard's own way, as published clients use it."""
        where = "Also a field of the form or the JSON body."
        return {"api_key": {"type": "apiKey", "name": "api_key", "in": "query", "description": where}}


def format_of(request: Request) -> Format:
    """Return how the client wants its answer written."""
    kind: Format = request.scope.get(_FORMAT_KEY, Format.JSON)
    return kind


def _without_suffix(path: str) -> tuple[str, Format | None]:
    path = path.rstrip("/")
    match = _SUFFIX.fullmatch(path)
    if match is None or match[1].endswith("/"):
        return path, None
    return match[1], Format(match[2].lower())


def _canonical(path: str) -> str:
    parts = [part for part in path.split("/") if part][1:]
    if parts and parts[0].lower() == "v2":
        parts = parts[1:]
    elif parts and parts[0].lower() != "discovery":
        return path
    resource = parts[0].lower() if parts else ""
    return "/".join((PREFIX, _OTHER_NAMES.get(resource, resource), *parts[1:]))


def _asked_for(scope: Scope) -> Format:
    """Read the format from the query or the Accept header; JSON where neither says."""
    query = parse_qs(scope["query_string"][:_LONGEST_QUERY].decode("latin-1"))
    named = query.get("format", [""])[0].lower()
    if named in set(Format):
        return Format(named)
    accepted = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
    weights = dict(_weights(accepted))
    xml = max(weights.get("text/xml", 0.0), weights.get("application/xml", 0.0))
    json = max(weights.get("application/json", 0.0), weights.get("text/json", 0.0), weights.get("*/*", 0.0))
    return Format.XML if xml > json else Format.JSON


def _weights(accepted: str) -> Iterator[tuple[str, float]]:
    for part in accepted.split(","):
        kind, _, parameters = part.partition(";")
        match = re.search(r"q\s*=\s*([01](?:\.\d+)?)", parameters)
        yield kind.strip().lower(), float(match[1]) if match else 1.0


def _descriptions(status: int, problem: Mapping[str, Any]) -> Iterator[str]:
    found = problem.get("errors") or []
    for error in found:
        field = error["field"]
        name = _FIELD_NAMES.get(field) or field.lstrip("/")
        yield f"{name}: {error['message']}" if name else error["message"]
    if found:
        return
    if problem["code"] == "unauthenticated":
        yield "A valid api_key is needed, and none was given or the one given is not valid."
    elif problem["code"] == "forbidden":
        yield "The api_key is not allowed to create requests."
    elif status == 404 and not problem.get("detail"):
        yield "There is no such resource."
    else:
        yield problem.get("detail") or problem["title"]
