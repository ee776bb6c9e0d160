"""Withdrawing an attachment: it counts no more and is shown no more, and it stays on record with the reason."""

from dataclasses import dataclass
from uuid import UUID

from services.intake.db import attachments as rows
from services.intake.db.appeals import Row
from services.intake.domain.attachments import WithdrawReason
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class WithdrawAttachment:
    appeal_id: UUID
    attachment_id: UUID
    reason: WithdrawReason
    actor: str
    department_code: str | None = None


async def withdraw_attachment(uow: UnitOfWork, command: WithdrawAttachment) -> Row:
    """Mark it; the first reason stays. A department withdraws only what a department brought. Raises NotFound."""
    await get_appeal(uow, command.appeal_id, department_code=command.department_code)
    row = await rows.find_attachment(uow.connection, command.appeal_id, command.attachment_id, lock=True)
    if row is None or (command.department_code is not None and row["source"] != "department"):
        raise NotFound("There is no such attachment.")
    if row["withdrawn_at"] is not None:
        return row
    await rows.mark_withdrawn(uow.connection, row["id"], reason=command.reason, actor=command.actor, at=uow.now)
    return {
        **row,
        "withdrawn_reason": command.reason,
        "withdrawn_by": command.actor,
        "withdrawn_at": uow.now,
    }
