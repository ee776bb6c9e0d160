"""A load generator that costs little itself: HTTP/1.1 over kept connections, requests prepared as bytes.

It shares two cores with everything it measures; a full client library would spend more time than some endpoints.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

import orjson

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> object:
        return orjson.loads(self.body)


class Connection(asyncio.Protocol):
    """One kept connection, one request at a time; the server must say `Content-Length`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, base_url: str) -> "Connection":
        parts = urlsplit(base_url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, parts.hostname or "127.0.0.1", parts.port or 80)
        return connection

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def send(self, request: bytes) -> Answer:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the server has closed the connection")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._waiting, TIMEOUT_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._buffer[:head_end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < head_end + 4 + length:
            return
        answer = Answer(int(head[9:12]), bytes(self._buffer[head_end + 4 : head_end + 4 + length]))
        del self._buffer[: head_end + 4 + length]
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("the server has closed the connection"))


def request_bytes(method: str, path: str, key: str | None = None, body: object = None, extra: str = "") -> bytes:
    """One whole request. `extra` are further header lines, each ending in CRLF."""
    content = b"" if body is None else orjson.dumps(body)
    authorization = "" if key is None else f"Authorization: Bearer {key}\r\n"
    kind = "" if body is None else "Content-Type: application/json\r\n"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{authorization}{kind}{extra}Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load found: answers per second, and how long each took."""

    seconds: float
    latencies: Sequence[float]
    unexpected: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent where, and what answer is right; `on_answer` sees each one."""

    base_url: str
    make_request: Callable[[], bytes]
    expected: int
    on_answer: Callable[[Answer], None] = lambda _: None


async def closed_loop(load: Load, *, connections: int, seconds: float) -> LoadResult:
    """Each connection sends its next request as soon as the last is answered: how much goes through at all."""
    latencies: list[float] = []
    unexpected = 0
    end = time.perf_counter() + seconds

    async def work() -> None:
        nonlocal unexpected
        async with await Connection.open(load.base_url) as connection:
            while (began := time.perf_counter()) < end:
                answer = await connection.send(load.make_request())
                latencies.append(time.perf_counter() - began)
                unexpected += answer.status != load.expected
                load.on_answer(answer)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return LoadResult(time.perf_counter() - began, latencies, unexpected)


async def paced_loop(load: Load, *, per_second: float, seconds: float, connections: int = 32) -> LoadResult:
    """Requests are due at a steady rate whether or not earlier ones are answered; lateness counts as latency."""
    latencies: list[float] = []
    unexpected = 0
    due: asyncio.Queue[float | None] = asyncio.Queue()

    async def work() -> None:
        nonlocal unexpected
        async with await Connection.open(load.base_url) as connection:
            while (wanted := await due.get()) is not None:
                answer = await connection.send(load.make_request())
                latencies.append(time.perf_counter() - wanted)
                unexpected += answer.status != load.expected
                load.on_answer(answer)

    workers = [asyncio.create_task(work()) for _ in range(connections)]
    began = time.perf_counter()
    for number in range(int(per_second * seconds)):
        wanted = began + number / per_second
        if (pause := wanted - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        due.put_nowait(wanted)
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return LoadResult(time.perf_counter() - began, latencies, unexpected)
