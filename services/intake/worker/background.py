"""What the intake worker does besides following events: terms, look-up tables, mail, retention."""

from collections.abc import Sequence

from services.intake.settings import Settings
from services.intake.worker.attachment_sweep import attachment_sweep_of
from services.intake.worker.mail_box import mail_box_of
from services.intake.worker.retention_sweep import retention_sweep_of
from services.intake.worker.search_index import keep_search_index
from services.intake.worker.term_sweep import term_sweep_of
from shared.messaging.process import Background


def background_of(settings: Settings) -> Sequence[Background]:
    """Return the loops that run beside the consumer; each ends when it is told to."""
    return [
        term_sweep_of(settings),
        keep_search_index,
        retention_sweep_of(settings),
        attachment_sweep_of(settings),
        mail_box_of(settings),
    ]
