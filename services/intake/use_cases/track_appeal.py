"""What a citizen sees with the receipt number and the access code; a wrong number and a wrong code look the same."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from services.intake.db.appeals import find_tracked, find_tracked_master
from services.intake.db.supplements import StoredRequest, find_open_request
from services.intake.domain import access_codes, receipts
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.find_appeals import Line, timeline_of, told_lines
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealStatus, Stage, stage_of

# Its check digit is wrong, so it is nobody's; looking it up takes as long as looking up a real one.
_NOBODYS_NUMBER: Final = "0000000000001"
_NOBODYS_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Tracked:
    """One appeal as its citizen sees it."""

    receipt_number: str
    status: AppealStatus
    stage: Stage
    round: int
    as_of: datetime
    promised_by: datetime | None
    department_code: str | None
    department_name: str | None
    timeline: list[Line]
    supplement: StoredRequest | None = None


async def track_appeal(uow: UnitOfWork, desk: Desk, *, receipt_number: str, access_code: str) -> Tracked:
    """Return the progress. Raises NotFound as `find_by_credentials` does."""
    row = await find_by_credentials(uow, desk, receipt_number=receipt_number, access_code=access_code)
    lines = await timeline_of(uow, row.id)
    if row.status == AppealStatus.ATTACHED:
        row, followed = await _following_master(uow, row)
        lines = sorted([*lines, *followed], key=lambda line: line.at)
    status = AppealStatus(row.status)
    return Tracked(
        receipt_number=row.receipt_number,
        status=status,
        stage=stage_of(status),
        round=row.round,
        as_of=row.as_of,
        promised_by=row.promised_by,
        department_code=row.department_code,
        department_name=row.department_name,
        timeline=lines,
        supplement=await find_open_request(uow.connection, row.id) if status is AppealStatus.SUPPLEMENTING else None,
    )


async def _following_master(uow: UnitOfWork, row: Any) -> tuple[Any, list[Line]]:
    """Return the row as its citizen sees it: how far the master is, and nothing of who else appealed (section 8)."""
    master = await find_tracked_master(uow.connection, row.id)
    if master is None:
        return row, []
    shown = SimpleNamespace(**{**master._mapping, "id": row.id, "receipt_number": row.receipt_number})
    return shown, await told_lines(uow, master.id)


async def find_by_credentials(uow: UnitOfWork, desk: Desk, *, receipt_number: str, access_code: str) -> Any:
    """Return the row of the citizen who holds number and code.

    Raises NotFound, with the same words and after the same work, for whatever does not fit.
    """
    number = receipts.normalise_receipt_number(receipt_number)
    well_formed = receipts.is_receipt_number(number)
    row = await find_tracked(uow.connection, number if well_formed else _NOBODYS_NUMBER)
    stored = bytes(row.access_hash) if row is not None else _NOBODYS_HASH
    fits = access_code_fits(desk, access_code, stored)
    if row is None or not (well_formed and fits):
        raise NotFound("There is no appeal with this receipt number and access code.")
    return row


def access_code_fits(desk: Desk, access_code: str, stored: bytes) -> bool:
    """Compare with every key a code may have been hashed with, none left out, each in constant time."""
    code = access_codes.normalise_access_code(access_code)
    hashes = [access_codes.hash_access_code(code, key) for key in desk.vault.access_keys]
    return sum(hmac.compare_digest(candidate, stored) for candidate in hashes) > 0
