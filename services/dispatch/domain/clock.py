"""The result clock of one leg as a pure function of what happened: stop, un-stop, and whether it is late (3.3)."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LegClock:
    """Runs from dispatch until a stop that holds. `due_at` is exclusive: late means `at >= due_at`."""

    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None = None
    confirmed: bool = False

    def stop(self, at: datetime) -> "LegClock":
        """T30: stops provisionally; a second submission of a running clock stops it anew."""
        return self if self.confirmed else replace(self, stopped_at=at)

    def reject(self) -> "LegClock":
        """T31: the submission did not hold, so the clock never stopped (trap 15)."""
        return self if self.confirmed else replace(self, stopped_at=None)

    def confirm(self) -> "LegClock":
        """T32: the stop at submission counts, however long the review took."""
        return self if self.stopped_at is None else replace(self, confirmed=True)

    def is_late(self, now: datetime) -> bool:
        return (self.stopped_at or now) >= self.due_at
