"""Lists of tickets: filtered, bounded, walked by keyset in one of two orders."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.db.tables_tickets import routing_decisions, tickets
from services.dispatch.db.ticket_rows import ticket_of
from services.dispatch.db.tickets import TICKET_WITH_LEG
from services.dispatch.domain.ticket import RUNNING_STATES, Ticket
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus

_RUNNING = tickets.c.status.in_(
    # written out, so that the partial indexes on running tickets are seen to apply
    [sa.literal_column(f"'{state.value}'") for state in sorted(RUNNING_STATES)]
)


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """What a list is narrowed to; everything given must hold. Only a running ticket is due or overdue."""

    department_code: str | None = None
    appeal_id: UUID | None = None
    receipt_number: str | None = None
    statuses: tuple[AppealStatus, ...] = ()
    overdue: bool | None = None
    due_before: datetime | None = None
    category_code: str | None = None
    grid_code: str | None = None


async def newest_tickets(uow: UnitOfWork, wanted: TicketFilter, limit: int, before: UUID | None = None) -> list[Ticket]:
    """Return tickets from the newest to the oldest, those older than `before`."""
    statement = TICKET_WITH_LEG.where(*_conditions(wanted, uow.now)).order_by(tickets.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(tickets.c.id < before)
    return await _tickets(uow, statement)


async def first_due_tickets(
    uow: UnitOfWork, wanted: TicketFilter, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Ticket]:
    """Return running tickets from the first due to the last due, those behind `after`."""
    statement = (
        TICKET_WITH_LEG.where(_RUNNING, tickets.c.resolve_due_at.is_not(None), *_conditions(wanted, uow.now))
        .order_by(tickets.c.resolve_due_at, tickets.c.id)
        .limit(limit)
    )
    if after is not None:
        key = sa.tuple_(tickets.c.resolve_due_at, tickets.c.id)
        statement = statement.where(
            key > sa.tuple_(sa.literal(after[0], sa.DateTime(timezone=True)), sa.literal(after[1], sa.Uuid))
        )
    return await _tickets(uow, statement)


async def triage_list(uow: UnitOfWork, limit: int, after: UUID | None = None) -> list[tuple[Ticket, str]]:
    """Return what waits for a dispatcher, the oldest first, with why no rule took it or who sent it back."""
    last = (
        sa.select(routing_decisions.c.explanation)
        .where(routing_decisions.c.ticket_id == tickets.c.id)
        .order_by(routing_decisions.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        TICKET_WITH_LEG.add_columns(last.label("explanation"))
        .where(tickets.c.status == AppealStatus.AWAITING_DISPATCH.value)
        .order_by(tickets.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tickets.c.id > after)
    rows = (await uow.connection.execute(statement)).mappings()
    return [(ticket_of(row), row["explanation"] or "") for row in rows]


async def count_overdue(uow: UnitOfWork, at_most: int) -> int:
    """Return how many running tickets are overdue, counting no further than `at_most`."""
    late = sa.select(tickets.c.id).where(_RUNNING, tickets.c.resolve_due_at <= uow.now).limit(at_most).subquery()
    return (await uow.connection.execute(sa.select(sa.func.count()).select_from(late))).scalar_one()


def _conditions(wanted: TicketFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    exact: dict[str, Any] = {
        "department_code": wanted.department_code,
        "appeal_id": wanted.appeal_id,
        "receipt_number": wanted.receipt_number,
        "category_code": wanted.category_code,
        "grid_code": wanted.grid_code,
    }
    found: list[sa.ColumnElement[bool]] = [
        tickets.c[name] == value for name, value in exact.items() if value is not None
    ]
    if wanted.statuses:
        found.append(tickets.c.status.in_([status.value for status in wanted.statuses]))
    if wanted.due_before is not None:
        found += [_RUNNING, tickets.c.resolve_due_at < wanted.due_before]
    if wanted.overdue is True:
        found += [_RUNNING, tickets.c.resolve_due_at <= now]
    elif wanted.overdue is False:
        late = sa.and_(_RUNNING, tickets.c.resolve_due_at <= now)
        found.append(sa.func.coalesce(late, sa.false()).is_(False))
    return found


async def _tickets(uow: UnitOfWork, statement: sa.Select[Any]) -> list[Ticket]:
    return [ticket_of(row) for row in (await uow.connection.execute(statement)).mappings()]
