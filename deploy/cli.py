"""The `minqing` command. Each subcommand is imported only when it is called, so that `run` stays small and quick."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from deploy.errors import StackError


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: the module with `configure(parser)` and `run(options)`, and what it is for."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("run", "deploy.commands.run", "start the whole system on this machine, until Ctrl-C"),
    Command("migrate", "deploy.commands.migrate", "bring every service's schema to its newest revision"),
    Command("keys", "deploy.commands.keys", "create, list and revoke API keys"),
    Command("verify", "deploy.commands.verify", "check that every event was applied exactly once"),
    Command("vault", "deploy.commands.vault", "change the master key of the personal data"),
    Command("city", "deploy.commands.city", "check and load a city pack"),
    Command("import", "deploy.commands.import_history", "bring in past requests from a CSV file"),
    Command("classifier", "deploy.commands.classifier", "train what suggests categories, and switch it on"),
    Command("contracts", "deploy.commands.contracts", "check the event contracts against their snapshots"),
    Command("demo", "deploy.commands.demo", "send a city's real requests through a stack of its own"),
    Command("bench", "deploy.commands.bench", "measure, in ratios of one run"),
    Command("chaos", "deploy.commands.chaos", "kill every part under load and check that nothing was lost"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; a foreseeable failure is one line on stderr and exit code 1."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="minqing", description="Minqing (民情): a city's appeal pipeline.")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        if command.name == chosen:
            module = import_module(command.module)
            module.configure(subparser)
            subparser.set_defaults(run=module.run)
    options = parser.parse_args(words)
    try:
        return int(options.run(options))
    except StackError as error:
        print(f"minqing: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("minqing: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
