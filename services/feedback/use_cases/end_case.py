"""T2, T3, T6, T7, T8, T41: intake has ended the appeal, so its case is closed from what intake says of it."""

from typing import Any, Final
from uuid import UUID

import structlog

from services.feedback.db import groups
from services.feedback.db.callbacks import insert_callback
from services.feedback.db.cases import lock_case
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.case import CaseMove, CaseState, transition
from services.feedback.domain.evaluation import Reason
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.use_cases.open_callback import AboutRound, new_callback
from shared.contracts.events import AppealEnded
from shared.db.unit_of_work import UnitOfWork

_REASONS: Final = {
    "closed": Reason.ANSWERED,
    "referred": Reason.REFERRED,
    "not_accepted": Reason.NOT_ACCEPTED,
    "withdrawn": Reason.WITHDRAWN,
}
_COPIED: Final = (
    "receipt_number",
    "type",
    "channel",
    "category_code",
    "category_name",
    "title",
    "grid_code",
    "anonymous",
    "confidential",
    "wants_reply",
    "households",
    "received_at",
)
_COPIED_IF_GIVEN: Final = ("urgency", "mode", "accepted_at")
log = structlog.get_logger(__name__)


async def end_case(uow: UnitOfWork, appeal_id: UUID, event: AppealEnded, policy: FeedbackPolicy) -> None:
    """Close a case as its appeal ended; nobody is asked. Those handled with it are told of by events of their own.

    An open callback is cancelled. An answered citizen may still evaluate, once (T2). A case that is over stays as it
    ended: a verdict that was given is not taken back by a withdrawal.
    """
    case = await lock_case(uow, appeal_id)
    await groups.update_facts(uow, appeal_id, _facts(event))
    if case.state in (CaseState.CLOSED, CaseState.ON_LEDGER):
        log.info("case.ended_before", appeal_id=str(appeal_id), state=case.state.value, status=event.status)
        return
    transition(case.state, CaseMove.END_AT_HOTLINE)
    reason = _REASONS[event.status]
    await groups.cancel_callback(uow, appeal_id, reason)
    if event.evaluable:
        await groups.record_answer(uow, case, event.at, event.reply)
    await groups.end_undecided_round(uow, case, reason)
    await groups.close_case(
        uow, appeal_id, ended_as=event.status, ended_rule=event.rule, ended_at=event.at, reason=reason
    )
    if event.evaluable:
        offer = AboutRound(appeal_id, case.round, groups.NO_DEPARTMENT, groups.NO_DEPARTMENT)
        callback = new_callback(offer, CallbackStatus.OFFERED, uow.now, policy.offer_ends_at(uow.now))
        await insert_callback(uow, callback)


def _facts(event: AppealEnded) -> dict[str, Any]:
    given = {name: value for name in _COPIED_IF_GIVEN if (value := getattr(event, name)) is not None}
    return {name: getattr(event, name) for name in _COPIED} | given
