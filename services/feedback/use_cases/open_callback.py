"""An accepted resolution asks for the citizen's word, or closes the case when nobody is to be asked."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from services.feedback.db.callbacks import insert_callback
from services.feedback.db.cases import (
    await_callback,
    hold_resolution,
    load_resolution,
    lock_case,
    record_resolution,
)
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.case import CaseMove, CaseState, transition
from services.feedback.domain.evaluation import conclude_unasked
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import Callback, LockedCase, Resolution
from services.feedback.use_cases.conclude_round import conclude_round
from shared.contracts.events import CallbackOpened
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict
from shared.ids import uuid7

log = structlog.get_logger(__name__)


async def accept_resolution(uow: UnitOfWork, resolution: Resolution, policy: FeedbackPolicy) -> bool:
    """Record a round's accepted result and open its callback (T32 to T34); returns whether it was recorded.

    Whether the citizen may be asked is intake's knowledge. If its event is not here yet, the resolution waits on the
    case and `settle_resolution` goes on when it comes. One that comes after intake has ended the appeal, or attached it
    and its citizen was asked, changes nothing any more. Raises IllegalMove when the case is not open, Conflict when the
    round is an earlier one: such an event is kept as a dead letter rather than guessed at.
    """
    case = await lock_case(uow, resolution.appeal_id)
    if case.state is not CaseState.OPEN and (case.ended_as is not None or case.is_member):
        # Dispatch did not know yet what intake had decided; its own ticket ends by that decision.
        log.info("case.resolution_too_late", appeal_id=str(case.appeal_id), state=case.state.value)
        return False
    transition(case.state, CaseMove.ASK_CITIZEN)
    if resolution.round < case.round:
        raise Conflict("the round is over", round=resolution.round, present_round=case.round)
    await record_resolution(uow, resolution)
    if not case.is_known:
        await hold_resolution(uow, case.appeal_id, resolution.round)
    else:
        await ask_or_close(uow, replace(case, round=resolution.round), resolution, policy)
    return True


async def settle_resolution(uow: UnitOfWork, case: LockedCase, policy: FeedbackPolicy) -> None:
    """Go on with a resolution that waited for intake's facts; the caller holds the case's lock."""
    resolution = await load_resolution(uow, case.appeal_id, case.round)
    await ask_or_close(uow, case, resolution, policy)


async def ask_or_close(uow: UnitOfWork, case: LockedCase, resolution: Resolution, policy: FeedbackPolicy) -> None:
    """Open the callback of a result on record, or close the case when nobody is to be asked (traps 29 and 30)."""
    unasked = conclude_unasked(anonymous=bool(case.anonymous), wants_reply=case.wants_reply is not False)
    if unasked is not None:
        await conclude_round(uow, case, unasked, policy)
        return
    due_at = policy.callback_due_at(resolution.accepted_at)
    callback = new_callback(resolution, CallbackStatus.OPEN, uow.now, due_at)
    await insert_callback(uow, callback)
    await await_callback(uow, case.appeal_id, case.position.after(CaseMove.ASK_CITIZEN))
    uow.publish(
        CallbackOpened(callback_id=callback.id, round=callback.round, due_at=callback.due_at, at=uow.now),
        subject=case.appeal_id,
    )


@dataclass(frozen=True, slots=True)
class AboutRound:
    """Which round of which appeal somebody is asked about, and whose work it was."""

    appeal_id: UUID
    round: int
    department_code: str
    department_name: str


def new_callback(
    about: AboutRound | Resolution, status: CallbackStatus, opened_at: datetime, due_at: datetime
) -> Callback:
    """Return a callback about a result, nobody having called yet."""
    return Callback(
        id=uuid7(),
        appeal_id=about.appeal_id,
        round=about.round,
        status=status,
        version=1,
        department_code=about.department_code,
        department_name=about.department_name,
        opened_at=opened_at,
        due_at=due_at,
        attempts=0,
        counted_attempts=0,
        last_counted_at=None,
        verdict=None,
        reason=None,
        decided_at=None,
        receipt_number=None,
        title=None,
        category_code=None,
        urgency=None,
        confidential=None,
    )
