"""Keeps a set of child processes running: a child that dies is started again, sooner the longer it had lived."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.process import last_line
from deploy.errors import StackError
from deploy.forking import ForkedProcess, ForkServer

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 15.0
PROVEN_AFTER_SECONDS = 10.0
STOP_PATIENCE_SECONDS = 12.0
LOG_LIMIT_BYTES = 32 * 1024 * 1024
LOG_CHECK_SECONDS = 30.0


@dataclass
class Child:
    """One supervised process. `group` orders the stop: the lowest goes first."""

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    group: int
    process: ForkedProcess | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None

    def start(self, server: ForkServer) -> None:
        self.process = server.launch(
            self.module, self.arguments, name=self.name, environment=self.environment, log=self.log
        )
        self.started_at = time.monotonic()
        self.due_at = None


@dataclass
class Supervisor:
    """Children and what to say when something happens to one of them."""

    server: ForkServer
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    _logs_checked_at: float = 0.0

    def start(self, children: Sequence[Child]) -> None:
        for child in children:
            self.children.append(child)
            child.start(self.server)

    def check_alive(self) -> None:
        """During the start nothing is retried: raise `StackError` for the first child that has ended."""
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                raise StackError(f"{child.name} did not start: {last_line(child.log)} (full log: {child.log})")

    def tick(self) -> bool:
        """Notice who died and start who is due; True when a process id has changed."""
        now = time.monotonic()
        changed = False
        for child in self.children:
            if child.due_at is not None:
                changed |= now >= child.due_at and self._restart(child, now)
            elif child.process is not None and (code := child.process.poll()) is not None:
                self.schedule(child, now, code)
        if now - self._logs_checked_at > LOG_CHECK_SECONDS:
            self._logs_checked_at = now
            for child in self.children:
                trim_log(child.log)
        return changed

    def stop(self) -> None:
        """End everybody, group by group; within a group all at once."""
        for group in sorted({child.group for child in self.children}):
            members = [child.process for child in self.children if child.group == group and child.process is not None]
            for process in members:
                process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_PATIENCE_SECONDS
            for process in members:
                remaining = max(0.1, deadline - time.monotonic())
                try:
                    process.wait(remaining)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait(STOP_PATIENCE_SECONDS)
        self.children.clear()

    def _restart(self, child: Child, now: float) -> bool:
        try:
            child.start(self.server)
        except StackError as error:
            self.say(str(error))
            self.schedule(child, now, -signal.SIGTERM)
            return False
        return True

    def schedule(self, child: Child, now: float, code: int) -> None:
        """A child that had proven itself comes back almost at once; one that keeps dying waits ever longer."""
        if now - child.started_at >= PROVEN_AFTER_SECONDS:
            child.pause = FIRST_PAUSE_SECONDS
        child.due_at = now + child.pause
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        self.say(f"{child.name} {ended}; starting it again in {child.pause:.1f} s (log: {child.log})")
        child.pause = min(child.pause * 2, LONGEST_PAUSE_SECONDS)


def trim_log(log: Path) -> None:
    """Keep one older copy of a log that has grown too long; whoever appends to it goes on at the start."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
