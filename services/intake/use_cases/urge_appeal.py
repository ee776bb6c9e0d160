"""An urge 催办: the same person asks again about the same open matter; a touch that counts, never a second ticket."""

from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.urges import add_urge
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Outcome, begin_move, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.mask_words import mask_for
from shared.contracts.events import AppealUrged
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class UrgeAppeal:
    """A touch; it came through the appeal's own channel unless another is told."""

    appeal_id: UUID
    note: str = ""
    channel: Channel | None = None


async def urge_appeal(uow: UnitOfWork, desk: Desk, command: UrgeAppeal, mover: Mover) -> Row:
    """Log the touch and pass it on; nothing else changes. Return the appeal.

    Raises NotFound, StaleVersion, IllegalMove for a matter that is not open.
    """
    moving = await begin_move(uow, command.appeal_id, Move.URGE, mover)
    channel = command.channel or Channel(moving.row["channel"])
    note = (await mask_for(uow, desk, command.appeal_id))(command.note)
    count = await add_urge(uow.connection, command.appeal_id, channel=channel, note=note, actor=mover.actor, at=uow.now)
    uow.publish(AppealUrged(count=count, channel=channel, at=uow.now), subject=command.appeal_id)
    return await finish_move(uow, moving, Outcome(details={"count": count, "channel": channel, "note": note}))
