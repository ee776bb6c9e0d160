"""Reading tickets, each caller what is its own to see: lists, one, history, decisions, triage, the feed of changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.dispatch.db import decisions as decision_rows
from services.dispatch.db import history, ticket_lists, tickets
from services.dispatch.db.decisions import DecisionRecord
from services.dispatch.db.history import Change
from services.dispatch.db.ticket_lists import TicketFilter
from services.dispatch.domain.ticket import Leg, Ticket
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Forbidden
from shared.identity.principal import Principal

_BEGINNING = (0, 0)


class TicketOrder(StrEnum):
    """How a list is sorted: by creation from the newest, or running tickets by when they are due."""

    NEWEST = "newest"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class ListTickets:
    """Which page of which list, for whom; without an order, what is asked for decides it."""

    principal: Principal
    wanted: TicketFilter
    order: TicketOrder | None
    limit: int
    cursor: str | None

    @property
    def is_by_due(self) -> bool:
        if self.order is not None:
            return self.order is TicketOrder.DUE
        return self.wanted.overdue is True or self.wanted.due_before is not None


async def list_tickets(uow: UnitOfWork, query: ListTickets) -> tuple[list[Ticket], str | None]:
    """Return a page and the cursor of the next one. A department that asks for another's tickets gets none."""
    own = query.principal.department_code
    if own is not None and query.wanted.department_code not in {None, own}:
        return [], None
    wanted = replace(query.wanted, department_code=own or query.wanted.department_code)
    if query.is_by_due:
        return await _by_due(uow, wanted, query.limit, query.cursor)
    before: UUID | None = None
    if query.cursor is not None:
        (before,) = decode_cursor(query.cursor, [UUID])
    found = await ticket_lists.newest_tickets(uow, wanted, query.limit + 1, before)
    page = found[: query.limit]
    return page, encode_cursor(page[-1].id) if len(found) > query.limit else None


async def _by_due(
    uow: UnitOfWork, wanted: TicketFilter, limit: int, cursor: str | None
) -> tuple[list[Ticket], str | None]:
    after: tuple[datetime, UUID] | None = None
    if cursor is not None:
        due_at, ticket_id = decode_cursor(cursor, [datetime, UUID])
        after = (due_at, ticket_id)
    found = await ticket_lists.first_due_tickets(uow, wanted, limit + 1, after)
    page = found[:limit]
    if len(found) <= limit:
        return page, None
    return page, encode_cursor(_due_of(page[-1]), page[-1].id)


def _due_of(ticket: Ticket) -> datetime:
    due_at = ticket.promised_by
    if ticket.department_code is not None and ticket.leg is not None:
        due_at = ticket.leg.clocks.resolve_due_at
    if due_at is None:
        raise AssertionError("the list by due date holds tickets with one only")
    return due_at


async def get_with_legs(uow: UnitOfWork, principal: Principal, ticket_id: UUID) -> tuple[Ticket, list[Leg]]:
    """Return a ticket with all its turns. Raises NotFound, also for another department's."""
    ticket = await tickets.get_ticket(uow, ticket_id, principal.department_code)
    return ticket, await tickets.legs_of(uow, ticket_id)


async def timeline(
    uow: UnitOfWork, principal: Principal, ticket_id: UUID, *, limit: int, cursor: str | None
) -> tuple[list[Change], str | None]:
    """Return a page of a ticket's history, the earliest first. Raises NotFound."""
    after = 0
    if cursor is not None:
        (after,) = decode_cursor(cursor, [int])
    await tickets.get_ticket(uow, ticket_id, principal.department_code)
    found = await history.timeline_of(uow, ticket_id, after, limit + 1)
    page = found[:limit]
    return page, encode_cursor(page[-1].position[1]) if len(found) > limit else None


async def decisions(uow: UnitOfWork, principal: Principal, ticket_id: UUID) -> list[DecisionRecord]:
    """Return why a ticket went where it went, every time. Raises NotFound."""
    await tickets.get_ticket(uow, ticket_id, principal.department_code)
    return await decision_rows.decisions_of(uow, ticket_id)


async def triage(
    uow: UnitOfWork, principal: Principal, *, limit: int, cursor: str | None
) -> tuple[list[tuple[Ticket, str]], str | None]:
    """Return what waits for a dispatcher, the longest waiting first. Raises Forbidden for a department."""
    if principal.department_code is not None:
        raise Forbidden("Only the hotline office sees what waits for a dispatcher.")
    after: UUID | None = None
    if cursor is not None:
        (after,) = decode_cursor(cursor, [UUID])
    found = await ticket_lists.triage_list(uow, limit + 1, after)
    page = found[:limit]
    return page, encode_cursor(page[-1][0].id) if len(found) > limit else None


async def changes(uow: UnitOfWork, principal: Principal, *, limit: int, cursor: str | None) -> tuple[list[Change], str]:
    """Return a stretch of the feed and where to go on from; the cursor stays where it was when nothing came."""
    position = _BEGINNING
    if cursor is not None:
        transaction, row = decode_cursor(cursor, [int, int])
        position = (transaction, row)
    found = await history.changes_since(uow, position, limit, principal.department_code)
    return found, encode_cursor(*(found[-1].position if found else position))
