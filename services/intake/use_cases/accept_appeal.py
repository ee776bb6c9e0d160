"""Accepting an appeal that waited for an agent's decision (T10)."""

from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Outcome, begin_move, facts_of_row, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.mask_words import mask_for
from shared.contracts.events import AppealAccepted, AppealResumed
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict
from shared.vocabulary import HandlingMode


class NotAcceptable(Conflict):
    """Something that acceptance needs is not decided yet, or it is not the city's to handle."""

    code = "not_acceptable"
    title = "The appeal cannot be accepted yet"


@dataclass(frozen=True, slots=True)
class AcceptAppeal:
    """Accept an appeal of the review list; the note is for the record."""

    appeal_id: UUID
    note: str = ""


async def accept_appeal(uow: UnitOfWork, desk: Desk, command: AcceptAppeal, mover: Mover) -> Row:
    """T10: start the citizen's clock and have it dispatched; return the appeal.

    Raises NotFound, StaleVersion, IllegalMove, NotAcceptable naming what is missing.
    """
    moving = await begin_move(uow, command.appeal_id, Move.ACCEPT, mover)
    check_acceptable(moving.row)
    details = {"note": (await mask_for(uow, desk, moving.appeal_id))(command.note)} if command.note else {}
    after = await finish_move(uow, moving, Outcome(details=details, accepted=True))
    publish_accepted(uow, before=moving.row, after=after)
    return after


def missing_of(row: Row) -> list[str]:
    """Return the fields that acceptance still needs; leaving the location out is saying that there is none."""
    return [name for name in ("category_code", "urgency", "mode") if row[name] is None]


def check_acceptable(row: Row) -> None:
    """Raise NotAcceptable naming what keeps it from being accepted."""
    if missing := missing_of(row):
        raise NotAcceptable(f"Not decided yet: {', '.join(missing)}.", missing=missing)
    if row["mode"] == HandlingMode.ADVISORY:
        raise NotAcceptable(
            "An advisory matter is explained and referred, never dispatched; change its mode to have it handled."
        )


def publish_accepted(uow: UnitOfWork, *, before: Row, after: Row) -> None:
    """Tell the others that it is theirs now, or theirs again: then its clock goes on with what remained (trap 7)."""
    facts = facts_of_row(after, now=uow.now)
    is_first = before["accepted_at"] is None
    event = AppealAccepted(**facts) if is_first else AppealResumed(**facts, resumed_at=uow.now)
    uow.publish(event, subject=after["id"])
