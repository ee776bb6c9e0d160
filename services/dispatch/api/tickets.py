"""Reading tickets: lists, one ticket, its history, why it went where it went."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.dispatch.api.ticket_schemas import (
    ChangeView,
    DecisionList,
    DecisionView,
    TicketDetail,
    TicketView,
)
from services.dispatch.api.workplace import NOT_FOUND, Reader
from services.dispatch.db.ticket_lists import TicketFilter
from services.dispatch.use_cases import read_tickets
from services.dispatch.use_cases.read_tickets import TicketOrder
from shared.http.dependencies import Db, Page, PageQuery, etag_of
from shared.http.text import Moment
from shared.vocabulary import AppealStatus

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])
Code = Annotated[str | None, Query(min_length=1, max_length=40, pattern=r"^[^\u0000]+$")]


@router.get(
    "",
    operation_id="list_tickets",
    summary="Tickets by filter, newest or first due first",
    response_model=Page[TicketView],
)
async def list_tickets(  # noqa: PLR0913 - one parameter per filter of the query string
    *,
    principal: Reader,
    db: Db,
    page: PageQuery,
    appeal_id: UUID | None = None,
    receipt_number: Code = None,
    department_code: Code = None,
    status: Annotated[list[AppealStatus] | None, Query(max_length=20)] = None,
    overdue: bool | None = None,
    due_before: Moment | None = None,
    category_code: Code = None,
    grid_code: Code = None,
    order: Annotated[
        Literal["newest", "due"] | None,
        Query(
            description="`newest`: by creation, descending. `due`: running tickets by `resolve_due_at`, ascending. "
            "Unless said, `due` when asked for what is overdue or due before a time, else `newest`."
        ),
    ] = None,
) -> Page[TicketView]:
    """A department sees its own only. The order is stable: ties are broken by id."""
    wanted = TicketFilter(
        department_code=department_code,
        appeal_id=appeal_id,
        receipt_number=receipt_number,
        statuses=tuple(status or ()),
        overdue=overdue,
        due_before=due_before,
        category_code=category_code,
        grid_code=grid_code,
    )
    query = read_tickets.ListTickets(principal, wanted, order and TicketOrder(order), page.limit, page.cursor)
    found, following = await db.transact(lambda uow: read_tickets.list_tickets(uow, query), read_only=True)
    now = db.clock.now()
    return Page(items=[TicketView.of(ticket, now) for ticket in found], next_cursor=following)


@router.get(
    "/{ticket_id}",
    operation_id="get_ticket",
    summary="One ticket with all its turns",
    response_model=TicketDetail,
    responses=NOT_FOUND,
)
async def get_ticket(ticket_id: UUID, principal: Reader, db: Db, response: Response) -> TicketDetail:
    """The ETag is what `If-Match` of a move compares."""
    ticket, legs = await db.transact(lambda uow: read_tickets.get_with_legs(uow, principal, ticket_id), read_only=True)
    response.headers["ETag"] = etag_of(ticket.version)
    return TicketDetail.with_legs(ticket, legs, db.clock.now())


@router.get(
    "/{ticket_id}/timeline",
    operation_id="get_timeline",
    summary="What happened to a ticket, in order",
    response_model=Page[ChangeView],
    responses=NOT_FOUND,
)
async def get_timeline(ticket_id: UUID, principal: Reader, db: Db, page: PageQuery) -> Page[ChangeView]:
    """Who did what, from which state to which, and why."""
    entries, following = await db.transact(
        lambda uow: read_tickets.timeline(uow, principal, ticket_id, limit=page.limit, cursor=page.cursor),
        read_only=True,
    )
    return Page(items=[ChangeView.of(entry) for entry in entries], next_cursor=following)


@router.get(
    "/{ticket_id}/decision",
    operation_id="get_routing_decision",
    summary="Why a ticket went where it went",
    response_model=DecisionList,
    responses=NOT_FOUND,
)
async def get_routing_decision(ticket_id: UUID, principal: Reader, db: Db) -> DecisionList:
    """Every decision, the first one first: by rule with all that was considered, or by a dispatcher with a reason."""
    records = await db.transact(lambda uow: read_tickets.decisions(uow, principal, ticket_id), read_only=True)
    return DecisionList(items=[DecisionView.of(record) for record in records])
