"""A classifier's report for people: what it was trained on, how good it is, from where on it may decide."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from services.intake.db.suggestions import Version

_MOST_ROWS = 40


def print_versions(console: Console, versions: Sequence[Version]) -> None:
    """One line per version, the newest first."""
    table = Table(box=None)
    for name in ("version", "", "from", "texts", "categories", "accuracy", "macro-F1"):
        table.add_column(name, no_wrap=True)
    for each in versions:
        held_back = each.report.get("held_back", {})
        table.add_row(
            each.version,
            "on" if each.is_active else "",
            each.origin,
            f"{each.examples:,}",
            str(len(each.labels)),
            _percent(held_back.get("accuracy")),
            _percent(held_back.get("macro_f1")),
        )
    console.print(table)


def print_report(console: Console, report: Mapping[str, Any], *, accept_at: float) -> None:
    """The whole report."""
    if "training" in report:
        _print_training(console, report["training"])
    found = report["held_back"]
    milliseconds = found["milliseconds"]
    console.print(
        f"{found['examples']:,} texts it has not seen: accuracy {_percent(found['accuracy'])}, macro-F1 "
        f"{_percent(found['macro_f1'])}, right among the first three {_percent(found['in_first_three'])}; "
        f"{milliseconds['p50']} ms a text (p95 {milliseconds['p95']}, most {milliseconds['max']})"
    )
    _print_coverage(console, found["coverage"], accept_at)
    _print_categories(console, found["per_category"])
    _print_confusions(console, found["confusions"])


def _print_training(console: Console, training: Mapping[str, Any]) -> None:
    console.print(
        f"trained on {training['examples']:,} texts in {training['seconds']} s; left out: "
        f"{training['repetitions']:,} repetitions, {training['unusable']:,} of no use, "
        f"{sum(training['rare'].values()):,} of {len(training['rare'])} categories with too few"
    )


def _print_coverage(console: Console, coverage: Sequence[Mapping[str, float]], accept_at: float) -> None:
    table = Table("from confidence", "decided", "of these right", title="Coverage", title_justify="left", box=None)
    for row in coverage:
        mark = " (accepted from here on)" if row["confidence"] == accept_at else ""
        table.add_row(f"{row['confidence']}{mark}", _percent(row["share"]), _percent(row["right"]))
    console.print(table)


def _print_categories(console: Console, categories: Sequence[Mapping[str, Any]]) -> None:
    table = Table(
        "category", "texts", "precision", "recall", "F1", title="Weakest first", title_justify="left", box=None
    )
    for row in sorted(categories, key=lambda each: (each["f1"], each["category"]))[:_MOST_ROWS]:
        numbers = (_percent(row[name]) for name in ("precision", "recall", "f1"))
        table.add_row(row["category"], str(row["examples"]), *numbers)
    console.print(table)


def _print_confusions(console: Console, confusions: Sequence[Mapping[str, Any]]) -> None:
    if not confusions:
        return
    table = Table("is", "suggested", "texts", title="Taken for another", title_justify="left", box=None)
    for row in confusions[:_MOST_ROWS]:
        table.add_row(row["actual"], row["suggested"], str(row["texts"]))
    console.print(table)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.1f} %"
