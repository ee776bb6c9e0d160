"""What intake knows of an appeal reaches the case, in batches: the busiest of this service's consumers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.feedback.db.cases import lock_case, upsert_facts
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.use_cases.open_callback import settle_resolution
from shared.contracts.events import AppealFacts, AppealImported
from shared.db.unit_of_work import UnitOfWork

_COPIED = (
    "receipt_number",
    "type",
    "channel",
    "category_code",
    "category_name",
    "title",
    "urgency",
    "mode",
    "grid_code",
    "anonymous",
    "confidential",
    "wants_reply",
    "households",
    "received_at",
    "accepted_at",
)


async def record_appeals(uow: UnitOfWork, appeals: Sequence[tuple[UUID, AppealFacts]], policy: FeedbackPolicy) -> None:
    """Store the facts of several appeals, each at most once, whatever dispatch has said of them already.

    A resolution that was accepted before these facts came is gone on with here.
    """
    waiting = await upsert_facts(uow, [_facts(appeal_id, appeal) for appeal_id, appeal in appeals])
    for appeal_id in sorted(waiting):
        await settle_resolution(uow, await lock_case(uow, appeal_id), policy)


def _facts(appeal_id: UUID, appeal: AppealFacts) -> dict[str, Any]:
    facts = {name: getattr(appeal, name) for name in _COPIED}
    return {**facts, "appeal_id": appeal_id, "imported": isinstance(appeal, AppealImported)}
