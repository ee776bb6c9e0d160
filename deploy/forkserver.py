"""Starts Python processes by forking one that has imported what all of them need (`python -m deploy.forkserver`).

Nine interpreters that each import the same libraries take seconds and hundreds of megabytes; forked, a process is there
in milliseconds and shares those pages. Single-threaded, and without an event loop, so that forking it is safe.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from deploy.embedded.launch import die_with_parent

CONTROL_DESCRIPTOR = "MINQING_FORKSERVER_FD"
LARGEST_MESSAGE = 1 << 20
PR_SET_NAME = 15
# What every process of the system imports anyway; nothing of a single service.
PRELOADED = (
    "uvicorn",
    "uvloop",
    "httptools",
    "fastapi",
    "shared.http.assembly",
    "shared.messaging.process",
)


def main() -> None:
    control = socket.socket(fileno=int(os.environ.pop(CONTROL_DESCRIPTOR)))
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with contextlib.suppress(ConnectionError):
        _serve(control)


def _serve(control: socket.socket) -> None:
    """Fork on request and report who has ended, until the supervisor closes its end."""
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    running: set[int] = set()
    while True:
        ready, _, _ = select.select([control.fileno(), reader], [], [])
        if reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 512)
            _report_ended(control, running)
        if control.fileno() in ready:
            message = control.recv(LARGEST_MESSAGE)
            if not message:
                return
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                os.close(reader)
                os.close(writer)
                control.close()
                _become(json.loads(message), server)
            running.add(pid)
            control.send(json.dumps({"started": pid}).encode())


def _report_ended(control: socket.socket, running: set[int]) -> None:
    for pid in list(running):
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == pid:
                running.discard(pid)
                control.send(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def _become(request: Mapping[str, Any], server: int) -> NoReturn:
    """Be the asked-for module as if started by `python -m`, in a session, with a log and an environment of its own.

    `server` is the fork server's process id, noted before the fork: it may be dead by now, and then so shall we be.
    """
    code = 1
    try:
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        die_with_parent(server, signal.SIGTERM)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        _name_process(request["name"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = [request["module"], *request["arguments"]]
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as leaving:
        code = _exit_code(leaving)
    except BaseException:  # noqa: BLE001 - the last thing this process does is to say why
        traceback.print_exc()
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _name_process(name: str) -> None:
    """What `ps -o comm` and `top` show; the command line stays the fork server's."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
