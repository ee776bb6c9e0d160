"""T9 and section 8: an appeal handled with another follows its master's result, and keeps a verdict of its own (LZ-16).

The master's case is locked first, then those of its members in the order of their ids.
"""

from dataclasses import replace
from uuid import UUID

import structlog

from services.feedback.db import groups
from services.feedback.db.cases import find_resolution, lock_case, lock_cases, record_resolution
from services.feedback.domain.case import CaseMove, CaseState
from services.feedback.domain.evaluation import Reason
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import LockedCase, Resolution
from services.feedback.use_cases.open_callback import ask_or_close
from services.feedback.use_cases.record_appeals import record_appeals
from shared.contracts.events import AppealAttached, AppealDetached
from shared.db.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)


async def attach_case(uow: UnitOfWork, appeal_id: UUID, event: AppealAttached, policy: FeedbackPolicy) -> None:
    """Let a case follow its master; if that has a result already, the member's citizen is asked about it at once.

    A case that is over, or whose citizen is being asked already, keeps that and is only noted as a member.
    """
    await lock_case(uow, event.master_appeal_id)
    await lock_case(uow, appeal_id)
    await groups.join_group(uow, appeal_id, event.master_appeal_id, event.attached_at)
    await record_appeals(uow, [(appeal_id, event)], policy)
    member = await lock_case(uow, appeal_id)
    resolution = await find_resolution(uow, event.master_appeal_id)
    if resolution is not None and member.state is CaseState.OPEN:
        await _follow(uow, member, resolution, policy)


async def detach_case(uow: UnitOfWork, appeal_id: UUID, event: AppealDetached, policy: FeedbackPolicy) -> None:
    """Let a case go its own way: a call about the master's result is not made any more, a verdict given stays."""
    case = await lock_case(uow, appeal_id)
    await groups.leave_group(uow, appeal_id)
    await record_appeals(uow, [(appeal_id, event)], policy)
    if case.state is CaseState.AWAITING_CALLBACK and await groups.is_of_master(uow, appeal_id, case.round):
        await groups.cancel_callback(uow, appeal_id, Reason.DETACHED)
        await groups.reopen(uow, appeal_id, case.position.after(CaseMove.GO_OWN_WAY))


async def tell_members(uow: UnitOfWork, resolution: Resolution, policy: FeedbackPolicy) -> None:
    """Ask every member's citizen about the master's result: each once, and nobody who has been asked or answered.

    The caller holds the master's lock, so that nobody joins meanwhile.
    """
    members = await groups.members_of(uow, resolution.appeal_id)
    if not members:
        return
    for member in await lock_cases(uow, members):
        if member.master_appeal_id == resolution.appeal_id and member.state is CaseState.OPEN:
            await _follow(uow, member, resolution, policy)
    log.info("case.members_told", appeal_id=str(resolution.appeal_id), members=len(members), round=resolution.round)


async def _follow(uow: UnitOfWork, member: LockedCase, resolution: Resolution, policy: FeedbackPolicy) -> None:
    own = replace(resolution, appeal_id=member.appeal_id, round=member.round, master_appeal_id=resolution.appeal_id)
    await record_resolution(uow, own)
    await ask_or_close(uow, member, own, policy)
