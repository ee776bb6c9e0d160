"""Work lists of the handling modes: hand-overs without a result, refusals that wait, and one appeal's own history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.db.appeals import Row, read_history
from services.intake.db.declines import list_declines as select_declines
from services.intake.db.hand_overs import list_hand_overs as select_hand_overs
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealType


async def list_hand_overs(
    uow: UnitOfWork, *, with_result: bool | None, department_code: str | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of hand-overs, oldest first. Raises InvalidInput for a cursor of another list."""
    found = await select_hand_overs(
        uow.connection,
        with_result=with_result,
        department_code=department_code,
        after=_position(cursor),
        limit=limit + 1,
    )
    return _page(found, limit, "handed_over_at")


async def list_declines(
    uow: UnitOfWork, *, pending: bool | None, department_code: str | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of refusals, oldest first. Raises InvalidInput for a cursor of another list."""
    found = await select_declines(
        uow.connection, pending=pending, department_code=department_code, after=_position(cursor), limit=limit + 1
    )
    return _page(found, limit, "proposed_at")


async def get_history(uow: UnitOfWork, appeal_id: UUID, *, department_code: str | None = None) -> list[dict[str, Any]]:
    """Return what intake did to an appeal, oldest first, with who did it and why.

    Departments see the steps of a report without what was written (section 9). Raises NotFound.
    """
    row = await get_appeal(uow, appeal_id, department_code=department_code)
    steps = await read_history(uow.connection, appeal_id)
    if department_code is None or row["type"] != AppealType.REPORT:
        return steps
    return [{**step, "details": {}} for step in steps]


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, id_ = decode_cursor(cursor, (datetime, UUID))
    return at, id_


def _page(found: list[Row], limit: int, key: str) -> tuple[list[Row], str | None]:
    page = found[:limit]
    return page, encode_cursor(page[-1][key], page[-1]["id"]) if len(found) > limit else None
