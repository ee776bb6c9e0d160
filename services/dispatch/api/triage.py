"""What waits for a dispatcher, with why."""

from fastapi import APIRouter

from services.dispatch.api.ticket_schemas import TriageItem
from services.dispatch.api.workplace import Dispatcher
from services.dispatch.use_cases import read_tickets
from shared.http.dependencies import Db, Page, PageQuery

router = APIRouter(prefix="/v1/triage", tags=["office moves"])


@router.get(
    "",
    operation_id="list_triage",
    summary="What no rule took, and what was rightly returned",
    response_model=Page[TriageItem],
)
async def list_triage(principal: Dispatcher, db: Db, page: PageQuery) -> Page[TriageItem]:
    """The longest waiting first. `dispatch` sends one on."""
    found, following = await db.transact(
        lambda uow: read_tickets.triage(uow, principal, limit=page.limit, cursor=page.cursor), read_only=True
    )
    now = db.clock.now()
    return Page(items=[TriageItem.of(ticket, reason, now) for ticket, reason in found], next_cursor=following)
