"""Storing a move of intake: the appeal's own row and what citizens see of it change in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeal_events, appeals, progress
from shared.vocabulary import AppealStatus

# A change of a JSON column to this leaves nothing in it; None would be stored as the JSON value null.
NOTHING: Final = sa.null()


@dataclass(frozen=True, slots=True)
class MoveToSave:
    """Where an appeal goes, what else of its row changes, and whether intake holds it from now on.

    `status` None leaves the state as it is; `released_at` is set when a hold ends.
    """

    appeal_id: UUID
    at: datetime
    status: AppealStatus | None
    changes: Mapping[str, Any]
    held: bool
    released_at: datetime | None = None


async def save_move(connection: AsyncConnection, move: MoveToSave) -> None:
    """Store a move; the rows must be locked. The version that clients see grows by one."""
    own: dict[str, Any] = {**move.changes, "version": appeals.c.version + 1}
    seen: dict[str, Any] = {"as_of": sa.func.greatest(progress.c.as_of, move.at), "held": move.held}
    if move.status is not None:
        own["status"] = seen["status"] = move.status
    if move.released_at is not None:
        seen["released_at"] = move.released_at
    await connection.execute(sa.update(appeals).where(appeals.c.id == move.appeal_id).values(own))
    await connection.execute(sa.update(progress).where(progress.c.appeal_id == move.appeal_id).values(seen))


async def last_change_at(connection: AsyncConnection, appeal_id: UUID) -> datetime | None:
    """Return when intake last changed the appeal's state; while it holds the appeal, that is since when."""
    statement = (
        sa.select(appeal_events.c.at)
        .where(appeal_events.c.appeal_id == appeal_id, appeal_events.c.from_status != appeal_events.c.to_status)
        .order_by(appeal_events.c.sequence.desc())
        .limit(1)
    )
    found: datetime | None = (await connection.execute(statement)).scalar_one_or_none()
    return found
