"""The closing table of the demonstration, and the same figures as a document."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.demo.compare import Comparison, Share


@dataclass(frozen=True, slots=True)
class Timings:
    """How long what took, and how much it was; seconds of wall clock."""

    imported: int
    import_seconds: float
    import_applied_seconds: float
    accepted: int
    accept_seconds: float
    routed_seconds: float

    @staticmethod
    def per_second(count: int, seconds: float) -> float:
        return count / seconds if seconds else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the demonstration found out."""

    rules: int
    comparison: Comparison
    history_flags: Share
    timings: Timings
    refused: int
    unrouted: int

    def document(self) -> dict[str, Any]:
        shares = {
            name: {"hits": share.hits, "base": share.base, "rate": share.rate}
            for name in Comparison.__slots__
            if isinstance(share := getattr(self.comparison, name), Share)
        }
        timings = self.timings
        return {
            "rules_learned": self.rules,
            **shares,
            "history_flags_recomputed": {"hits": self.history_flags.hits, "base": self.history_flags.base},
            "to_triage": self.comparison.to_triage,
            "refused": self.refused,
            "unrouted": self.unrouted,
            "imported_per_second": timings.per_second(timings.imported, timings.import_seconds),
            "imported_and_applied_per_second": timings.per_second(timings.imported, timings.import_applied_seconds),
            "accepted_per_second": timings.per_second(timings.accepted, timings.accept_seconds),
            "accepted_and_routed_per_second": timings.per_second(timings.accepted, timings.routed_seconds),
        }

    @property
    def ok(self) -> bool:
        """Everything that was accepted was routed, and exactly as the published rules say."""
        found = self.comparison
        exact = all(share.hits == share.base for share in (found.as_predicted, found.due_by_policy))
        return exact and self.unrouted == 0


def print_table(console: Console, figures: Figures) -> None:
    found, timings = figures.comparison, figures.timings
    rate = timings.per_second
    table = Table("what", "how many", title="The city's own record against what the system did", title_justify="left")
    table.add_section()
    table.add_row("reached the queue the city recorded, by type alone (learned rules)", str(found.by_type))
    table.add_row("reached the queue the city recorded, by type and area (dispatched)", str(found.by_type_and_area))
    table.add_row("dispatched exactly as the published rules say", str(found.as_predicted))
    table.add_row("no rule: waiting in triage", f"{found.to_triage:,}")
    table.add_section()
    table.add_row("due times equal to the city's, to within 2 minutes", str(found.due_equal))
    table.add_row("due on the same day as the city's", str(found.due_same_day))
    table.add_row("due times on the tickets that follow their policy", str(found.due_by_policy))
    table.add_section()
    table.add_row("on time by the city's own flag", str(found.city_on_time))
    table.add_row("on time by our due times", str(found.our_on_time))
    table.add_row("city's flags that follow from its own due and closing times", str(found.flag_recomputed))
    table.add_row("the same for the imported months, as dispatch judged them", str(figures.history_flags))
    table.add_section()
    table.add_row(
        "history imported", f"{timings.imported:,} at {rate(timings.imported, timings.import_seconds):,.0f}/s"
    )
    table.add_row(
        "history imported and on record in dispatch and feedback",
        f"{rate(timings.imported, timings.import_applied_seconds):,.0f}/s",
    )
    table.add_row(
        "accepted over the API", f"{timings.accepted:,} at {rate(timings.accepted, timings.accept_seconds):,.0f}/s"
    )
    table.add_row("accepted and routed", f"{rate(timings.accepted, timings.routed_seconds):,.0f}/s")
    if figures.refused or figures.unrouted:
        table.add_row("refused by intake · accepted without a ticket", f"{figures.refused:,} · {figures.unrouted:,}")
    console.print(table)
    console.print(
        "Due times are counted by the policy that the dispatcher pinned, from when the city opened the request; "
        "policies and rules come from the months before.",
        style="dim",
    )
