"""`minqing bench`: a stack of its own, every figure of the design measured in one run, three rounds, medians."""

import argparse
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console

from deploy.bench.field import Field
from deploy.bench.flow import Effort, accepting_figures, drain_figure, hand_over_figures, quiet, sustained_figure
from deploy.bench.footprint import idle_figures
from deploy.bench.growth import growth_figures
from deploy.bench.report import Figure, Findings, machine, print_findings
from deploy.bench.routing import routing_figure
from deploy.bench.search import search_figures
from deploy.bench.suggestion import configure_suggestion, suggestion_figures
from deploy.scratch import Running, scratch_directory, scratch_stack, supervised
from deploy.settings import city_pack
from deploy.stack import StopRequested

# What floods the stack comes after what needs it quiet.
PARTS = ("routing", "suggestion", "idle", "hand-over", "accepting", "sustained", "drain", "growth", "search")
NEEDS_NO_STACK = {"routing", "suggestion"}
UNLIMITED = {"MINQING_RATE_LIMIT_PER_SECOND": "1000000", "MINQING_RATE_LIMIT_BURST": "10000000"}
Measure = Callable[[], Awaitable[Sequence[Figure]]]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3, help="each figure is the median of so many (3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each round loads (10)")
    parser.add_argument("--backlog", type=int, default=5_000, help="appeals in the backlog (5000)")
    parser.add_argument("--growth", type=int, default=20_000, help="open tickets to grow to (20000; design: 1000000)")
    parser.add_argument("--search", type=int, default=50_000, help="appeals to search among (50000; design: 1000000)")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this; may be repeated")
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where the figures go (bench.json)")
    configure_suggestion(parser)


def run(options: argparse.Namespace) -> int:
    console = Console()
    os.environ.update(UNLIMITED)
    findings = Findings(circumstances=machine())
    effort = Effort(options.rounds, options.seconds, options.backlog)
    wanted = set(options.only or PARTS)
    began = time.monotonic()
    try:
        if "routing" in wanted:
            findings.add([routing_figure(options.rounds)])
        if "suggestion" in wanted:
            findings.add(suggestion_figures(options))
        if wanted - NEEDS_NO_STACK:
            with (
                scratch_directory("bench") as directory,
                scratch_stack(directory, city_pack("weidu"), lambda _: None) as running,
            ):
                uvloop.run(_measure(running, effort, wanted, options, findings, console))
    except StopRequested:
        console.print("stopped; nothing is left running")
        return 130
    findings.circumstances["seconds"] = round(time.monotonic() - began, 1)
    print_findings(console, findings)
    options.output.write_text(json.dumps(findings.document(), indent=1) + "\n", encoding="utf-8")
    return 0


async def _measure(
    running: Running,
    effort: Effort,
    wanted: set[str],
    options: argparse.Namespace,
    findings: Findings,
    console: Console,
) -> None:
    """In this order: what needs an untouched stack first, what fills it up last."""
    field = Field(running)

    async def one(measure: Callable[[Field, Effort], Awaitable[Figure]]) -> Sequence[Figure]:
        return [await measure(field, effort)]

    measures: dict[str, Measure] = {
        "idle": partial(idle_figures, running.stack, max(effort.seconds, 5.0)),
        "accepting": partial(accepting_figures, field, effort),
        "sustained": partial(one, sustained_figure),
        "hand-over": partial(hand_over_figures, field, effort),
        "drain": partial(one, drain_figure),
        "growth": partial(growth_figures, field, effort, options.growth),
        "search": partial(search_figures, field, effort, options.search),
    }
    async with supervised(running.stack):
        for name, measure in measures.items():
            if name in wanted:
                console.print(f"measuring: {name}", style="dim")
                findings.add(await measure())
                await quiet(field)
