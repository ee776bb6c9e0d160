"""The supervisor's side of the fork server: asks for processes and is told when they end."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from deploy.embedded.process import last_line, spawn, stop
from deploy.errors import StackError
from deploy.forkserver import CONTROL_DESCRIPTOR, LARGEST_MESSAGE

START_TIMEOUT_SECONDS = 60.0
GONE_WITH_THE_SERVER = -int(signal.SIGTERM)


class ForkedProcess:
    """A process the fork server has started; asked and told like a `subprocess.Popen`."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self._server = server
        self.pid = pid

    def poll(self) -> int | None:
        """The exit code when it has ended (negative: the signal), else None."""
        return self._server.code_of(self.pid)

    def wait(self, timeout: float) -> int:
        """Raises `subprocess.TimeoutExpired` when it still runs after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            self._server.wait_for_news(min(remaining, 0.2))
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class ForkServer:
    """Runs the fork server and starts it again when it has died. Safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._codes: dict[int, int] = {}
        self._running: set[int] = set()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start importing; returns at once, the first process asked for waits until it is done."""
        with self._lock:
            if self._process is not None and self._process.poll() is None and self._control is not None:
                return
            self._close()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                environment = {**self._environment, CONTROL_DESCRIPTOR: str(theirs.fileno())}
                command = [sys.executable, "-m", "deploy.forkserver"]
                self._process = spawn(command, log=self._log, environment=environment, pass_fds=[theirs.fileno()])
            ours.settimeout(START_TIMEOUT_SECONDS)
            self._control = ours

    def launch(
        self, module: str, arguments: Sequence[str], *, name: str, environment: Mapping[str, str], log: Path
    ) -> ForkedProcess:
        """Run `python -m module arguments` as a fork. Raises StackError when the fork server cannot."""
        request = {
            "name": name,
            "module": module,
            "arguments": list(arguments),
            "environment": dict(environment),
            "log": str(log),
        }
        with self._lock:
            self.start()
            if self._control is None:
                raise StackError("the fork server did not start")
            try:
                self._control.send(json.dumps(request).encode())
                while True:
                    news = self._receive()
                    if news is None:
                        break
                    if "started" in news:
                        self._running.add(news["started"])
                        self._codes.pop(news["started"], None)
                        return ForkedProcess(self, news["started"])
            except OSError:
                pass
            self._close()
            raise StackError(f"processes cannot be started: {last_line(self._log)} (log: {self._log})")

    def code_of(self, pid: int) -> int | None:
        with self._lock:
            self.wait_for_news(0)
            if pid in self._codes:
                return self._codes[pid]
            if pid in self._running:
                return None
        # Started by a fork server that has died: it was sent SIGTERM then, and is gone sooner or later.
        return GONE_WITH_THE_SERVER if not _is_alive(pid) else None

    def wait_for_news(self, timeout: float) -> None:
        """Take in what the server has to tell; waits up to `timeout` seconds for the first of it."""
        with self._lock:
            while self._control is not None:
                self._control.settimeout(timeout or 0.000_001)
                try:
                    if self._receive() is None:
                        self._close()
                        return
                except TimeoutError:
                    return
                except OSError:
                    self._close()
                    return
                finally:
                    if self._control is not None:
                        self._control.settimeout(START_TIMEOUT_SECONDS)
                timeout = 0

    def fileno(self) -> int:
        """For `select`: readable when there is news; -1 when there is no server."""
        return self._control.fileno() if self._control is not None else -1

    def stop(self) -> None:
        """End the server; whoever it has started and still runs is told by the kernel."""
        with self._lock:
            self._close()

    def _receive(self) -> dict[str, Any] | None:
        if self._control is None:
            raise StackError("the fork server is not running")
        message = self._control.recv(LARGEST_MESSAGE)
        if not message:
            return None
        news: dict[str, Any] = json.loads(message)
        if "ended" in news:
            self._running.discard(news["ended"])
            self._codes[news["ended"]] = news["code"]
        return news

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        self._running.clear()
        if self._process is not None:
            stop(self._process, [(signal.SIGTERM, 5.0)])
            self._process = None


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
