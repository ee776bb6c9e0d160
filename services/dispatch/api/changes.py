"""The feed of changes: read from the beginning or from a cursor, complete, in an order that never changes."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.dispatch.api.ticket_schemas import ChangeFeed, ChangeView
from services.dispatch.api.workplace import Reader
from services.dispatch.use_cases import read_tickets
from shared.db.cursors import MAX_CURSOR_LENGTH
from shared.http.dependencies import Db

router = APIRouter(prefix="/v1/changes", tags=["tickets"])
MOST = 1000


@router.get(
    "",
    operation_id="list_changes",
    summary="Everything that happened to tickets, replayable",
    response_model=ChangeFeed,
)
async def list_changes(
    principal: Reader,
    db: Db,
    cursor: Annotated[
        str | None,
        Query(min_length=1, max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the last answer."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 200,
) -> ChangeFeed:
    """Nothing is skipped: a change is shown once nothing can come before it any more. A department sees its own."""
    found, following = await db.transact(
        lambda uow: read_tickets.changes(uow, principal, limit=limit, cursor=cursor), read_only=True
    )
    return ChangeFeed(items=[ChangeView.of(change) for change in found], next_cursor=following)
