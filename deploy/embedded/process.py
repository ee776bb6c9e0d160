"""Starting, watching and stopping one child process: what the embedded servers and the service processes share."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 16384
_TELLING = (
    re.compile(r"FATAL|\"level\": ?\"critical\""),
    re.compile(r"^(\w+\.)*\w*(Error|Exception|Exit|Invalid)\b.*:|\[Errno \d+\]"),
)


@dataclass(frozen=True, slots=True)
class RunAs:
    """The system user a server runs as when the stack itself runs as root."""

    uid: int
    gid: int
    keep_search: bool = False


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    run_as: RunAs | None = None,
    death_signal: signal.Signals | None = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that a Ctrl-C in the terminal reaches only the supervisor.

    The child gets `death_signal` when this process dies. The kernel watches the *thread* that started it, so outside
    the main thread no death signal is set: the child would otherwise end with a pool thread.
    """
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
    if death_signal is not None and threading.current_thread() is threading.main_thread():
        launcher += ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal))]
    if run_as is not None:
        launcher += ["--uid", str(run_as.uid), "--gid", str(run_as.gid)]
        if run_as.keep_search:
            launcher.append("--keep-search")
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launcher, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd="/" if run_as is not None else None,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )


def await_ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], *, name: str, log: Path, timeout: float
) -> None:
    """Wait until `is_ready`; raise `StackError` when the process ends first or the time is over."""
    deadline = time.monotonic() + timeout
    while not is_ready():
        if process.poll() is not None:
            raise StackError(f"{name} did not start: {last_line(log)} (full log: {log})")
        if time.monotonic() > deadline:
            raise StackError(f"{name} did not answer within {timeout:.0f} s (log: {log})")
        time.sleep(POLL_SECONDS)


def stop(process: subprocess.Popen[bytes], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn with its patience in seconds, and SIGKILL at last; returns when the process is gone."""
    for signal_number, patience in signals:
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return
    process.kill()
    process.wait()


def last_line(log: Path) -> str:
    """The line of a log's end that tells most why a process has ended: what it called fatal, what was raised, the last.

    A structured log line is told as its event and its error.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "no log"
    if not lines:
        return "it ended without a word"
    for pattern in _TELLING:
        for line in reversed(lines):
            if pattern.search(line):
                return _told(line)
    return _told(lines[-1])


def _told(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict):
        return line
    reason = str(entry.get("exception") or entry.get("error") or "").strip().splitlines()
    return ": ".join([str(entry.get("event", "")), *reason[-1:]])
