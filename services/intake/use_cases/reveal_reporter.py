"""Opening the vault for one appeal: with a reason, leaving a trace before anything is shown (section 9)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.db.appeals import AccessLogEntry, log_access, read_vault
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Forbidden
from shared.vocabulary import AppealType


class TwoPersonsNeeded(Forbidden):
    """A report's reporter is not shown on one person's word."""

    code = "two_persons_needed"
    title = "One person alone may not see this"


@dataclass(frozen=True, slots=True)
class RevealReporter:
    appeal_id: UUID
    reason: str
    actor: str
    principal_id: str
    department_code: str | None = None


async def reveal_reporter(uow: UnitOfWork, desk: Desk, command: RevealReporter) -> dict[str, Any] | None:
    """Log the request, then return the vault's content; None when it is refused, and the refusal is logged.

    The caller turns None into TwoPersonsNeeded after the commit, so that the trace stays. Raises NotFound.
    """
    row = await get_appeal(uow, command.appeal_id, department_code=command.department_code)
    granted = row["type"] != AppealType.REPORT
    await log_access(
        uow.connection,
        AccessLogEntry(command.appeal_id, command.actor, command.principal_id, command.reason, granted, uow.now),
    )
    if not granted:
        return None
    sealed = await read_vault(uow.connection, command.appeal_id)
    return desk.vault.open(command.appeal_id, sealed) if sealed is not None else {}
