"""Ending an appeal at the hotline, and with it those attached to it: one special feedback goes to all (LZ-16)."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.intake.db.appeals import Row, lock_appeal, lock_appeals
from services.intake.db.groups import members_of
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Moving, Outcome, begin_move, ended_event, finish_move
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus


@dataclass(frozen=True, slots=True)
class Ending:
    """What the other services are told of an end; `reply` is masked.

    `can_be_evaluated` still leaves out whoever cannot be asked.
    """

    reason_code: str = ""
    reply: str = ""
    can_be_evaluated: bool = False


async def begin_ending(uow: UnitOfWork, appeal_id: UUID, move: Move, mover: Mover) -> Moving:
    """Do what begin_move does, with every appeal that is attached locked as well, in the order of their ids."""
    members = [member["appeal_id"] for member in await members_of(uow.connection, appeal_id)]
    if members:
        await lock_appeals(uow.connection, [appeal_id, *members])
    return await begin_move(uow, appeal_id, move, mover)


async def end_appeal(uow: UnitOfWork, moving: Moving, outcome: Outcome, ending: Ending) -> Row:
    """End the appeal, and each one attached to it by the same step; return the appeal.

    Those attached keep their numbers: each gets its own line, its own event and, where it can be asked, its own
    evaluation.
    """
    after = await _end(uow, moving, outcome, ending)
    for member in await members_of(uow.connection, moving.appeal_id):
        row = await lock_appeal(uow.connection, member["appeal_id"])
        if row is not None and row["seen_status"] == AppealStatus.ATTACHED:
            details = {**outcome.details, "with_master": str(moving.appeal_id)}
            await _end(uow, replace(moving, row=row), replace(outcome, details=details), ending)
    return after


async def _end(uow: UnitOfWork, moving: Moving, outcome: Outcome, ending: Ending) -> Row:
    after = await finish_move(uow, moving, outcome)
    event = ended_event(
        uow,
        moving,
        after=after,
        reason_code=ending.reason_code,
        reply=ending.reply,
        evaluable=ending.can_be_evaluated and _may_be_asked(after),
    )
    uow.publish(event, subject=moving.appeal_id)
    return after


def _may_be_asked(row: Row) -> bool:
    """Whether the citizen can say what they think of it: not who is unknown or asked not to be (traps 29, 30)."""
    return not row["anonymous"] and bool(row["wants_reply"])
