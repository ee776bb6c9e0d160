"""Cleaning up behind the message flow, so that the inbox always remembers longer than the outbox can send again."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long settled rows stay. A duplicate is recognised after that too, by its stream's position."""

    outbox: timedelta = timedelta(days=7)
    inbox: timedelta = timedelta(days=14)

    def __post_init__(self) -> None:
        if self.inbox <= self.outbox:
            raise ValueError("the inbox must be kept longer than the outbox can send again")


async def clean(database: Database, retention: Retention) -> dict[str, int]:
    """Delete acknowledged outbox rows and settled inbox rows past their time, in bounded chunks.

    An outbox row that is not acknowledged is never deleted, and neither is a pending or dead inbox row.
    """
    return {
        "outbox": await _clean_table(database, _OUTBOX, retention.outbox),
        "inbox": await _clean_table(database, _INBOX, retention.inbox),
    }


async def _clean_table(database: Database, statement: str, keep: timedelta) -> int:
    sql = text(statement.format(schema=database.schema))

    async def delete_chunk(uow: UnitOfWork) -> int:
        result = await uow.connection.execute(sql, {"before": uow.now - keep, "limit": _CHUNK})
        return int(result.rowcount)

    total = 0
    while True:
        deleted = await database.transact(delete_chunk)
        total += deleted
        if deleted < _CHUNK:
            return total


_OUTBOX = """
DELETE FROM {schema}.outbox WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {schema}.outbox WHERE acked_at IS NOT NULL AND acked_at < :before LIMIT :limit
))
"""

_INBOX = """
DELETE FROM {schema}.inbox WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {schema}.inbox WHERE settled_at IS NOT NULL AND settled_at < :before LIMIT :limit
))
"""
