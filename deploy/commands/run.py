"""`minqing run`: the local stack in the foreground."""

import argparse
import os
import signal
import sys

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

    if options.with_parent:
        from deploy.embedded.launch import die_with_parent

        die_with_parent(os.getppid(), signal.SIGTERM)
    return stack.run(StackSettings.load(), _say)


def _say(line: str) -> None:
    """Print for whoever is there; nobody reading any more must not keep the stack from stopping cleanly."""
    try:
        print(line, flush=True)
    except (BrokenPipeError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - stays open until the end
