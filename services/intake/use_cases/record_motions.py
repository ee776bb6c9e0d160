"""Motions: deputies took up an appeal, and it is on record to which motion it led (LZ-04)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.db.appeals import find_appeal
from services.intake.db.sessions import Row, insert_motion, list_motions
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, InvalidInput, NotFound
from shared.ids import uuid7


class MotionOnRecord(Conflict):
    """The motion is linked with this appeal already."""

    code = "motion_on_record"
    title = "This motion is on record already"


@dataclass(frozen=True, slots=True)
class RecordMotion:
    """A motion or suggestion that was put to an assembly."""

    appeal_id: UUID
    values: Mapping[str, Any]
    actor: str


async def record_motion(uow: UnitOfWork, command: RecordMotion) -> Row:
    """Link an appeal with a motion; return the record. Raises NotFound, InvalidInput, MotionOnRecord."""
    appeal = await find_appeal(uow.connection, command.appeal_id)
    if appeal is None:
        raise NotFound("There is no such appeal.")
    if not appeal["received_at"] <= command.values["submitted_at"] <= uow.now:
        problem = FieldProblem("/submitted_at", "lies before the appeal was received, or in the future")
        raise InvalidInput("The motion is not valid.", [problem])
    row = {
        "id": uuid7(),
        "appeal_id": command.appeal_id,
        **command.values,
        "recorded_by": command.actor,
        "recorded_at": uow.now,
    }
    if not await insert_motion(uow.connection, row):
        raise MotionOnRecord("It is linked with this appeal already.")
    return row


async def get_motions(uow: UnitOfWork, appeal_id: UUID, *, department_code: str | None) -> list[Row]:
    """Return the motions an appeal led to, oldest first. Raises NotFound."""
    await get_appeal(uow, appeal_id, department_code=department_code)
    return await list_motions(uow.connection, appeal_id)
