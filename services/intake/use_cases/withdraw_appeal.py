"""T41: the citizen takes an appeal back, who it is being checked; not where others are in danger."""

from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.groups import count_members, end_membership
from services.intake.domain.machine import Move
from services.intake.domain.withdrawals import endangers_others
from services.intake.use_cases.carry_out_move import Mover, Outcome, begin_move, ended_event, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.mask_words import mask_for
from services.intake.use_cases.track_appeal import access_code_fits
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, Forbidden
from shared.vocabulary import AppealStatus, AppealType, Urgency


class DangerToOthers(Conflict):
    """It concerns more people than the one who appealed."""

    code = "danger_to_others"
    title = "This appeal cannot be withdrawn"


class HasMembers(Conflict):
    """Others appealed on the same matter and are handled with this one."""

    code = "has_members"
    title = "Other appeals are attached to this one"


class WrongAccessCode(Forbidden):
    """The code is not that of the appeal."""

    code = "wrong_access_code"
    title = "The access code is not right"


@dataclass(frozen=True, slots=True)
class WithdrawAppeal:
    """A withdrawal with the citizen's access code, or with what an agent says of how identity was checked."""

    appeal_id: UUID
    reason: str
    access_code: str | None = None
    identity_check: str | None = None


async def withdraw_appeal(uow: UnitOfWork, desk: Desk, command: WithdrawAppeal, mover: Mover) -> Row:
    """End the appeal and everything that runs for it; return it.

    Raises NotFound, StaleVersion, IllegalMove, WrongAccessCode, DangerToOthers for a report or a danger to life,
    HasMembers while other appeals are attached to it.
    """
    moving = await begin_move(uow, command.appeal_id, Move.WITHDRAW, mover)
    row = moving.row
    if command.access_code is not None and not access_code_fits(desk, command.access_code, bytes(row["access_hash"])):
        raise WrongAccessCode("The access code does not belong to this appeal.")
    categories = (await desk.catalogue.within(uow.connection)).categories
    urgency = Urgency(row["urgency"]) if row["urgency"] else None
    if endangers_others(AppealType(row["type"]), urgency, categories.get(row["category_code"] or "")):
        raise DangerToOthers("Others may be in danger: it is handled whatever its author wishes now.")
    if members := await count_members(uow.connection, command.appeal_id):
        raise HasMembers("Detach the others first: their matter goes on without this one.", members=members)
    if moving.before is AppealStatus.ATTACHED:
        await end_membership(uow.connection, command.appeal_id, at=uow.now, actor=mover.actor, reason="withdrawn")
    mask = await mask_for(uow, desk, command.appeal_id)
    details = {
        "reason": mask(command.reason),
        "identity": "access_code" if command.access_code is not None else "checked_by_agent",
        "identity_check": mask(command.identity_check or ""),
    }
    uow.publish(ended_event(uow, moving, reason_code="by_citizen"), subject=command.appeal_id)
    return await finish_move(uow, moving, Outcome(details=details))
