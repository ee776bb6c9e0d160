"""The load generator counts every answer once and notices wrong ones, on a real socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.bench.http_load import Answer, Connection, Load, closed_loop, paced_loop, request_bytes

REQUEST = request_bytes("GET", "/", None)


class Server:
    """Answers every request in two pieces, so that readers must wait for the rest."""

    def __init__(self) -> None:
        self.requests = 0
        self.status = 200
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                body = b'{"n": %d}' % self.requests
                writer.write(b"HTTP/1.1 %d X\r\nConTent-LENGTH: %d\r\n\r\n%s" % (self.status, len(body), body[:3]))
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(body[3:])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    listening = await asyncio.start_server(found.handle, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield found


async def test_answers_that_come_in_pieces_are_put_together(server: Server) -> None:
    async with await Connection.open(server.url) as connection:
        first, second = await connection.send(REQUEST), await connection.send(REQUEST)

    assert [(each.status, each.json()) for each in (first, second)] == [(200, {"n": 1}), (200, {"n": 2})]


async def test_a_closed_loop_counts_what_was_answered(server: Server) -> None:
    seen: list[Answer] = []
    result = await closed_loop(Load(server.url, lambda: REQUEST, 200, seen.append), connections=3, seconds=0.3)

    assert len(result.latencies) == server.requests == len(seen) > 0
    assert result.unexpected == 0
    assert result.per_second > 0


async def test_a_paced_loop_sends_as_many_as_are_due(server: Server) -> None:
    result = await paced_loop(Load(server.url, lambda: REQUEST, 200), per_second=100, seconds=0.5)

    assert len(result.latencies) == server.requests == 50
    assert result.seconds >= 0.45


async def test_wrong_answers_are_counted(server: Server) -> None:
    server.status = 503
    result = await paced_loop(Load(server.url, lambda: REQUEST, 200), per_second=100, seconds=0.1)

    assert result.unexpected == 10


async def test_a_server_that_goes_away_is_an_error_and_not_a_hang() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with await Connection.open(url) as connection:
            with pytest.raises(ConnectionError):
                await connection.send(REQUEST)
