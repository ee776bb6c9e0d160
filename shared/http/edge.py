"""The one ASGI layer around a service: request id, trace, security headers, CORS, access log, metrics, last resort.

One layer instead of seven, because each costs a coroutine and a closure per request.
"""

import re
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.dialects import Dialect, Interpreter
from shared.http.problems import problem_of
from shared.http.requests import known_headers
from shared.observability import tracing
from shared.observability.context import WorkContext, enter_work, leave_work
from shared.observability.logging import write_access_line
from shared.observability.metrics import REQUEST_SECONDS, REQUESTS_IN_FLIGHT
from shared.observability.redaction import mask_text

log = structlog.get_logger("access")

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._\-]{7,127}")
_UNMATCHED: Final = "unmatched"
_KNOWN_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),
)
_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_EXPOSED: Final = b"ETag, Location, Retry-After, X-Request-ID, Idempotent-Replayed"
_ALLOWED_HEADERS: Final = b"Authorization, Content-Type, Idempotency-Key, If-Match, X-Access-Code, X-Request-ID"
_ALLOWED_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"


class Edge:
    """Wraps a service. `cors_origins` lists whole origins; `*` allows any, without credentials."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        cors_origins: Sequence[str] = (),
        access_log: bool = True,
        dialects: Sequence[Dialect] = (),
    ) -> None:
        self._app = app
        self._dialects = tuple(dialects)
        self._service = service
        self._origins = frozenset(origin.encode() for origin in cors_origins)
        self._access_log = access_log
        self._in_flight = 0
        REQUESTS_IN_FLIGHT.labels(service).set_function(lambda: self._in_flight)
        self._durations: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = known_headers(scope)
        traceparent = headers.get(b"traceparent")
        parent = tracing.parse_traceparent(traceparent.decode("latin-1")) if traceparent is not None else None
        trace_id, span_id = tracing.new_ids()
        if parent is not None:
            trace_id = parent[0]
        span = tracing.begin_span("http", parent, {}) if tracing.tracing_is_on() else None
        if span is not None:
            trace_id, span_id = tracing.span_ids(span)
        request_id = _accepted_id(headers.get(b"x-request-id")) or trace_id
        token = enter_work(WorkContext(request_id=request_id, trace_id=trace_id, span_id=span_id))
        extra = [(b"x-request-id", request_id.encode()), *self._cors_headers(headers.get(b"origin"))]
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_SECURITY_HEADERS, *extra]
            await send(message)

        deliver = self._interpreted(scope, send_with_headers)
        self._in_flight += 1
        failure: BaseException | None = None
        try:
            if scope["method"] == "OPTIONS" and extra[1:] and b"access-control-request-method" in headers:
                await _answer_preflight(send_with_headers)
            else:
                await self._app(scope, receive, deliver)
        except Exception as error:
            failure = error
            if status:
                log.error("failed_after_start", exc_info=error)
                raise _BrokenResponseError from None
            await problem_of(error)(scope, receive, deliver)
        except BaseException as error:
            failure = error
            raise
        finally:
            self._in_flight -= 1
            self._record(scope, status or 499, time.perf_counter() - started, span, failure)
            leave_work(token)

    def _interpreted(self, scope: Scope, send: Send) -> Send:
        """Return how the application answers: through the dialect of the path, if it has one."""
        for dialect in self._dialects:
            if dialect.owns(scope["path"]):
                return Interpreter(dialect, scope, send)
        return send

    def _record(self, scope: Scope, status: int, seconds: float, span: Any, failure: BaseException | None) -> None:
        """Tell metrics, log and trace about the request; none of them may fail it."""
        try:
            route = route_template(scope)
            method = scope["method"] if scope["method"] in _KNOWN_METHODS else "OTHER"
            key = (route, method, status)
            histogram = self._durations.get(key)
            if histogram is None:
                histogram = REQUEST_SECONDS.labels(self._service, route, method, str(status))
                self._durations[key] = histogram
            histogram.observe(seconds)
            if self._access_log and route not in _QUIET_ROUTES:
                principal = scope.get("minqing.principal")
                write_access_line(
                    method=method,
                    route=route,
                    status=status,
                    duration_ms=round(seconds * 1000, 2),
                    principal=principal.actor if principal is not None and principal.kind == "api_key" else None,
                )
            if span is not None:
                span.update_name(f"{method} {route}")
                attributes = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
                tracing.end_span(span, failure, **attributes)
        except Exception:  # noqa: BLE001, S110
            pass

    def _cors_headers(self, origin: bytes | None) -> tuple[tuple[bytes, bytes], ...]:
        if not self._origins:
            return ()
        if origin is None:
            return ()
        if b"*" in self._origins:
            return ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED))
        if origin not in self._origins:
            return ()
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        )


class _BrokenResponseError(Exception):
    """The response had begun when the application failed: the server must cut the connection."""


def route_template(scope: Scope) -> str:
    """The path template of the route that answered; a fixed word when none did."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else _UNMATCHED


def _accepted_id(given: bytes | None) -> str | None:
    """The caller's request id when it is of a bounded form and does not look like somebody's number."""
    if given is None or not _REQUEST_ID.fullmatch(given):
        return None
    text = given.decode()
    return text if mask_text(text) == text else None


async def _answer_preflight(send: Send) -> None:
    headers = [
        (b"access-control-allow-methods", _ALLOWED_METHODS),
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"access-control-max-age", b"600"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
