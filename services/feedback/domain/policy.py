"""The numbers the feedback rules run on: settings of a deployment, never constants in a rule."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class FeedbackPolicy:
    """How long, how often, how many.

    `callback_due` is natural time: this service keeps no working calendar, so T_CALLBACK's two working days are
    approximated by a duration that a deployment sets. `zone` decides when "another day" begins.
    """

    zone: tzinfo
    callback_due: timedelta = timedelta(hours=48)
    attempt_spacing: timedelta = timedelta(minutes=30)
    attempts_needed: int = 3
    token_lifetime: timedelta = timedelta(days=15)
    ledger_review: timedelta = timedelta(days=90)
    most_rounds: int = 2

    def callback_due_at(self, accepted_at: datetime) -> datetime:
        """When the citizen should have been called, exclusive (T_CALLBACK)."""
        return accepted_at + self.callback_due

    def offer_ends_at(self, now: datetime) -> datetime:
        """Until when somebody who need not be called may evaluate, exclusive."""
        return now + self.token_lifetime

    def ledger_review_at(self, now: datetime) -> datetime:
        """When an unsolved case is looked at again (T_LEDGER_REVIEW)."""
        return now + self.ledger_review
