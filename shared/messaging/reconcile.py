"""The invariant of an edge: every event its producer published is applied exactly once at its consumer.

Each side is asked through its own database; nothing joins across schemas. Positions are compared, which outlive the
rows: per stream, the producer's last number must equal the consumer's, and the consumer must have settled as many
events as that number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from shared.contracts.topology import edges
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import Service

_PAGE = 20_000
_EXAMPLES = 10


@dataclass(slots=True)
class EdgeReport:
    """What was found on one edge. `ok` means exactly once, everywhere, with nothing on the way."""

    producer: Service
    consumer: Service
    streams: int = 0
    published: int = 0
    applied: int = 0
    behind: int = 0
    ahead: int = 0
    miscounted: int = 0
    dead: int = 0
    skipped: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.behind or self.ahead or self.miscounted or self.dead)

    def note(self, subject: UUID, what: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{subject}: {what}")


async def reconcile(databases: Mapping[Service, Database]) -> list[EdgeReport]:
    """Compare every edge. On a running system, events still on their way count as `behind`."""
    return [
        await reconcile_edge(databases[producer], producer, databases[consumer], consumer)
        for producer, consumer in edges()
    ]


async def reconcile_edge(
    producer_database: Database, producer: Service, consumer_database: Database, consumer: Service
) -> EdgeReport:
    """Walk both sides of one edge in the order of their subjects, a page at a time, and compare them.

    The producer is read first: what it publishes in between cannot make the consumer look ahead by mistake, since a
    stream that is ahead is read once more before it is reported.
    """
    report = EdgeReport(producer, consumer)
    report.dead, report.skipped = await _dead_and_skipped(consumer_database, producer)
    low = UUID(int=0)
    while True:
        published = await _page(producer_database, _PUBLISHED, consumer, low)
        subjects = sorted(published)
        high = subjects[-1] if len(subjects) == _PAGE else UUID(int=(1 << 128) - 1)
        applied = await _range(consumer_database, _APPLIED, producer, low, high)
        await _compare(report, published, applied, producer_database)
        if len(subjects) < _PAGE:
            return report
        low = high


async def _compare(
    report: EdgeReport,
    published: Mapping[UUID, int],
    applied: Mapping[UUID, tuple[int, int]],
    producer_database: Database,
) -> None:
    for subject in sorted(published.keys() | applied.keys()):
        sent = published.get(subject, 0)
        done, count = applied.get(subject, (0, 0))
        if done > sent:
            sent = await _last_published(producer_database, report.consumer, subject)
        report.streams += 1
        report.published += sent
        report.applied += count
        if done < sent:
            report.behind += sent - done
            report.note(subject, f"published {sent}, applied {done}")
        elif done > sent:
            report.ahead += done - sent
            report.note(subject, f"applied {done}, yet published only {sent}")
        if count != done:
            report.miscounted += abs(count - done)
            report.note(subject, f"position {done}, yet settled {count} times")


async def _page(database: Database, statement: str, other: Service, low: UUID) -> dict[UUID, int]:
    async def read(uow: UnitOfWork) -> dict[UUID, int]:
        sql = text(statement.format(schema=database.schema))
        result = await uow.connection.execute(sql, {"other": other.value, "low": low, "limit": _PAGE})
        return {row.subject: row.last_sequence for row in result}

    return await database.transact(read)


async def _range(
    database: Database, statement: str, other: Service, low: UUID, high: UUID
) -> dict[UUID, tuple[int, int]]:
    async def read(uow: UnitOfWork) -> dict[UUID, tuple[int, int]]:
        sql = text(statement.format(schema=database.schema))
        result = await uow.connection.execute(sql, {"other": other.value, "low": low, "high": high})
        return {row.subject: (row.last_sequence, row.settled_count) for row in result}

    return await database.transact(read)


async def _last_published(database: Database, consumer: Service, subject: UUID) -> int:
    async def read(uow: UnitOfWork) -> int:
        sql = text(_ONE.format(schema=database.schema))
        result = await uow.connection.execute(sql, {"other": consumer.value, "subject": subject})
        return int(result.scalar_one_or_none() or 0)

    return await database.transact(read)


async def _dead_and_skipped(database: Database, producer: Service) -> tuple[int, int]:
    async def read(uow: UnitOfWork) -> tuple[int, int]:
        sql = text(_DEAD.format(schema=database.schema))
        row = (await uow.connection.execute(sql, {"other": producer.value})).one()
        return int(row.dead), int(row.skipped)

    return await database.transact(read)


_PUBLISHED = """
SELECT subject, last_sequence FROM {schema}.outbox_position
WHERE consumer = :other AND subject > :low ORDER BY subject LIMIT :limit
"""

_APPLIED = """
SELECT subject, last_sequence, settled_count FROM {schema}.inbox_position
WHERE producer = :other AND subject > :low AND subject <= :high
"""

_ONE = "SELECT last_sequence FROM {schema}.outbox_position WHERE consumer = :other AND subject = :subject"

_DEAD = """
SELECT count(*) FILTER (WHERE state = 'dead') AS dead, count(*) FILTER (WHERE state = 'skipped') AS skipped
FROM {schema}.inbox WHERE producer = :other AND state IN ('dead', 'skipped')
"""
