"""The whole stack as a person starts it: `minqing run` as a process of its own, with its output and its exit code."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.embedded.process import LAUNCHER
from deploy.free_ports import free_ports
from shared.vocabulary import Service
from tests.support.processes import is_alive

ROOT = Path(__file__).parents[2]
START_TIMEOUT_SECONDS = 90.0
NOBODY = 65534


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """What `minqing` reads, on free ports unless told otherwise; nothing of this process's own settings."""
    ports = free_ports(len(Service))
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MINQING_DATA_DIR": str(data_dir),
        **{f"{service.name}_PORT": str(port) for service, port in zip(Service, ports, strict=True)},
        **more,
    }


def as_ordinary_user() -> list[str]:
    """A prefix that runs a command as `nobody` when the tests run as root, and nothing otherwise.

    The capability to read stays, since the interpreter and this clone may lie below a directory only root may enter;
    writing needs what any ordinary user needs.
    """
    if os.geteuid() != 0:
        return []
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
    return [*launcher, "--uid", str(NOBODY), "--gid", str(NOBODY), "--keep-search", "--"]


def minqing(
    *arguments: str, env: Mapping[str, str], prefix: list[str] | None = None, timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [*(prefix or []), sys.executable, "-m", "deploy.cli", *arguments],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def processes_of(data_dir: Path) -> list[int]:
    """Every living process whose command line or environment names the data directory, but not this one."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.environ().get("MINQING_DATA_DIR", "")]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(data_dir) in word for word in words) and is_alive(process.pid):
            found.append(process.pid)
    return found


@dataclass
class RunningStack:
    """A `minqing run` that was started; use as a context manager so that it never outlives the test."""

    env: dict[str, str]
    prefix: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    seconds_to_ready: float = 0.0
    _process: subprocess.Popen[str] | None = None
    _queue: "queue.Queue[str | None]" = field(default_factory=queue.Queue)

    @property
    def data_dir(self) -> Path:
        return Path(self.env["MINQING_DATA_DIR"])

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the stack was not started"
        return self._process

    def url(self, service: Service) -> str:
        return f"http://127.0.0.1:{self.env[f'{service.name}_PORT']}"

    def keys(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "demo-keys.json").read_text(encoding="utf-8"))
        return found

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text(encoding="utf-8"))
        return found

    def start(self) -> "RunningStack":
        """Start and wait for `ready` on a line of its own."""
        began = time.monotonic()
        self._process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "deploy.cli", "run"],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            remaining = began + START_TIMEOUT_SECONDS - time.monotonic()
            try:
                line = self._queue.get(timeout=max(0.01, remaining))
            except queue.Empty:
                self.stop()
                raise AssertionError(f"no `ready` in time: {self.lines}") from None
            if line is None:
                raise AssertionError(f"the stack ended with {self.process.wait()}: {self.lines}")
            if line == "ready":
                self.seconds_to_ready = time.monotonic() - began
                return self

    def stop(self, signal_number: signal.Signals = signal.SIGINT, *, timeout: float = 30.0) -> int:
        """Send a signal to the supervisor alone and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the stack did not stop within {timeout} s: {self.lines[-5:]}") from None

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def __enter__(self) -> "RunningStack":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()
