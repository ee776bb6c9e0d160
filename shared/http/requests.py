"""A request as services read it: interesting headers found once, the body counted as it arrives, JSON read strictly."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from shared.http.problems import UnstorableTextError
from shared.http.text import holds_nul

_HEADERS_KEY: Final = "minqing.headers"
_WANTED: Final = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"x-request-id",
        b"traceparent",
        b"origin",
        b"access-control-request-method",
    }
)
_LONGEST_LENGTH: Final = 18
_MOST_DISCARDED: Final = 32 * 1024 * 1024
_DISCARD_SECONDS: Final = 10.0


def known_headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers that every request is asked about, collected in one pass; of a repeated one the last."""
    found: dict[bytes, bytes] | None = scope.get(_HEADERS_KEY)
    if found is None:
        found = scope[_HEADERS_KEY] = {name: value for name, value in scope["headers"] if name in _WANTED}
    return found


def header_of(scope: Scope, name: bytes) -> str | None:
    value = known_headers(scope).get(name)
    return None if value is None else value.decode("latin-1")


class BoundedRequest(Request):
    """A request that refuses a body over `limit` bytes (413), by its declared length or while it streams."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        super().__init__(scope, receive)
        self._limit = limit

    def check_length(self) -> None:
        """Refuse by the declared length. Raises HTTPException 400 or 413."""
        length = known_headers(self.scope).get(b"content-length")
        if length is not None:
            if not length.isdigit():
                raise HTTPException(400)
            if len(length) > _LONGEST_LENGTH or int(length) > self._limit:
                raise HTTPException(413)

    async def bound(self, limit: int) -> None:
        """Bound the body by `limit` too, once its type is known. Raises HTTPException 400 or 413."""
        self._limit = min(self._limit, limit)
        try:
            self.check_length()
        except HTTPException:
            await discard_body(self._receive)
            raise

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            message = await self._receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                self._stream_consumed = True
                whole: bytes = message.get("body", b"")
                self._check(len(whole))
                self._body = whole
            else:
                self._body = await self._rest(message)
        return self._body

    async def _rest(self, message: Any) -> bytes:
        chunks = bytearray()
        while True:
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks += message.get("body", b"")
            self._check(len(chunks))
            if not message.get("more_body", False):
                self._stream_consumed = True
                return bytes(chunks)
            message = await self._receive()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            self._check(received)
            yield chunk

    async def json(self) -> Any:
        """Parse strictly: no NaN, no lone surrogate, no invalid UTF-8; and refuse what no database can hold."""
        if not hasattr(self, "_json"):
            body = await self.body()
            self._json = orjson.loads(body)
            if b"\\u0000" in body and holds_nul(self._json):
                raise UnstorableTextError
        return self._json

    def _check(self, received: int) -> None:
        if received > self._limit:
            raise HTTPException(413)


async def require_json(request: BoundedRequest) -> None:
    """Refuse a body that is not declared as JSON (415); an absent one is left to validation."""
    kind = known_headers(request.scope).get(b"content-type")
    if kind == b"application/json":
        return
    essence = (kind or b"").partition(b";")[0].strip().lower()
    if essence == b"application/json" or (essence.startswith(b"application/") and essence.endswith(b"+json")):
        return
    if await request.body():
        raise HTTPException(415)


async def discard_body(receive: Receive) -> None:
    """Read a refused body to its end, within bounds, so that its sender gets to read the answer.

    Closing at once would reset the connection of a client that is still sending, and the problem would be lost.
    """
    discarded = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while discarded < _MOST_DISCARDED:
                message = await receive()
                discarded += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return


async def discard_rest(request: Request) -> None:
    """Read what has not arrived yet of a refused body, as discard_body does; nothing once all of it was read.

    Asking for more then would wait for a client that waits for the answer.
    """
    if not request._stream_consumed:
        await discard_body(request.receive)


def require_media_type(request: Request, wanted: str) -> dict[str, str]:
    """Refuse a body of another declared type (415); return the parameters of the type, names in lower case."""
    essence, *parameters = (header_of(request.scope, b"content-type") or "").split(";")
    if essence.strip().lower() != wanted:
        raise HTTPException(415)
    pairs = (parameter.partition("=") for parameter in parameters)
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
