"""Events that could not be applied: an operator sees them, has them tried again, or skips them with a reason."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.vocabulary import Service


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that failed eight times and now blocks its own appeal, and nothing else."""

    event_id: UUID
    producer: Service
    subject: UUID
    sequence: int
    type: str
    version: int
    occurred_at: datetime
    received_at: datetime
    attempts: int
    last_error: str | None


async def list_dead_letters(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[DeadLetter], str | None]:
    """Return a page of dead letters, the oldest first, and where the next page starts."""
    after = decode_cursor(cursor, (datetime, UUID)) if cursor else (None, None)
    result = await uow.connection.execute(
        text(_LIST.format(schema=uow.schema)), {"received_at": after[0], "event_id": after[1], "limit": limit + 1}
    )
    letters = [DeadLetter(**{**row, "producer": Service(row["producer"])}) for row in result.mappings()]
    following = letters[limit - 1] if len(letters) > limit else None
    return letters[:limit], encode_cursor(following.received_at, following.event_id) if following else None


async def retry_dead_letter(uow: UnitOfWork, event_id: UUID) -> None:
    """Have a dead letter tried again, with all its attempts. Raises NotFound, or Conflict when it is not dead."""
    parameters = {"event_id": event_id, "now": uow.now}
    result = await uow.connection.execute(text(_RETRY.format(schema=uow.schema)), parameters)
    if result.rowcount == 0:
        await _refuse(uow, event_id)


async def skip_dead_letter(uow: UnitOfWork, event_id: UUID, *, reason: str, actor: str) -> None:
    """Settle a dead letter without applying it, on record; the appeal's following events go on.

    Raises NotFound, or Conflict when the event is not dead.
    """
    parameters = {"event_id": event_id, "now": uow.now, "actor": actor, "reason": reason}
    result = await uow.connection.execute(text(_SKIP.format(schema=uow.schema)), parameters)
    if result.rowcount == 0:
        await _refuse(uow, event_id)


async def _refuse(uow: UnitOfWork, event_id: UUID) -> None:
    found = await uow.connection.execute(
        text(f"SELECT state FROM {uow.schema}.inbox WHERE event_id = :event_id"),  # noqa: S608 - a schema name of ours
        {"event_id": event_id},
    )
    state = found.scalar_one_or_none()
    if state is None:
        raise NotFound("there is no such event")
    raise Conflict(f"the event is {state}, not dead", code="not_dead", state=state)


_LIST = """
SELECT event_id, producer, subject, sequence, type, version, occurred_at, received_at, attempts, last_error
FROM {schema}.inbox
WHERE state = 'dead'
  AND (CAST(:received_at AS timestamptz) IS NULL
       OR (received_at, event_id) > (CAST(:received_at AS timestamptz), CAST(:event_id AS uuid)))
ORDER BY received_at, event_id
LIMIT :limit
"""

_RETRY = """
UPDATE {schema}.inbox SET state = 'pending', attempts = 0, next_attempt_at = :now
WHERE event_id = :event_id AND state = 'dead'
"""

_SKIP = """
WITH skipped AS (
    UPDATE {schema}.inbox
    SET state = 'skipped', settled_at = :now, settled_by = :actor, settled_reason = :reason
    WHERE event_id = :event_id AND state = 'dead'
    RETURNING producer, subject, sequence
)
UPDATE {schema}.inbox_position p
SET last_sequence = s.sequence, settled_count = p.settled_count + 1
FROM skipped s
WHERE p.producer = s.producer AND p.subject = s.subject AND p.last_sequence = s.sequence - 1
"""
