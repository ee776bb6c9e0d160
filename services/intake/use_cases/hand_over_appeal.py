"""T3: an emergency is handed over at once, how long it took and what became of it is on record (LZ-07, trap 31)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.db.appeals import HistoryEntry, Row, append_history, find_appeal, lock_appeal
from services.intake.db.hand_overs import find_partner, find_without_result, insert_hand_over, save_result
from services.intake.db.moves import MoveToSave, save_move
from services.intake.domain.hand_overs import EmergencyService, HandOver, latency, problems_of_time
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Outcome, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.end_appeal import Ending, begin_ending, end_appeal
from services.intake.use_cases.mask_words import mask_for
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, InvalidInput, NotFound
from shared.ids import uuid7
from shared.vocabulary import AppealStatus


class NoResultMissing(Conflict):
    """Every hand-over of this appeal has its result, or there was none."""

    code = "no_result_missing"
    title = "No hand-over waits for a result"


@dataclass(frozen=True, slots=True)
class HandOverAppeal:
    """Whom it went to; the moment of the hand-over is now unless it is told."""

    appeal_id: UUID
    service: EmergencyService
    partner_code: str | None = None
    reference: str = ""
    handed_over_at: datetime | None = None
    result: str | None = None
    keep_handling: bool = False


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of the oldest hand-over of an appeal that has no result yet."""

    appeal_id: UUID
    result: str
    at: datetime | None = None


async def hand_over_appeal(uow: UnitOfWork, desk: Desk, command: HandOverAppeal, mover: Mover) -> Row:
    """Log the hand-over; the appeal ends with it unless a department is to go on handling it. Return the appeal.

    Raises NotFound, StaleVersion, IllegalMove, InvalidInput.
    """
    moving = await begin_ending(uow, command.appeal_id, Move.HAND_OVER, mover)
    mask = await mask_for(uow, desk, command.appeal_id)
    hand_over = HandOver(
        service=command.service,
        handed_over_at=command.handed_over_at or uow.now,
        partner_code=command.partner_code,
        reference=mask(command.reference),
        result=mask(command.result) if command.result else None,
        keep_handling=command.keep_handling,
    )
    await _check(uow, moving.row, hand_over)
    hand_over_id = uuid7()
    await insert_hand_over(uow.connection, hand_over_id, moving.row, hand_over, actor=mover.actor, now=uow.now)
    details = {"hand_over_id": str(hand_over_id), **_details(moving.row, hand_over)}
    if hand_over.keep_handling:
        return await finish_move(uow, moving, Outcome(details=details, stays=True))
    return await end_appeal(uow, moving, Outcome(details=details), Ending(reason_code=hand_over.service))


async def record_result(uow: UnitOfWork, desk: Desk, command: RecordResult, mover: Mover) -> Row:
    """Record what became of a hand-over; the appeal's state stays as it is. Return the appeal.

    Raises NotFound, StaleVersion, NoResultMissing, InvalidInput for a time before the hand-over or in the future.
    """
    row = await lock_appeal(uow.connection, command.appeal_id)
    if row is None or mover.department_code not in {None, row["department_code"]}:
        raise NotFound("There is no such appeal.")
    if mover.check_version is not None:
        mover.check_version(row["shown_version"])
    waiting = await find_without_result(uow.connection, command.appeal_id)
    if waiting is None:
        raise NoResultMissing("No hand-over of this appeal waits for a result.")
    at = command.at or uow.now
    problems = list(problems_of_time("/at", at, not_before=waiting["handed_over_at"], now=uow.now))
    if problems:
        raise InvalidInput("The time of the result does not fit.", problems)
    result = (await mask_for(uow, desk, command.appeal_id))(command.result)
    await save_result(uow.connection, waiting["id"], result=result, at=at, actor=mover.actor)
    details = {"result_of": str(waiting["id"]), "service": waiting["service"], "result": result, "at": at.isoformat()}
    return await _note(uow, row, mover, details)


def _details(row: Row, hand_over: HandOver) -> dict[str, Any]:
    return {
        "service": hand_over.service,
        "partner_code": hand_over.partner_code,
        "reference": hand_over.reference,
        "handed_over_at": hand_over.handed_over_at.isoformat(),
        "latency_seconds": int(latency(row["received_at"], hand_over.handed_over_at).total_seconds()),
        "keep_handling": hand_over.keep_handling,
        "result": hand_over.result,
    }


async def _note(uow: UnitOfWork, row: Row, mover: Mover, details: dict[str, str]) -> Row:
    status = AppealStatus(row["seen_status"])
    await save_move(uow.connection, MoveToSave(row["id"], uow.now, None, {}, held=row["held"]))
    entry = HistoryEntry(row["id"], Move.HAND_OVER, ("T3",), status, status, mover.actor, uow.now, details)
    await append_history(uow.connection, entry)
    after = await find_appeal(uow.connection, row["id"])
    if after is None:
        raise NotFound("There is no such appeal.")
    return after


async def _check(uow: UnitOfWork, row: Row, hand_over: HandOver) -> None:
    problems = list(
        problems_of_time("/handed_over_at", hand_over.handed_over_at, not_before=row["received_at"], now=uow.now)
    )
    if hand_over.partner_code is not None:
        partner = await find_partner(uow.connection, hand_over.partner_code)
        if partner is None or partner.retired:
            problems.append(FieldProblem("/partner_code", "is no organisation of the directory"))
        elif partner.service is not hand_over.service:
            problems.append(FieldProblem("/partner_code", "is an organisation of another service", [partner.service]))
    if problems:
        raise InvalidInput("The hand-over does not fit.", problems)
