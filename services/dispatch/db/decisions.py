"""Why a ticket went where it went: every routing decision of a ticket, by rule or by hand, kept with it for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from services.dispatch.db.bulk import bulk_insert, column_names
from services.dispatch.db.tables_tickets import routing_decisions
from services.dispatch.domain.routing import RoutingDecision
from shared.db.unit_of_work import UnitOfWork

_COLUMNS = column_names(routing_decisions)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision as it is kept: by the rules (with everything considered), or by a dispatcher (with a reason)."""

    ticket_id: UUID
    number: int
    decided_at: datetime
    decided_by: str
    department_code: str | None
    rule_id: str | None
    rule_set_version: int | None
    grid_path: Sequence[str]
    considered: Sequence[Mapping[str, Any]]
    fallback: bool
    explanation: str

    @classmethod
    def by_rules(
        cls, ticket_id: UUID, decision: RoutingDecision, *, at: datetime, by: str, explanation: str | None = None
    ) -> "DecisionRecord":
        """The first decision of a ticket; `explanation` says why the winner could not be used, if so."""
        return cls(
            ticket_id=ticket_id,
            number=1,
            decided_at=at,
            decided_by=by,
            department_code=None if explanation is not None else decision.department_code,
            rule_id=decision.rule_id,
            rule_set_version=decision.rule_set_version,
            grid_path=decision.grid_path,
            considered=[each._asdict() for each in decision.considered],
            fallback=decision.fallback,
            explanation=explanation or decision.explanation,
        )


async def record_decisions(uow: UnitOfWork, records: Sequence[DecisionRecord]) -> None:
    """Store decisions, one statement for all."""
    await bulk_insert(uow.connection, routing_decisions, _COLUMNS, [_values(record) for record in records])


async def next_number(uow: UnitOfWork, ticket_id: UUID) -> int:
    """Return the number of a ticket's next decision; the ticket must be locked."""
    statement = sa.select(sa.func.coalesce(sa.func.max(routing_decisions.c.number), 0) + 1).where(
        routing_decisions.c.ticket_id == ticket_id
    )
    number: int = (await uow.connection.execute(statement)).scalar_one()
    return number


async def decisions_of(uow: UnitOfWork, ticket_id: UUID) -> list[DecisionRecord]:
    """Return every decision about a ticket, the first one first."""
    statement = (
        sa.select(routing_decisions)
        .where(routing_decisions.c.ticket_id == ticket_id)
        .order_by(routing_decisions.c.number)
    )
    return [DecisionRecord(**row) for row in (await uow.connection.execute(statement)).mappings()]


def _values(record: DecisionRecord) -> tuple[Any, ...]:
    return (
        record.ticket_id,
        record.number,
        record.decided_at,
        record.decided_by,
        record.department_code,
        record.rule_id,
        record.rule_set_version,
        orjson.dumps(record.grid_path).decode(),
        orjson.dumps(record.considered).decode(),
        record.fallback,
        record.explanation,
    )
