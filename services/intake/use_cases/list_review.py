"""The review list: appeals that wait for an agent's decision, with what was suggested for each."""

from services.intake.db.appeals import Row
from services.intake.db.suggestions import ReviewFilter
from services.intake.db.suggestions import list_review as rows_of_review
from shared.db.cursors import cut_page, decode_position
from shared.db.unit_of_work import UnitOfWork


async def list_review(
    uow: UnitOfWork, wanted: ReviewFilter, *, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page, the one due first first, and where the next one starts.

    Raises InvalidInput for a cursor that is not of this list.
    """
    after = decode_position(cursor)
    found = await rows_of_review(uow.connection, wanted, after=after, limit=limit + 1)
    return cut_page(found, limit, by="due_at")
