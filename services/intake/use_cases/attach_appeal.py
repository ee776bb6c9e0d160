"""Handling appeals on one matter as one (T9), and parting them again (section 8).

An attached appeal keeps its number, its notices and a verdict of its own; nothing is merged away (trap 24).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.db.appeals import Row, find_appeal, lock_appeals
from services.intake.db.groups import Membership, add_member, count_members, end_membership, master_of
from services.intake.domain.groups import Voice, check_attachable
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Outcome, begin_move, facts_of_row, finish_move
from services.intake.use_cases.warn_of_group import warn_of_group
from shared.contracts.events import AppealAttached, AppealDetached
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput, NotFound
from shared.vocabulary import AppealStatus, AppealType


@dataclass(frozen=True, slots=True)
class AttachAppeal:
    """Attach one appeal to another, its master; the reason is kept."""

    appeal_id: UUID
    master_id: UUID
    reason: str


async def attach_appeal(uow: UnitOfWork, command: AttachAppeal, mover: Mover) -> Row:
    """T9: the member follows the master from now on; return the member.

    A member without a category takes the master's. Raises NotFound, StaleVersion, IllegalMove, InvalidInput when the
    master is not on record, CannotAttach.
    """
    await lock_appeals(uow.connection, [command.appeal_id, command.master_id])
    moving = await begin_move(uow, command.appeal_id, Move.ATTACH, mover)
    master = await find_appeal(uow.connection, command.master_id)
    if master is None:
        problem = FieldProblem("/master_id", "there is no such appeal")
        raise InvalidInput("The master is not on record.", [problem])
    check_attachable(await _voice_of(uow, moving.row), await _voice_of(uow, master))
    await add_member(
        uow.connection,
        Membership(command.appeal_id, command.master_id, uow.now, mover.actor, command.reason),
    )
    changes = _classification_from(master) if moving.row["category_code"] is None else {}
    details = {
        "master_id": str(command.master_id),
        "master_receipt_number": master["receipt_number"],
        "reason": command.reason,
        **({"category_code": changes["category_code"]} if changes else {}),
    }
    after = await finish_move(uow, moving, Outcome(details=details, changes=changes))
    uow.publish(
        AppealAttached(**facts_of_row(after, now=uow.now), master_appeal_id=command.master_id, attached_at=uow.now),
        subject=command.appeal_id,
    )
    await warn_of_group(uow, command.master_id)
    return after


async def detach_appeal(uow: UnitOfWork, appeal_id: UUID, *, reason: str, mover: Mover) -> Row:
    """Un-merge: it is accepted by itself, its clock starting where it started; return it.

    Raises NotFound, StaleVersion, IllegalMove when it is not attached.
    """
    master_id = await master_of(uow.connection, appeal_id)
    if master_id is not None:
        await lock_appeals(uow.connection, [appeal_id, master_id])
    moving = await begin_move(uow, appeal_id, Move.DETACH, mover)
    parted_from = await end_membership(uow.connection, appeal_id, at=uow.now, actor=mover.actor, reason=reason)
    if parted_from is None:
        raise NotFound("The appeal is not attached to any other.")
    # It was never accepted by itself if it was attached from the review list: its clock starts when it was on record.
    started_at = moving.row["accepted_at"] or moving.row["created_at"]
    outcome = Outcome(
        details={"master_id": str(parted_from), "reason": reason},
        changes={"accepted_at": started_at},
        accepted=True,
    )
    after = await finish_move(uow, moving, outcome)
    uow.publish(
        AppealDetached(**facts_of_row(after, now=uow.now), master_appeal_id=parted_from, detached_at=uow.now),
        subject=appeal_id,
    )
    return after


async def _voice_of(uow: UnitOfWork, row: Row) -> Voice:
    return Voice(
        id=row["id"],
        receipt_number=row["receipt_number"],
        type=AppealType(row["type"]),
        status=AppealStatus(row["seen_status"]),
        master_id=await master_of(uow.connection, row["id"]),
        members=await count_members(uow.connection, row["id"]),
        is_classified=row["category_code"] is not None,
    )


def _classification_from(master: Row) -> Mapping[str, Any]:
    return {name: master[name] for name in ("category_code", "urgency", "mode")}
