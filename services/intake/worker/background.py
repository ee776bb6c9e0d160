"""What the intake worker does besides following events: terms, look-up tables, mail, retention."""

from collections.abc import Sequence

from services.intake.settings import Settings
from shared.messaging.process import Background


def background_of(_settings: Settings) -> Sequence[Background]:
    """Return the loops that run beside the consumer; each ends when it is told to."""
    return []
