"""The review list: appeals that wait for an agent's decision, with what was suggested for each."""

from datetime import datetime
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.suggestions import ReviewFilter
from services.intake.db.suggestions import list_review as rows_of_review
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork


async def list_review(
    uow: UnitOfWork, wanted: ReviewFilter, *, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page, the one due first first, and where the next one starts.

    Raises InvalidInput for a cursor that is not of this list.
    """
    position = decode_cursor(cursor, (datetime, UUID)) if cursor is not None else None
    after = (position[0], position[1]) if position is not None else None
    found = await rows_of_review(uow.connection, wanted, after=after, limit=limit + 1)
    page = found[:limit]
    return page, encode_cursor(page[-1]["due_at"], page[-1]["id"]) if len(found) > limit else None
