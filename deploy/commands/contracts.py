"""`minqing contracts`: keep the event snapshots and the reference page in step with the models."""

import argparse
from pathlib import Path

from deploy.errors import StackError
from shared.contracts.documentation import render_events_page
from shared.contracts.schema import SNAPSHOTS, BreakingChange, compare, current_schemas, stored_schemas, write_snapshots

PAGE = Path("docs") / "events.md"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    checking = actions.add_parser("check", help="name every difference between the snapshots and the models")
    taking = actions.add_parser("snapshot", help="take additive changes into the snapshots; refuse breaking ones")
    for parser_of_action in (checking, taking):
        parser_of_action.add_argument("--directory", type=Path, default=SNAPSHOTS, help="where the snapshots are")
    docs = actions.add_parser("docs", help="write the reference page of all events")
    docs.add_argument("--output", type=Path, default=PAGE, help=f"where to (default {PAGE})")


def run(options: argparse.Namespace) -> int:
    if options.action == "check":
        return _check(options.directory)
    if options.action == "snapshot":
        return _snapshot(options.directory)
    options.output.write_text(render_events_page(), encoding="utf-8")
    print(f"written: {options.output}")
    return 0


def _check(directory: Path) -> int:
    changes = compare(stored_schemas(directory), current_schemas())
    for change in changes:
        print(f"{'breaking' if change.breaking else 'additive'}: {change}")
    if not changes:
        print("the snapshots say what the models say")
    return 1 if changes else 0


def _snapshot(directory: Path) -> int:
    try:
        written = write_snapshots(directory)
    except BreakingChange as error:
        for change in error.changes:
            print(f"breaking: {change}")
        raise StackError("a contract would be broken; keep the old version and put a new one beside it") from error
    for path in written:
        print(f"written: {path.name}")
    print(f"{len(written)} snapshots changed")
    return 0
