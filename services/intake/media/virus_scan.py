"""The virus scanner: clamd's INSTREAM over TCP or a Unix socket.

aioclamd, the client that is kept up, knows no Unix sockets and sends 1 KiB at a time through a thread; the protocol is
four lines, so they are written here.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import structlog

from services.intake.domain.attachments import InfectedFile, Scan
from shared.errors import Unavailable

log = structlog.get_logger(__name__)

_LONGEST_REPLY: Final = 4_096


class VirusScanner:
    """Asks one clamd: `tcp://host:port` or `unix:///path`. When it is away nothing is taken, if it `is_required`."""

    def __init__(self, url: str, *, is_required: bool = True, timeout_seconds: float = 60.0) -> None:
        self._place = urlsplit(url)
        self._is_required = is_required
        self._timeout = timeout_seconds

    async def scan(self, pieces: AsyncIterator[bytes]) -> Scan:
        """Have a file scanned while it is read. Raises InfectedFile, or Unavailable when the scanner is away."""
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._ask(pieces)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            return self._away(type(error).__name__)
        if reply == "stream: OK":
            return Scan.CLEAN
        if reply.endswith(" FOUND"):
            log.warning("attachments.infected", found=reply.removeprefix("stream: ").removesuffix(" FOUND"))
            raise InfectedFile
        return self._away(reply[:100])

    def _away(self, why: str) -> Scan:
        log.error("attachments.scanner_away", why=why, required=self._is_required)
        if self._is_required:
            raise Unavailable("The virus scanner does not answer; nothing was stored.", retry_after_seconds=30)
        return Scan.NOT_SCANNED

    async def _ask(self, pieces: AsyncIterator[bytes]) -> str:
        if self._place.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(self._place.path, limit=_LONGEST_REPLY)
        else:
            host, port = self._place.hostname or "", self._place.port or 0
            reader, writer = await asyncio.open_connection(host, port, limit=_LONGEST_REPLY)
        try:
            await _send(writer, pieces)
            reply = await reader.readuntil(b"\x00")
        finally:
            writer.close()
        return reply.rstrip(b"\x00").decode("utf-8", "replace").strip()


async def _send(writer: asyncio.StreamWriter, pieces: AsyncIterator[bytes]) -> None:
    """A scanner that has had enough answers and hangs up before the end; its answer is still to be read."""
    try:
        writer.write(b"zINSTREAM\x00")
        async for piece in pieces:
            writer.write(len(piece).to_bytes(4, "big") + piece)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
    except (ConnectionResetError, BrokenPipeError):
        return
