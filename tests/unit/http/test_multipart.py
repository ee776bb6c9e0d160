"""Multipart bodies as they arrive: in any pieces the same parts, and nothing without a bound."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Request
from starlette.exceptions import HTTPException

from shared.http.multipart import Event, Part, PartData, PartEnd, read_multipart

FORM = "multipart/form-data; boundary=b"
BODY = (
    b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="\xe7\x85\xa7\xe7\x89\x87.jpg"\r\n'
    b"Content-Type: image/jpeg\r\nContent-Digest: sha-256=:x:\r\n\r\n\r\n--not the end\r\n\r\n--b--\r\n"
)


def request_of(pieces: list[bytes], content_type: str = FORM, **headers: str) -> Request:
    """A request whose body arrives in these pieces, and whose client then falls silent unless the last is empty."""
    waiting = iter(pieces)

    async def receive() -> dict[str, Any]:
        piece = next(waiting, None)
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    named = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


async def events_of(request: Request, **options: Any) -> list[Event]:
    found: AsyncIterator[Event] = read_multipart(request, **{"most_bytes": 10_000, **options})
    return [event async for event in found]


async def refused(request: Request, **options: Any) -> int:
    with pytest.raises(HTTPException) as refusal:
        await events_of(request, **options)
    return refusal.value.status_code


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
async def test_the_parts_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    seen = bytearray()
    pieces = [BODY[start : start + size] for start in range(0, len(BODY), size)]

    events = await events_of(request_of([*pieces, b""]), watch=seen.extend)

    heads = [event for event in events if isinstance(event, Part)]
    assert [(part.name, part.file_name) for part in heads] == [("note", None), ("file", "照片.jpg")]
    assert heads[1].headers["content-digest"] == "sha-256=:x:"
    end = events.index(PartEnd())
    contents = [b"".join(e.data for e in part if isinstance(e, PartData)) for part in (events[:end], events[end:])]
    assert contents == [b"hello", b"\r\n--not the end\r\n"]
    assert bytes(seen) == BODY


async def test_a_declared_length_over_the_bound_is_refused_before_anything_is_read() -> None:
    assert await refused(request_of([], content_length="10001")) == 413


async def test_a_body_over_the_bound_is_refused_while_it_streams() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    assert await refused(request_of([head + b"x" * 6_000, b"x" * 6_000])) == 413


async def test_a_client_that_falls_silent_is_not_waited_for() -> None:
    assert await refused(request_of([BODY[:50]]), idle_seconds=0.01) == 408


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/mixed; boundary=b"])
async def test_another_type_is_refused(content_type: str) -> None:
    assert await refused(request_of([b""], content_type)) == 415


@pytest.mark.parametrize(
    "body",
    [
        BODY[:-20],
        b"",
        b"hello",
        b'--b\r\nContent-Disposition: attachment; name="file"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"X-A: b\r\n" * 9 + b"\r\nx\r\n--b--\r\n",
        b"--b\r\nX-A: " + b"b" * 5_000 + b"\r\n\r\nx\r\n--b--\r\n",
    ],
    ids=["cut off", "empty", "no parts", "other disposition", "no disposition", "many headers", "long header"],
)
async def test_a_malformed_body_is_refused(body: bytes) -> None:
    assert await refused(request_of([body, b""])) == 400


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 71])
async def test_a_boundary_is_needed(boundary: str) -> None:
    assert await refused(request_of([b""], "multipart/form-data" + boundary)) == 400
