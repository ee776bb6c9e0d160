"""Hand-overs to emergency services, and the directory of those the call centre is joined to."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, progress
from services.intake.db.tables_handling import hand_overs, partners
from services.intake.domain.hand_overs import EmergencyService, HandOver, Partner, latency
from shared.vocabulary import AppealType

Row = dict[str, Any]


async def insert_hand_over(
    connection: AsyncConnection, hand_over_id: UUID, appeal: Row, hand_over: HandOver, *, actor: str, now: datetime
) -> None:
    """Log a hand-over, with its result when that is known already."""
    has_result = hand_over.result is not None
    await connection.execute(
        sa.insert(hand_overs).values(
            id=hand_over_id,
            appeal_id=appeal["id"],
            service=hand_over.service,
            partner_code=hand_over.partner_code,
            reference=hand_over.reference,
            handed_over_at=hand_over.handed_over_at,
            latency_seconds=int(latency(appeal["received_at"], hand_over.handed_over_at).total_seconds()),
            keep_handling=hand_over.keep_handling,
            actor=actor,
            recorded_at=now,
            result=hand_over.result,
            result_at=now if has_result else None,
            result_actor=actor if has_result else None,
        )
    )


async def find_without_result(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return the oldest hand-over of an appeal whose result is still missing, or None."""
    statement = (
        sa.select(hand_overs)
        .where(hand_overs.c.appeal_id == appeal_id, hand_overs.c.result.is_(None))
        .order_by(hand_overs.c.handed_over_at, hand_overs.c.id)
        .limit(1)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def save_result(
    connection: AsyncConnection, hand_over_id: UUID, *, result: str, at: datetime, actor: str
) -> None:
    """Record what became of it."""
    await connection.execute(
        sa.update(hand_overs)
        .where(hand_overs.c.id == hand_over_id)
        .values(result=result, result_at=at, result_actor=actor)
    )


async def list_hand_overs(
    connection: AsyncConnection,
    *,
    with_result: bool | None,
    department_code: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """Return up to `limit` hand-overs, oldest first: those that wait longest for a result stand at the top.

    A department sees its own, and no report's.
    """
    statement = (
        sa.select(hand_overs, appeals.c.receipt_number, partners.c.name.label("partner_name"))
        .join(appeals, appeals.c.id == hand_overs.c.appeal_id)
        .join(progress, progress.c.appeal_id == hand_overs.c.appeal_id)
        .outerjoin(partners, partners.c.code == hand_overs.c.partner_code)
        .order_by(hand_overs.c.handed_over_at, hand_overs.c.id)
        .limit(limit)
    )
    if with_result is not None:
        statement = statement.where(hand_overs.c.result.is_not(None) if with_result else hand_overs.c.result.is_(None))
    if department_code is not None:
        statement = statement.where(progress.c.department_code == department_code, appeals.c.type != AppealType.REPORT)
    if after is not None:
        statement = statement.where(sa.tuple_(hand_overs.c.handed_over_at, hand_overs.c.id) > sa.tuple_(*after))
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def find_partner(connection: AsyncConnection, code: str, *, for_update: bool = False) -> Partner | None:
    """Return one organisation of the directory, or None."""
    statement = sa.select(partners).where(partners.c.code == code)
    if for_update:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return _partner_of(row) if row is not None else None


async def list_partners(
    connection: AsyncConnection, *, service: EmergencyService | None, after: str | None, limit: int
) -> list[Partner]:
    """Return up to `limit` organisations in the order of their codes."""
    statement = sa.select(partners).order_by(partners.c.code).limit(limit)
    if service is not None:
        statement = statement.where(partners.c.service == service)
    if after is not None:
        statement = statement.where(partners.c.code > after)
    return [_partner_of(row) for row in await connection.execute(statement)]


async def save_partner(connection: AsyncConnection, partner: Partner, now: datetime) -> bool:
    """Write a new or changed organisation; return False when another transaction created it meanwhile."""
    values = {
        "service": partner.service,
        "name": partner.name,
        "phone": partner.phone,
        "hours": partner.hours,
        "retired": partner.retired,
        "version": partner.version,
        "updated_at": now,
    }
    if partner.version > 1:
        await connection.execute(sa.update(partners).where(partners.c.code == partner.code).values(values))
        return True
    insert = postgresql.insert(partners).values(code=partner.code, **values).on_conflict_do_nothing()
    return (await connection.execute(insert)).rowcount == 1


def _partner_of(row: Any) -> Partner:
    return Partner(
        code=row.code,
        service=EmergencyService(row.service),
        name=row.name,
        phone=row.phone,
        hours=row.hours,
        retired=row.retired,
        version=row.version,
    )
