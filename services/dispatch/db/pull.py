"""Offering tickets to a department's pullers: what is free or whose lease has ended, each to one puller at a time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.db.tables_tickets import tickets
from services.dispatch.db.ticket_rows import ticket_of
from services.dispatch.db.tickets import TICKET_WITH_LEG
from services.dispatch.domain.ticket import Ticket
from shared.db.unit_of_work import UnitOfWork


async def lock_offers(uow: UnitOfWork, department_code: str, limit: int) -> list[UUID]:
    """Lock up to `limit` tickets on offer that nobody else is taking: the most urgent, then the first due, first."""
    result = await uow.connection.execute(_LOCK_OFFERS, {"department": department_code, "now": uow.now, "limit": limit})
    return list(result.scalars())


async def lease(uow: UnitOfWork, leases: Sequence[tuple[UUID, str]], expires_at: datetime) -> list[Ticket]:
    """Put a lease (ticket, hash of its token) on locked tickets and return them in the given order."""
    ids = [ticket_id for ticket_id, _ in leases]
    await uow.connection.execute(
        _LEASE, {"ids": ids, "hashes": [token_hash for _, token_hash in leases], "expires_at": expires_at}
    )
    wanted = sa.cast(sa.bindparam("ids"), sa.ARRAY(sa.Uuid))
    rows = await uow.connection.execute(TICKET_WITH_LEG.where(tickets.c.id == sa.any_(wanted)), {"ids": ids})
    found = {row["id"]: ticket_of(row) for row in rows.mappings()}
    return [found[ticket_id] for ticket_id in ids]


async def departments_with_offers(uow: UnitOfWork, departments: Sequence[str]) -> list[str]:
    """Return those of the departments that have something on offer now: one cheap statement for all who wait."""
    result = await uow.connection.execute(_WITH_OFFERS, {"departments": list(departments), "now": uow.now})
    return list(result.scalars())


_LOCK_OFFERS = sa.text("""
WITH ended AS (
    SELECT id, urgency, resolve_due_at FROM dispatch.tickets
    WHERE department_code = :department AND pull_pending AND lease_expires_at IS NOT NULL AND lease_expires_at <= :now
    ORDER BY lease_expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
), free AS (
    SELECT id, urgency, resolve_due_at FROM dispatch.tickets
    WHERE department_code = :department AND pull_pending AND lease_expires_at IS NULL
    ORDER BY urgency, resolve_due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
)
SELECT id FROM (SELECT * FROM ended UNION ALL SELECT * FROM free) AS offered
ORDER BY urgency, resolve_due_at, id LIMIT :limit
""")
_LEASE = sa.text("""
UPDATE dispatch.tickets AS t SET lease_token_hash = l.hash, lease_expires_at = :expires_at
FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS text[])) AS l(id, hash)
WHERE t.id = l.id
""")
_WITH_OFFERS = sa.text("""
SELECT d.code FROM unnest(CAST(:departments AS text[])) AS d(code)
WHERE EXISTS (
    SELECT FROM dispatch.tickets t
    WHERE t.department_code = d.code AND t.pull_pending AND t.lease_expires_at IS NULL
) OR EXISTS (
    SELECT FROM dispatch.tickets t
    WHERE t.department_code = d.code AND t.pull_pending AND t.lease_expires_at <= :now
)
""")
