"""Reading and writing rule sets: drafts, the published one, and all that were published before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.dispatch.db.tables_registry import routing_rules, rule_sets
from services.dispatch.domain.registry import RuleSetStatus
from services.dispatch.domain.routing import Rule, RuleSet
from services.dispatch.domain.routing_document import rule_from_document, rule_to_document
from shared.db.unit_of_work import UnitOfWork

_RULES_PER_STATEMENT = 2_000


@dataclass(frozen=True, slots=True)
class RuleSetRecord:
    """A rule set without its rules: who drafted it, who published it, when."""

    id: UUID
    version: int
    status: RuleSetStatus
    note: str
    rule_count: int
    author_id: str
    author: str
    created_at: datetime
    published_by: str | None = None
    published_at: datetime | None = None


async def next_version(connection: AsyncConnection) -> int:
    """The next version number; call it under the lock of the catalogue."""
    highest = await connection.scalar(sa.select(sa.func.max(rule_sets.c.version)))
    return (highest or 0) + 1


async def insert_rule_set(uow: UnitOfWork, record: RuleSetRecord, rules: Sequence[Rule]) -> None:
    await uow.connection.execute(
        sa.insert(rule_sets).values(
            id=record.id,
            version=record.version,
            status=record.status,
            note=record.note,
            rule_count=record.rule_count,
            author_id=record.author_id,
            author=record.author,
            created_at=record.created_at,
            published_by=record.published_by,
            published_at=record.published_at,
        )
    )
    rows = [{"rule_set_id": record.id, **rule_to_document(rule)} for rule in rules]
    for start in range(0, len(rows), _RULES_PER_STATEMENT):
        await uow.connection.execute(sa.insert(routing_rules), rows[start : start + _RULES_PER_STATEMENT])


async def find_rule_set(connection: AsyncConnection, rule_set_id: UUID, *, lock: bool = False) -> RuleSetRecord | None:
    query = sa.select(rule_sets).where(rule_sets.c.id == rule_set_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _record(row)


async def published_rule_set(connection: AsyncConnection) -> RuleSetRecord | None:
    query = sa.select(rule_sets).where(rule_sets.c.status == RuleSetStatus.PUBLISHED)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _record(row)


async def page_rule_sets(
    connection: AsyncConnection, *, before_version: int | None, limit: int
) -> Sequence[RuleSetRecord]:
    """Newest first."""
    query = sa.select(rule_sets).order_by(rule_sets.c.version.desc()).limit(limit)
    if before_version is not None:
        query = query.where(rule_sets.c.version < before_version)
    return [_record(row) for row in await connection.execute(query)]


async def rules_of(connection: AsyncConnection, rule_set_id: UUID) -> tuple[Rule, ...]:
    """All rules of one set, in the order of their ids."""
    query = (
        sa.select(*(column for column in routing_rules.c if column.name != "rule_set_id"))
        .where(routing_rules.c.rule_set_id == rule_set_id)
        .order_by(routing_rules.c.id)
    )
    rows = (await connection.execute(query)).mappings()
    return tuple(rule_from_document(dict(row)) for row in rows)


async def page_rules(
    connection: AsyncConnection, rule_set_id: UUID, *, after: str | None, limit: int
) -> Sequence[Rule]:
    query = (
        sa.select(*(column for column in routing_rules.c if column.name != "rule_set_id"))
        .where(routing_rules.c.rule_set_id == rule_set_id)
        .order_by(routing_rules.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(routing_rules.c.id > after)
    rows = (await connection.execute(query)).mappings()
    return [rule_from_document(dict(row)) for row in rows]


async def read_published(connection: AsyncConnection) -> RuleSet | None:
    """The published rule set with its rules."""
    record = await published_rule_set(connection)
    return None if record is None else RuleSet(record.version, await rules_of(connection, record.id))


async def supersede_published(uow: UnitOfWork) -> None:
    await uow.connection.execute(
        sa.update(rule_sets)
        .where(rule_sets.c.status == RuleSetStatus.PUBLISHED)
        .values(status=RuleSetStatus.SUPERSEDED)
    )


async def mark_published(uow: UnitOfWork, rule_set_id: UUID, actor: str) -> None:
    await uow.connection.execute(
        sa.update(rule_sets)
        .where(rule_sets.c.id == rule_set_id)
        .values(status=RuleSetStatus.PUBLISHED, published_by=actor, published_at=uow.now)
    )


async def rules_naming_department(connection: AsyncConnection, department_code: str, limit: int = 20) -> Sequence[str]:
    """Ids of published rules that send something to this department."""
    query = (
        sa.select(routing_rules.c.id)
        .join(rule_sets, rule_sets.c.id == routing_rules.c.rule_set_id)
        .where(
            rule_sets.c.status == RuleSetStatus.PUBLISHED,
            routing_rules.c.department_code == department_code,
        )
        .order_by(routing_rules.c.id)
        .limit(limit)
    )
    return list((await connection.execute(query)).scalars())


def _record(row: Any) -> RuleSetRecord:
    values: Mapping[str, Any] = row._mapping
    return RuleSetRecord(**{**values, "status": RuleSetStatus(row.status)})
