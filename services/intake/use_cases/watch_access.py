"""Who looked at what: the trace that shows, afterwards, who knew (section 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.intake.db.appeals import AccessLogEntry, Row, log_access
from services.intake.db.privacy import read_access_log
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.cursors import cut_page, decode_position
from shared.db.unit_of_work import UnitOfWork


class AccessKind(StrEnum):
    """How somebody came to see something of an appeal."""

    VIEW = "view"
    SEARCH = "search"
    REVEAL = "reveal"
    ATTACHMENT = "attachment"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who looks, and why where a reason is asked for."""

    actor: str
    principal_id: str
    department_code: str | None = None
    reason: str = ""


async def view_appeal(uow: UnitOfWork, appeal_id: UUID, onlooker: Onlooker) -> Row:
    """Return one appeal, leaving a trace in the same transaction. Raises NotFound."""
    row = await get_appeal(uow, appeal_id, department_code=onlooker.department_code)
    await trace(uow, appeal_id, onlooker, AccessKind.VIEW)
    return row


async def trace(
    uow: UnitOfWork, appeal_id: UUID, onlooker: Onlooker, kind: AccessKind, *, granted: bool = True
) -> None:
    """Leave a trace of one look."""
    await trace_all(uow, [appeal_id], onlooker, kind, granted=granted)


async def trace_all(
    uow: UnitOfWork, appeal_ids: Sequence[UUID], onlooker: Onlooker, kind: AccessKind, *, granted: bool = True
) -> None:
    """Leave a trace on each of these appeals."""
    entries = [
        AccessLogEntry(
            appeal_id=appeal_id,
            actor=onlooker.actor,
            principal_id=onlooker.principal_id,
            reason=onlooker.reason,
            granted=granted,
            at=uow.now,
            kind=kind,
        )
        for appeal_id in appeal_ids
    ]
    await log_access(uow.connection, *entries)


async def list_accesses(
    uow: UnitOfWork, appeal_id: UUID, *, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of who looked at an appeal, the newest first. Raises NotFound, InvalidInput for the cursor."""
    await get_appeal(uow, appeal_id)
    after = decode_position(cursor)
    found = await read_access_log(uow.connection, appeal_id, after=after, limit=limit + 1)
    return cut_page(found, limit, by="at")
