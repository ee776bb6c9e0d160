"""Reading and writing tickets with their current leg. Who changes a ticket locks it first, then its timers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.dispatch.db.bulk import bulk_insert
from services.dispatch.db.tables_tickets import ticket_legs, tickets
from services.dispatch.db.ticket_rows import (
    LEG_COLUMNS,
    MOVING_COLUMNS,
    NEW_LEG_COLUMNS,
    NEW_TICKET_COLUMNS,
    RARE_COLUMNS,
    leg_of,
    leg_values,
    moving_values,
    rare_values,
    ticket_of,
    ticket_values,
)
from services.dispatch.domain.ticket import Leg, Ticket
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound

CURRENT_LEG = sa.and_(ticket_legs.c.ticket_id == tickets.c.id, ticket_legs.c.number == tickets.c.leg)
TICKET_WITH_LEG = sa.select(tickets, *LEG_COLUMNS).select_from(tickets.outerjoin(ticket_legs, CURRENT_LEG))

_BY_ID = TICKET_WITH_LEG.where(tickets.c.id == sa.bindparam("ticket_id"))
_LOCK_BY_ID = _BY_ID.with_for_update(of=tickets)
_LOCK_BY_APPEAL = TICKET_WITH_LEG.where(tickets.c.appeal_id == sa.bindparam("appeal")).with_for_update(of=tickets)
_UPDATE_TICKET = (
    tickets.update()
    .where(tickets.c.id == sa.bindparam("key_id"))
    .values({name: sa.bindparam("new_" + name) for name in MOVING_COLUMNS})
)
_UPDATE_WHOLE = (
    tickets.update()
    .where(tickets.c.id == sa.bindparam("key_id"))
    .values({name: sa.bindparam("new_" + name) for name in (*MOVING_COLUMNS, *RARE_COLUMNS)})
)
_UPSERT_LEG = insert(ticket_legs)
_UPSERT_LEG = _UPSERT_LEG.on_conflict_do_update(
    index_elements=[ticket_legs.c.ticket_id, ticket_legs.c.number],
    set_={
        column.name: _UPSERT_LEG.excluded[column.name]
        for column in ticket_legs.columns
        if column.name not in {"ticket_id", "number", "round", "department_code", "dispatched_at"}
    },
)


async def get_ticket(uow: UnitOfWork, ticket_id: UUID, department_code: str | None = None) -> Ticket:
    """Return a ticket. Raises NotFound when there is none, or when it is not that department's."""
    row = (await uow.connection.execute(_BY_ID, {"ticket_id": ticket_id})).mappings().one_or_none()
    return _visible(None if row is None else ticket_of(row), department_code)


async def lock_ticket(uow: UnitOfWork, ticket_id: UUID, department_code: str | None = None) -> Ticket:
    """Return a ticket locked until the end of the transaction. Raises NotFound as `get_ticket`."""
    row = (await uow.connection.execute(_LOCK_BY_ID, {"ticket_id": ticket_id})).mappings().one_or_none()
    return _visible(None if row is None else ticket_of(row), department_code)


async def lock_ticket_of_appeal(uow: UnitOfWork, appeal_id: UUID) -> Ticket | None:
    """Return an appeal's only ticket, locked, or None."""
    row = (await uow.connection.execute(_LOCK_BY_APPEAL, {"appeal": appeal_id})).mappings().one_or_none()
    return None if row is None else ticket_of(row)


async def lock_tickets_unless_busy(uow: UnitOfWork, ticket_ids: Iterable[UUID]) -> list[Ticket]:
    """Lock, in sorted order, those of the tickets that nobody else holds, and return them."""
    statement = (
        TICKET_WITH_LEG.where(tickets.c.id == sa.any_(sa.cast(sa.bindparam("ids"), sa.ARRAY(sa.Uuid))))
        .order_by(tickets.c.id)
        .with_for_update(of=tickets, skip_locked=True)
    )
    rows = await uow.connection.execute(statement, {"ids": sorted(set(ticket_ids))})
    return [ticket_of(row) for row in rows.mappings()]


async def lock_tickets_of_appeals(uow: UnitOfWork, appeal_ids: Iterable[UUID]) -> dict[UUID, Ticket]:
    """Lock the tickets of several appeals, in the order of their ids, and return them by appeal."""
    wanted = sa.cast(sa.bindparam("ids"), sa.ARRAY(sa.Uuid))
    statement = (
        TICKET_WITH_LEG.where(tickets.c.appeal_id == sa.any_(wanted)).order_by(tickets.c.id).with_for_update(of=tickets)
    )
    rows = await uow.connection.execute(statement, {"ids": sorted(set(appeal_ids))})
    return {row["appeal_id"]: ticket_of(row) for row in rows.mappings()}


async def existing_appeals(uow: UnitOfWork, appeal_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these appeals have a ticket already."""
    wanted = sa.cast(sa.bindparam("ids"), sa.ARRAY(sa.Uuid))
    statement = sa.select(tickets.c.appeal_id).where(tickets.c.appeal_id == sa.any_(wanted))
    return set((await uow.connection.execute(statement, {"ids": list(appeal_ids)})).scalars())


async def insert_tickets(uow: UnitOfWork, new: Sequence[Ticket]) -> None:
    """Store new tickets and their first legs in two statements. Fails as a whole when an appeal has one already."""
    rows = [ticket_values(ticket) for ticket in new]
    await bulk_insert(
        uow.connection, tickets, NEW_TICKET_COLUMNS, [[row[name] for name in NEW_TICKET_COLUMNS] for row in rows]
    )
    legs = [leg_values(ticket, ticket.leg) for ticket in new if ticket.leg is not None]
    await bulk_insert(
        uow.connection, ticket_legs, NEW_LEG_COLUMNS, [[leg[name] for name in NEW_LEG_COLUMNS] for leg in legs]
    )


async def save_tickets(uow: UnitOfWork, changed: Sequence[Ticket]) -> None:
    """Store what moves have changed on tickets that are locked; earlier legs are never touched (trap 16)."""
    if not changed:
        return
    await uow.connection.execute(_UPDATE_TICKET, [_parameters(ticket, moving_values(ticket)) for ticket in changed])
    await _save_legs(uow, changed)


async def save_ticket(uow: UnitOfWork, before: Ticket, after: Ticket) -> None:
    """Store what one move has changed on a ticket that is locked, also what only intake's word changes."""
    rare = rare_values(after)
    if rare == rare_values(before):
        await save_tickets(uow, [after])
        return
    await uow.connection.execute(_UPDATE_WHOLE, _parameters(after, moving_values(after) | rare))
    await _save_legs(uow, [after])


def _parameters(ticket: Ticket, values: dict[str, Any]) -> dict[str, Any]:
    return {"key_id": ticket.id, **{"new_" + name: value for name, value in values.items()}}


async def _save_legs(uow: UnitOfWork, changed: Sequence[Ticket]) -> None:
    legs: list[dict[str, Any]] = [leg_values(ticket, ticket.leg) for ticket in changed if ticket.leg is not None]
    if legs:
        await uow.connection.execute(_UPSERT_LEG, legs)


async def start_of_round(uow: UnitOfWork, ticket: Ticket) -> datetime | None:
    """Return when a ticket was first dispatched in its present round, or None."""
    statement = sa.select(sa.func.min(ticket_legs.c.dispatched_at)).where(
        ticket_legs.c.ticket_id == ticket.id, ticket_legs.c.round == ticket.round
    )
    started: datetime | None = await uow.connection.scalar(statement)
    return started


async def legs_of(uow: UnitOfWork, ticket_id: UUID) -> list[Leg]:
    """Return every leg of a ticket in order: rounds and turns that later ones never overwrite."""
    statement = sa.select(ticket_legs).where(ticket_legs.c.ticket_id == ticket_id).order_by(ticket_legs.c.number)
    return [leg_of(row) for row in (await uow.connection.execute(statement)).mappings()]


async def mark_late_legs(uow: UnitOfWork, late: Iterable[tuple[UUID, int, str]]) -> None:
    """Mark breaches on legs that have ended meanwhile: (ticket, leg, late_sign | late_contact | late_resolve)."""
    for ticket_id, number, flag in late:
        await uow.connection.execute(
            ticket_legs.update()
            .where(ticket_legs.c.ticket_id == ticket_id, ticket_legs.c.number == number)
            .values({flag: True})
        )


def _visible(ticket: Ticket | None, department_code: str | None) -> Ticket:
    if ticket is None or (department_code is not None and ticket.department_code != department_code):
        raise NotFound("There is no such ticket")
    return ticket
