"""Touches of an open matter: how often its citizen has asked again."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables_handling import urges
from shared.vocabulary import Channel


async def add_urge(
    connection: AsyncConnection, appeal_id: UUID, *, channel: Channel, note: str, actor: str, at: datetime
) -> int:
    """Log a touch and return how many there are now; the appeal's row must be locked, so that none is counted twice."""
    last = (
        sa.select(sa.func.coalesce(sa.func.max(urges.c.number), 0) + 1)
        .where(urges.c.appeal_id == appeal_id)
        .scalar_subquery()
    )
    statement = (
        sa.insert(urges)
        .values(appeal_id=appeal_id, number=last, channel=channel, note=note, actor=actor, at=at)
        .returning(urges.c.number)
    )
    return int((await connection.execute(statement)).scalar_one())
