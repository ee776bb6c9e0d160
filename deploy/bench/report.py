"""Figures with their bars: a table for people, a document for machines; what misses its bar is called short."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `bar` is what design asks for; None where there is none. `rounds` are the single values."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    better: Better = "higher"
    rounds: tuple[float, ...] = ()
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value >= self.bar if self.better == "higher" else self.value <= self.bar

    @property
    def verdict(self) -> str:
        return {None: "", True: "ok", False: "short"}[self.is_met]


def median_figure(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    bar: float | None = None,
    better: Better = "higher",
    note: str = "",
) -> Figure:
    """The median of the rounds, which stay readable beside it."""
    return Figure(name, statistics.median(values), unit, bar, better, tuple(values), note)


@dataclass(slots=True)
class Findings:
    """Everything a run has found, in the order it was measured."""

    figures: list[Figure] = field(default_factory=list)
    circumstances: dict[str, Any] = field(default_factory=dict)

    def add(self, figures: Sequence[Figure]) -> None:
        self.figures.extend(figures)

    def document(self) -> dict[str, Any]:
        return {
            "circumstances": self.circumstances,
            "figures": [
                {
                    "name": each.name,
                    "value": _plain(each.value),
                    "unit": each.unit,
                    "bar": each.bar,
                    "better": each.better,
                    "verdict": each.verdict,
                    "rounds": [_plain(value) for value in each.rounds],
                    "note": each.note,
                }
                for each in self.figures
            ],
        }


def machine() -> dict[str, Any]:
    """What the figures depend on. A machine that is busy with other things says so in its load."""
    return {
        "cpus": os.cpu_count(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def print_findings(console: Console, findings: Findings) -> None:
    table = Table("what", "measured", "bar", "", "rounds", title="Benchmarks", title_justify="left")
    for each in findings.figures:
        bar = "" if each.bar is None else f"{'≥' if each.better == 'higher' else '≤'} {_short(each.bar)}"
        style = {"short": "bold yellow", "ok": "green", "": ""}[each.verdict]
        rounds = " ".join(_short(value) for value in each.rounds)
        table.add_row(
            each.name + (f"\n[dim]{each.note}[/dim]" if each.note else ""),
            f"{_short(each.value)} {each.unit}",
            bar,
            f"[{style}]{each.verdict}[/]" if style else "",
            rounds,
        )
    console.print(table)
    load = findings.circumstances.get("load_before")
    if load and load[0] > 1.0:
        console.print(
            f"The machine was busy before the run (load {load[0]}): absolute figures are low.", style="yellow"
        )


def _plain(value: float) -> float | None:
    return None if value != value else round(value, 4)  # noqa: PLR0124 - NaN has no place in JSON


def _short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
