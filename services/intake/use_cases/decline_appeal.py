"""T7: refusing an appeal, on a ground of the closed list, by two persons, with the reason told (section 2.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.declines import (
    Decision,
    Proposal,
    find_pending,
    insert_proposal,
    is_on_record,
    save_decision,
)
from services.intake.domain import receipts
from services.intake.domain.machine import Move
from services.intake.domain.refusals import Ground, LegalChannel, Refusal, problems_of, told
from services.intake.use_cases.carry_out_move import Mover, Moving, Outcome, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.end_appeal import Ending, begin_ending, end_appeal
from services.intake.use_cases.mask_words import Mask, mask_for
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, Forbidden, InvalidInput
from shared.ids import uuid7


class SecondPersonNeeded(Forbidden):
    """Who proposed a refusal may not decide on it."""

    code = "second_person_needed"
    title = "Another person has to decide"


class AlreadyProposed(Conflict):
    """A refusal waits for its second person already."""

    code = "already_proposed"
    title = "A refusal of this appeal is proposed already"


class NothingProposed(Conflict):
    """There is nothing to decide on."""

    code = "nothing_proposed"
    title = "No refusal of this appeal is proposed"


@dataclass(frozen=True, slots=True)
class DeclineAppeal:
    """A refusal as a caller wants it; `may_review` tells whether the caller may decide."""

    appeal_id: UUID
    refusal: Refusal
    may_review: bool


@dataclass(frozen=True, slots=True)
class DecideDecline:
    """What the second person says to a proposed refusal."""

    appeal_id: UUID
    decision: Literal["confirm", "reject"]
    note: str = ""


async def decline_appeal(uow: UnitOfWork, desk: Desk, command: DeclineAppeal, mover: Mover) -> Row:
    """Refuse, or propose it when the caller may not decide; a reviewer's word on a proposal of another confirms it.

    Return the appeal, which is still open after a proposal. Raises NotFound, StaleVersion, IllegalMove, InvalidInput,
    AlreadyProposed, SecondPersonNeeded.
    """
    moving = await begin_ending(uow, command.appeal_id, Move.DECLINE, mover)
    mask = await mask_for(uow, desk, command.appeal_id)
    refusal = await _checked(uow, moving, command.refusal, mask)
    pending = await find_pending(uow.connection, command.appeal_id)
    if not command.may_review:
        if pending is not None:
            raise AlreadyProposed("Its second person has not decided yet.")
        await insert_proposal(uow.connection, _proposal(uow, moving, refusal))
        return await finish_move(uow, moving, Outcome(details={"proposed": True, **_details(refusal)}, stays=True))
    confirmed = Decision("confirmed", mover.actor, uow.now)
    if pending is None:
        await insert_proposal(uow.connection, _proposal(uow, moving, refusal), confirmed)
        return await _refuse(uow, moving, refusal, proposed_by=mover.actor)
    _expect_another(pending, mover)
    await save_decision(uow.connection, pending["id"], confirmed)
    return await _refuse(uow, moving, refusal, proposed_by=pending["proposed_by"])


async def decide_decline(uow: UnitOfWork, desk: Desk, command: DecideDecline, mover: Mover) -> Row:
    """Confirm a proposed refusal as it was proposed, or reject it: then the appeal goes on as if nothing had been.

    Raises NotFound, StaleVersion, IllegalMove, NothingProposed, SecondPersonNeeded.
    """
    moving = await begin_ending(uow, command.appeal_id, Move.DECLINE, mover)
    pending = await find_pending(uow.connection, command.appeal_id)
    if pending is None:
        raise NothingProposed("There is nothing to decide on.")
    _expect_another(pending, mover)
    note = (await mask_for(uow, desk, command.appeal_id))(command.note)
    is_confirmed = command.decision == "confirm"
    decided = Decision("confirmed" if is_confirmed else "rejected", mover.actor, uow.now, note)
    await save_decision(uow.connection, pending["id"], decided)
    if is_confirmed:
        return await _refuse(uow, moving, _refusal_of(pending), proposed_by=pending["proposed_by"])
    details = {"rejected": True, "proposed_by": pending["proposed_by"], "note": note}
    return await finish_move(uow, moving, Outcome(details=details, stays=True))


async def _checked(uow: UnitOfWork, moving: Moving, refusal: Refusal, mask: Mask) -> Refusal:
    """Return the refusal masked, its reference to another appeal in one form. Raises InvalidInput."""
    problems = list(problems_of(refusal))
    other = refusal.other_receipt_number
    if other is not None and not problems:
        other = receipts.normalise_receipt_number(other)
        is_other = other != moving.row["receipt_number"]
        if not (is_other and receipts.is_receipt_number(other) and await is_on_record(uow.connection, other)):
            problems.append(FieldProblem("/other_receipt_number", "is not the receipt number of another appeal"))
    if problems:
        raise InvalidInput("The ground is not complete.", problems)
    return replace(refusal, explanation=mask(refusal.explanation), other_receipt_number=other)


def _expect_another(pending: Row, mover: Mover) -> None:
    if pending["proposed_by"] == mover.actor:
        raise SecondPersonNeeded("Who proposed a refusal may not decide on it.")


def _proposal(uow: UnitOfWork, moving: Moving, refusal: Refusal) -> Proposal:
    return Proposal(uuid7(), moving.appeal_id, refusal, moving.mover.actor, uow.now)


def _refusal_of(pending: Row) -> Refusal:
    channel = pending["legal_channel"]
    return Refusal(
        ground=Ground(pending["ground"]),
        explanation=pending["explanation"],
        legal_channel=LegalChannel(channel) if channel else None,
        other_receipt_number=pending["other_receipt_number"],
    )


def _details(refusal: Refusal) -> Mapping[str, Any]:
    return {
        "ground": refusal.ground,
        "explanation": refusal.explanation,
        "legal_channel": refusal.legal_channel,
        "other_receipt_number": refusal.other_receipt_number,
    }


async def _refuse(uow: UnitOfWork, moving: Moving, refusal: Refusal, *, proposed_by: str) -> Row:
    details = {**_details(refusal), "proposed_by": proposed_by, "decided_by": moving.mover.actor}
    reply = f"{told(refusal.ground, refusal.legal_channel)[1]}{refusal.explanation}"
    return await end_appeal(uow, moving, Outcome(details=details), Ending(reason_code=refusal.ground, reply=reply))
