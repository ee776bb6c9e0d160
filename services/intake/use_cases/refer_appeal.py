"""T8: what is not ours is explained, and the citizen told where to go (建议件, LZ-13; never in silence, trap 8)."""

from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Outcome
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.end_appeal import Ending, begin_ending, end_appeal
from services.intake.use_cases.mask_words import mask_for
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import HandlingMode


@dataclass(frozen=True, slots=True)
class ReferAppeal:
    """Why it is not ours, whose it is, and how that body is reached (the body's own contact, nobody's private one)."""

    appeal_id: UUID
    explanation: str
    target_body: str
    target_contact: str = ""


async def refer_appeal(uow: UnitOfWork, desk: Desk, command: ReferAppeal, mover: Mover) -> Row:
    """End the appeal with an explanation and the proper body; return it. Its mode is advisory, so it is counted apart.

    Raises NotFound, StaleVersion, IllegalMove.
    """
    moving = await begin_ending(uow, command.appeal_id, Move.REFER, mover)
    mask = await mask_for(uow, desk, command.appeal_id)
    explanation, target = mask(command.explanation), mask(command.target_body)
    details = {"explanation": explanation, "target_body": target, "target_contact": command.target_contact}
    outcome = Outcome(details=details, changes={"mode": HandlingMode.ADVISORY})
    ending = Ending(reason_code="advisory", reply=f"{explanation}\n{target}", can_be_evaluated=True)
    return await end_appeal(uow, moving, outcome, ending)
