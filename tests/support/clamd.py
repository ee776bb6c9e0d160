"""A virus scanner on a loopback socket that speaks clamd's INSTREAM: length, bytes, a zero length, then its answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

TEST_VIRUS = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Clamd:
    """What it saw, and how it is to behave."""

    most_bytes: int = 100_000_000
    is_silent: bool = False
    scanned: list[bytes] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._answer(reader)
            if reply is not None:
                writer.write(reply + b"\x00")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes | None:
        if await reader.readexactly(10) != b"zINSTREAM\x00":
            return b"UNKNOWN COMMAND"
        content = bytearray()
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(length)
            if len(content) > self.most_bytes:
                return b"INSTREAM size limit exceeded. ERROR"
        self.scanned.append(bytes(content))
        if self.is_silent:
            return None
        return b"stream: Eicar-Test-Signature FOUND" if TEST_VIRUS in content else b"stream: OK"


@asynccontextmanager
async def running_clamd(socket: Path | None = None) -> AsyncIterator[Clamd]:
    """Run one on a free port, or on a Unix socket."""
    clamd = Clamd()
    if socket is not None:
        server = await asyncio.start_unix_server(clamd.serve, socket)
        clamd.url = f"unix://{socket}"
    else:
        server = await asyncio.start_server(clamd.serve, "127.0.0.1", 0)
        clamd.url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield clamd
