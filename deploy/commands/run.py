"""`minqing run`: the local stack in the foreground."""

import argparse
import os
import signal
import sys
from pathlib import Path

from deploy.settings import StackSettings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with-parent",
        action="store_true",
        help="also stop when the process that started this one ends, e.g. make is killed",
    )
    parser.epilog = (
        "Environment: MINQING_DATA_DIR (./var), INTAKE_PORT (8001), DISPATCH_PORT (8002), FEEDBACK_PORT (8003), "
        "MINQING_HOST (127.0.0.1), MINQING_CITY (weidu; a directory, or none); with INTAKE_DATABASE_URL, "
        "DISPATCH_DATABASE_URL, FEEDBACK_DATABASE_URL and REDIS_URL your own servers are used."
    )


def run(options: argparse.Namespace) -> int:
    from deploy import stack

    if not options.with_parent:
        return stack.run(StackSettings.load(), _say)
    from deploy.embedded.launch import die_with_parent

    parent = os.getppid()
    die_with_parent(parent, signal.SIGTERM)
    return stack.run(StackSettings.load(), _say, lambda: is_interrupted(parent))


def is_interrupted(parent: int) -> bool:
    """Whether the parent is inside its handler of SIGINT.

    A `make` that alone is sent SIGINT (not the whole terminal's group) tells nobody and waits for its children for
    ever; the kernel shows the handler that waits as a blocked signal.
    """
    try:
        status = Path(f"/proc/{parent}/status").read_text()
        blocked = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    except (OSError, StopIteration, IndexError):
        return False
    return bool(int(blocked, 16) & 1 << (signal.SIGINT - 1))


def _say(line: str) -> None:
    """Print for whoever is there; nobody reading any more must not keep the stack from stopping cleanly."""
    try:
        print(line, flush=True)
    except (BrokenPipeError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - stays open until the end
