"""A part of an API whose clients follow a foreign standard: its paths are read, and its errors told, in their words.

A dialect stands at the edge of the application, so that every answer passes it, whoever made it: a route, a guard, the
framework for a path or method it does not know, the last resort for what nobody foresaw.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson
from starlette.types import Message, Scope, Send

from shared.http.problems import PROBLEM_TYPE


class Dialect(Protocol):
    """What is different below the paths that are its own."""

    def owns(self, path: str) -> bool:
        """Whether a path is this dialect's. Asked for every request: it must be cheap."""
        ...

    def enter(self, scope: Scope) -> None:
        """Bring a request into the form that routes know: path and method may be replaced in the scope."""
        ...

    def tell(self, scope: Scope, status: int, problem: Mapping[str, Any]) -> tuple[int, bytes, bytes]:
        """Return status, content type and body for a problem document."""
        ...

    def status_of(self, status: int) -> int:
        """Return the status that is answered where a problem has this one."""
        ...

    def error_content(self) -> Mapping[str, Any]:
        """Return the OpenAPI description of what `tell` writes: a schema by media type."""
        ...

    def security_schemes(self) -> Mapping[str, Any]:
        """Return how a caller may say who it is, besides a bearer credential, by the names that routes use."""
        ...


def describe_dialects(document: Mapping[str, Any], dialects: Sequence[Dialect]) -> None:
    """Let an OpenAPI document tell, for the paths of a dialect, the statuses and errors that are answered there."""
    for known in dialects:
        document["components"]["securitySchemes"].update(known.security_schemes())
    for path, item in document.get("paths", {}).items():
        dialect = next((known for known in dialects if known.owns(path)), None)
        if dialect is None:
            continue
        for operation in item.values():
            told: dict[str, Any] = {}
            for status, response in operation["responses"].items():
                if not status.startswith(("4", "5")):
                    told[status] = response
                    continue
                shown = str(dialect.status_of(int(status)))
                told.setdefault(shown, {**response, "content": dict(dialect.error_content())})
            operation["responses"] = told


class Interpreter:
    """The `send` of one request under a dialect: holds back a problem document and sends it in the dialect's words.

    The request's own method is restored before anything is sent, so that the server still knows a HEAD for what it is.
    """

    def __init__(self, dialect: Dialect, scope: Scope, send: Send) -> None:
        self._dialect = dialect
        self._scope = scope
        self._send = send
        self._method = scope["method"]
        self._held: Message | None = None
        self._body = b""
        dialect.enter(scope)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._scope["method"] = self._method
            if _is_problem(message):
                self._held = message
                return
        if self._held is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._tell(self._held)

    async def _tell(self, start: Message) -> None:
        status, kind, body = self._dialect.tell(self._scope, start["status"], orjson.loads(self._body))
        kept = [(name, value) for name, value in start["headers"] if name not in {b"content-type", b"content-length"}]
        headers = [*kept, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
        self._held = None
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _is_problem(message: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(PROBLEM_TYPE.encode()) for name, value in message["headers"]
    )
