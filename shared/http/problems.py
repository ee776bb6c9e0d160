"""Every error as a problem document (RFC 9457) with a stable `code`; no SQL, no stack, no input is quoted in one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy.exc
import structlog
from asyncpg.exceptions import InterfaceError, PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from shared.db.engine import RetryTransaction, is_database_trouble, sqlstate_of
from shared.errors import (
    Conflict,
    DomainError,
    FieldProblem,
    Forbidden,
    Gone,
    InvalidInput,
    NotFound,
    StaleVersion,
    Unavailable,
)
from shared.http.preconditions import MalformedHeader
from shared.http.rate_limits import TooManyRequests
from shared.identity.principal import Unauthenticated
from shared.observability.context import current_work
from shared.observability.redaction import mask_text

PROBLEM_TYPE: Final = "application/problem+json"

_STATUS_OF: Final[tuple[tuple[type[DomainError], int], ...]] = (
    (MalformedHeader, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Gone, 410),
    (StaleVersion, 412),
    (InvalidInput, 422),
    (TooManyRequests, 429),
    (Unavailable, 503),
)
_OF_FRAMEWORK: Final[Mapping[int, tuple[str, str]]] = {
    400: ("malformed", "The request cannot be read"),
    401: ("unauthenticated", "Authentication is needed"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "The method is not allowed here"),
    406: ("not_acceptable", "No acceptable representation"),
    408: ("request_timeout", "The request took too long to arrive"),
    410: ("gone", "No longer available"),
    411: ("length_required", "A length is required"),
    413: ("body_too_large", "The body is too large"),
    414: ("uri_too_long", "The address is too long"),
    415: ("unsupported_media_type", "The media type is not supported"),
    422: (InvalidInput.code, InvalidInput.title),
    428: ("precondition_required", "A precondition is required"),
    431: ("headers_too_large", "The headers are too large"),
    500: ("internal_error", "The server failed"),
    503: ("unavailable", "Temporarily unavailable"),
}
_TOO_SLOW: Final = frozenset({"57014", "55P03"})  # statement cancelled by its time-out, lock not available in time
_QUOTED: Final = re.compile(r"'([^']*)'")
_MOST_PROBLEMS: Final = 50
_LONGEST_POINTER: Final = 200
_BOUNDS: Final = ("ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of", "pattern", "max_digits")

log = structlog.get_logger(__name__)


class ProblemResponse(Response):
    """A problem document."""

    media_type = PROBLEM_TYPE


class UnstorableTextError(HTTPException):
    """A text somewhere in the body holds U+0000."""

    def __init__(self) -> None:
        super().__init__(422, "A text in the body holds the character U+0000, which cannot be stored.")


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str | None = None,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Build a problem document; `extra` holds its extension members."""
    body: dict[str, Any] = dict(extra or {})
    body |= {"type": f"urn:minqing:problem:{code}", "title": title, "status": status, "code": code}
    if detail:
        body["detail"] = detail
    request_id = current_work().request_id
    if request_id is not None:
        body["request_id"] = request_id
    response = ProblemResponse(orjson.dumps(body, default=str), status_code=status, headers=dict(headers or {}))
    response.headers["Cache-Control"] = "no-store"
    return response


def problem_of(error: Exception) -> ProblemResponse:
    """Map any exception to its problem document; what nobody foresaw is a 500 that says nothing but its request id."""
    if isinstance(error, DomainError):
        return _of_domain(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    if is_dependency_away(error):
        log.warning("dependency_away", error=type(error).__name__, sqlstate=sqlstate_of(error))
        return _of_domain(Unavailable("A dependency cannot be reached at the moment; try again."))
    log.error("unhandled_exception", exc_info=error)
    code, title = _OF_FRAMEWORK[500]
    return problem_response(500, code, title, "The failure is recorded under the request id.")


def is_dependency_away(error: BaseException) -> bool:
    """True when PostgreSQL or Redis was not there, too busy or too slow: trying again later may work."""
    if isinstance(error, RedisError | RetryTransaction) or is_database_trouble(error):
        return True
    return isinstance(error, sqlalchemy.exc.DBAPIError | PostgresError) and sqlstate_of(error) in _TOO_SLOW


def install_problem_handlers(app: FastAPI) -> None:
    """Route every kind of exception through `problem_of`."""

    async def handle(_: Request, error: Exception) -> Response:
        return problem_of(error)

    async def handle_http(request: Request, error: Exception) -> Response:
        response = problem_of(error)
        if isinstance(error, HTTPException) and error.status_code == 405:
            response.headers["Allow"] = ", ".join(allowed_methods(request))
        return response

    app.add_exception_handler(HTTPException, handle_http)
    for kind in (DomainError, RequestValidationError, sqlalchemy.exc.SQLAlchemyError, PostgresError, InterfaceError):
        app.add_exception_handler(kind, handle)
    for kind in (RedisError, RetryTransaction, TimeoutError, OSError):
        app.add_exception_handler(kind, handle)


def allowed_methods(request: Request) -> list[str]:
    """Every method some route offers at this path, not only those of the first route that matched."""
    methods: set[str] = set()
    path = request.url.path
    for route in request.app.router.routes:
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(path) and path not in getattr(route, "written_out", ()):
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods)


def _of_domain(error: DomainError) -> ProblemResponse:
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 422)
    extra: dict[str, Any] = dict(error.extra)
    headers: dict[str, str] = {}
    if isinstance(error, InvalidInput) and error.problems:
        extra["errors"] = [_field(problem) for problem in error.problems[:_MOST_PROBLEMS]]
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, TooManyRequests):
        headers |= error.headers
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = error.challenge
    return problem_response(status, error.code, error.title, error.detail, extra=extra, headers=headers)


def _field(problem: FieldProblem) -> dict[str, Any]:
    field = problem.field if problem.field.startswith("/") or not problem.field else f"/{problem.field}"
    found: dict[str, Any] = {"field": field, "message": problem.message}
    if problem.allowed is not None:
        found["allowed"] = problem.allowed
    return found


def _of_http(error: HTTPException) -> ProblemResponse:
    code, title = _OF_FRAMEWORK.get(error.status_code, ("http_error", "The request cannot be carried out"))
    detail = error.detail if isinstance(error, UnstorableTextError) else None
    return problem_response(error.status_code, code, title, detail, headers=error.headers)


def _of_validation(error: RequestValidationError) -> ProblemResponse:
    found = error.errors()
    if any(item.get("type") == "json_invalid" for item in found):
        _code, title = _OF_FRAMEWORK[400]
        return problem_response(400, "malformed_json", title, "The body is not valid JSON.")
    problems = [_validation_problem(item) for item in found[:_MOST_PROBLEMS]]
    return problem_response(
        422, InvalidInput.code, InvalidInput.title, "Some fields are not valid.", extra={"errors": problems}
    )


def _validation_problem(item: Mapping[str, Any]) -> dict[str, Any]:
    place = [str(part) for part in item.get("loc", ())]
    where = place[0] if place else "body"
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place[1:])
    found: dict[str, Any] = {
        "field": mask_text(pointer)[:_LONGEST_POINTER],
        "in": where,
        "message": _message(item),
    }
    allowed = _allowed(item)
    if allowed is not None:
        found["allowed"] = allowed
    return found


_PLAIN_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "union_tag_invalid": "does not name a known variant",
    "datetime_parsing": "must be an RFC 3339 date-time with an offset",
    "datetime_from_date_parsing": "must be an RFC 3339 date-time with an offset",
    "datetime_object_invalid": "must be an RFC 3339 date-time with an offset",
    "timezone_aware": "must have a time zone offset",
    "date_parsing": "must be an RFC 3339 date",
    "date_from_datetime_parsing": "must be an RFC 3339 date",
    "time_parsing": "must be a time of day",
    "int_parsing": "must be an integer",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "url_parsing": "must be a URL",
    "url_scheme": "has a scheme that is not allowed",
    "string_pattern_mismatch": "does not have the required form",
    "string_unicode": "is not valid Unicode text",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
}


def _message(item: Mapping[str, Any]) -> str:
    """A message that cannot contain what was sent."""
    kind = str(item.get("type", ""))
    plain = _PLAIN_MESSAGES.get(kind)
    if plain is not None:
        return plain
    text = str(item.get("msg", "is not valid")).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return mask_text(text)[:300]


def _allowed(item: Mapping[str, Any]) -> Any:
    context = item.get("ctx")
    if not isinstance(context, Mapping):
        return None
    if "allowed" in context:
        return context["allowed"]
    expected = context.get("expected")
    if isinstance(expected, str) and item.get("type") in {"enum", "literal_error"}:
        return _QUOTED.findall(expected) or expected
    bounds = {key: _plain(context[key]) for key in _BOUNDS if key in context}
    return bounds or None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def problem_schema() -> dict[str, Any]:
    """The JSON schema of a problem document, for the OpenAPI description."""
    text = {"type": "string"}
    field = {
        "type": "object",
        "required": ["field", "message"],
        "properties": {"field": text, "in": text, "message": text, "allowed": {}},
    }
    return {
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": text,
            "status": {"type": "integer"},
            "code": text,
            "detail": text,
            "request_id": text,
            "errors": {"type": "array", "items": field},
        },
    }


def problem_documentation(statuses: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for these statuses, each a problem document; a route passes its own as `responses=`."""
    titles = {409: "Conflict with the present state", 412: "Stale version", 422: "Not valid", 429: "Too many requests"}
    return {
        status: {
            "description": titles.get(status) or _OF_FRAMEWORK.get(status, ("", "Problem"))[1],
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
