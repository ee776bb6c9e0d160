"""How long what is known of a person is kept (section 9): no hotline-specific period was found, so all are settings.

The shortest necessary period, and destroyed when it is over (PIPL §19, §47); a legal hold stops all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.vocabulary import AppealStatus

# An attached appeal ends with its master, one on the ledger has not ended.
ENDED: Final = (
    AppealStatus.CLOSED,
    AppealStatus.REFERRED,
    AppealStatus.NOT_ACCEPTED,
    AppealStatus.WITHDRAWN,
    AppealStatus.ARCHIVED,
)


class RetentionRule(StrEnum):
    """Which period ran out."""

    PERSON = "person_after_end"
    REPORT_IDENTITY = "report_identity_after_end"
    RECORDING = "recording_after_end"
    BODY = "body_after_end"


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Natural time after an appeal's end: sound, who appealed, who reported (a report), and the words of the matter.

    Photographs and papers go with the people, whom they may show.
    """

    person: timedelta = timedelta(days=3 * 365)
    report_identity: timedelta = timedelta(days=365)
    body: timedelta = timedelta(days=10 * 365)
    recording: timedelta = timedelta(days=2 * 365)

    def cutoffs(self, now: datetime) -> Mapping[RetentionRule, datetime]:
        """Return, for each rule, the moment: what ended before it is due to be destroyed."""
        return {
            RetentionRule.PERSON: now - self.person,
            RetentionRule.REPORT_IDENTITY: now - self.report_identity,
            RetentionRule.RECORDING: now - self.recording,
            RetentionRule.BODY: now - self.body,
        }
