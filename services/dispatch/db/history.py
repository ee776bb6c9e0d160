"""The append-only history of tickets: who did what, from which state to which, and why; the feed of changes reads it.

A feed ordered by row number alone would skip a row that was numbered early and committed late. So every row carries its
transaction's id, the feed is ordered by (transaction, row), and a reader sees only transactions older than every one
that is still running: whatever commits later sorts behind what was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from services.dispatch.db.bulk import bulk_insert
from services.dispatch.db.tables_tickets import ticket_events
from services.dispatch.domain.ticket import Dues, Leg, LegClocks, Ticket
from services.dispatch.domain.ticket_events import Event, ReturnApproved, ReturnRefused
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus

_COLUMNS = (
    "ticket_id",
    "appeal_id",
    "type",
    "actor",
    "at",
    "round",
    "leg",
    "department_code",
    "from_status",
    "to_status",
    "reason",
    "detail",
)
_NOT_DETAIL = frozenset({"at", "leg", "timers", "reason", "matter", "dues"})
_SAFE = sa.text("transaction_id < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to a ticket, ready to be stored."""

    before: AppealStatus | None
    after: Ticket
    event: Event
    actor: str
    department_code: str | None

    @classmethod
    def of(cls, before: Ticket | None, after: Ticket, event: Event, actor: str) -> "HistoryEntry":
        """A department that loses a ticket is still the one the entry is about, so that it sees why in its feed."""
        department = after.department_code or (before.department_code if before is not None else None)
        return cls(None if before is None else before.status, after, event, actor, department)


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the history as it is read back; `position` is where a reader goes on from."""

    position: tuple[int, int]
    ticket_id: UUID
    appeal_id: UUID
    type: str
    actor: str
    at: datetime
    round: int
    leg: int
    department_code: str | None
    from_status: AppealStatus | None
    to_status: AppealStatus
    reason: str | None
    detail: Mapping[str, Any]


async def append(uow: UnitOfWork, entries: Sequence[HistoryEntry]) -> None:
    """Append to the history, one statement for all."""
    await bulk_insert(uow.connection, ticket_events, _COLUMNS, [_values(entry) for entry in entries])


async def timeline_of(uow: UnitOfWork, ticket_id: UUID, after: int, limit: int) -> list[Change]:
    """Return a ticket's history in the order it happened, after row `after`."""
    statement = (
        sa.select(ticket_events)
        .where(ticket_events.c.ticket_id == ticket_id, ticket_events.c.id > after)
        .order_by(ticket_events.c.id)
        .limit(limit)
    )
    return [_change(row) for row in (await uow.connection.execute(statement)).mappings()]


async def changes_since(
    uow: UnitOfWork, position: tuple[int, int], limit: int, department_code: str | None = None
) -> list[Change]:
    """Return what happened after `position`, of one department or of all, only what no late commit can precede."""
    key = sa.tuple_(ticket_events.c.transaction_id, ticket_events.c.id)
    statement = (
        sa.select(ticket_events)
        .where(key > sa.tuple_(*(sa.literal(value, sa.BigInteger) for value in position)), _SAFE)
        .order_by(ticket_events.c.transaction_id, ticket_events.c.id)
        .limit(limit)
    )
    if department_code is not None:
        statement = statement.where(ticket_events.c.department_code == department_code)
    return [_change(row) for row in (await uow.connection.execute(statement)).mappings()]


def _values(entry: HistoryEntry) -> tuple[Any, ...]:
    ticket, event = entry.after, entry.event
    return (
        ticket.id,
        ticket.appeal_id,
        event.TYPE,
        entry.actor,
        event.at,
        ticket.round,
        ticket.leg_number,
        entry.department_code,
        entry.before,
        ticket.status,
        getattr(event, "reason", None) or getattr(event, "note", None) or None,
        orjson.dumps(_detail(event), default=_plain).decode(),
    )


def _plain(value: Any) -> str:
    if isinstance(value, UUID):  # the driver's own subclass
        return str(value)
    raise TypeError(type(value).__name__)


def _detail(event: Event) -> dict[str, Any]:
    kind: Any = type(event)
    detail = {name: getattr(event, name) for name in _detail_names(kind)}
    if isinstance(event, ReturnApproved | ReturnRefused):
        detail["approved"] = isinstance(event, ReturnApproved)
    leg = getattr(event, "leg", None)
    if isinstance(leg, Leg):
        detail |= {"department_name": leg.department_name} | _clock_detail(leg.clocks)
    dues = getattr(event, "dues", None)
    if isinstance(dues, Dues):
        detail |= {"promised_by": dues.promised_by} | ({} if dues.clocks is None else _clock_detail(dues.clocks))
    return detail


@cache
def _detail_names(event: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(event) if field.name not in _NOT_DETAIL)


def _clock_detail(clocks: LegClocks) -> dict[str, Any]:
    return {
        "policy": f"{clocks.policy_code}@{clocks.policy_version}",
        "calendar": f"{clocks.calendar_code}@{clocks.calendar_version}",
        "acknowledge_due_at": clocks.acknowledge_due_at,
        "contact_due_at": clocks.contact_due_at,
        "return_until": clocks.return_until,
        "resolve_due_at": clocks.resolve_due_at,
        "provisional": clocks.provisional,
    }


def _change(row: sa.RowMapping) -> Change:
    return Change(
        position=(row["transaction_id"], row["id"]),
        ticket_id=row["ticket_id"],
        appeal_id=row["appeal_id"],
        type=row["type"],
        actor=row["actor"],
        at=row["at"],
        round=row["round"],
        leg=row["leg"],
        department_code=row["department_code"],
        from_status=AppealStatus(row["from_status"]) if row["from_status"] is not None else None,
        to_status=AppealStatus(row["to_status"]),
        reason=row["reason"],
        detail=row["detail"],
    )
