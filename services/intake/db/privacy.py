"""The rows of privacy: the access log, reveals by two persons, legal holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, pii_access_log
from services.intake.db.tables_privacy import legal_holds, reveal_requests
from shared.ids import uuid7

Row = dict[str, Any]


async def read_access_log(
    connection: AsyncConnection, appeal_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return who looked at an appeal, the newest first."""
    log = pii_access_log
    statement = sa.select(log).where(log.c.appeal_id == appeal_id)
    if after is not None:
        statement = statement.where(sa.tuple_(log.c.at, log.c.id) < sa.tuple_(*after))
    statement = statement.order_by(log.c.at.desc(), log.c.id.desc()).limit(limit)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


@dataclass(frozen=True, slots=True)
class RevealRequest:
    """One person asks to see who reported."""

    id: UUID
    appeal_id: UUID
    reason: str
    actor: str
    principal_id: str
    at: datetime
    expires_at: datetime


async def add_reveal_request(connection: AsyncConnection, request: RevealRequest) -> None:
    """Record a request that waits for a second person."""
    await connection.execute(
        sa.insert(reveal_requests).values(
            id=request.id,
            appeal_id=request.appeal_id,
            reason=request.reason,
            requested_by=request.actor,
            requested_principal=request.principal_id,
            requested_at=request.at,
            expires_at=request.expires_at,
        )
    )


async def find_own_request(
    connection: AsyncConnection, appeal_id: UUID, principal_id: str, now: datetime
) -> Row | None:
    """Return the newest request of this person for this appeal that is approved or undecided, and not over."""
    statement = (
        sa.select(reveal_requests)
        .where(
            reveal_requests.c.appeal_id == appeal_id,
            reveal_requests.c.requested_principal == principal_id,
            reveal_requests.c.expires_at > now,
            reveal_requests.c.approved.is_distinct_from(False),
        )
        .order_by(reveal_requests.c.approved.desc().nulls_last(), reveal_requests.c.requested_at.desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def lock_request(connection: AsyncConnection, request_id: UUID) -> Row | None:
    """Return a request for a decision."""
    statement = sa.select(reveal_requests).where(reveal_requests.c.id == request_id).with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class RevealDecision:
    """What the second person decided; an approval lets the first one look until `expires_at`."""

    request_id: UUID
    approved: bool
    actor: str
    principal_id: str
    note: str
    at: datetime
    expires_at: datetime


async def save_decision(connection: AsyncConnection, decision: RevealDecision) -> None:
    """Store a decision; the request is locked."""
    await connection.execute(
        sa.update(reveal_requests)
        .where(reveal_requests.c.id == decision.request_id)
        .values(
            approved=decision.approved,
            decided_by=decision.actor,
            decided_principal=decision.principal_id,
            decided_at=decision.at,
            note=decision.note,
            expires_at=decision.expires_at,
        )
    )


async def list_requests(
    connection: AsyncConnection, *, pending: bool | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return requests, the newest first."""
    requests = reveal_requests
    statement = sa.select(requests, appeals.c.receipt_number).join(appeals, appeals.c.id == requests.c.appeal_id)
    if pending is not None:
        statement = statement.where(requests.c.approved.is_(None) if pending else requests.c.approved.is_not(None))
    if after is not None:
        statement = statement.where(sa.tuple_(requests.c.requested_at, requests.c.id) < sa.tuple_(*after))
    statement = statement.order_by(requests.c.requested_at.desc(), requests.c.id.desc()).limit(limit)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def place_hold(connection: AsyncConnection, appeal_id: UUID, *, reason: str, actor: str, at: datetime) -> UUID:
    """Record a legal hold and return its id."""
    hold_id = uuid7()
    await connection.execute(
        sa.insert(legal_holds).values(id=hold_id, appeal_id=appeal_id, reason=reason, placed_by=actor, placed_at=at)
    )
    return hold_id


async def release_hold(
    connection: AsyncConnection, hold_id: UUID, *, appeal_id: UUID, reason: str, actor: str, at: datetime
) -> bool:
    """Record that a hold no longer stands; return False when it did not stand."""
    statement = (
        sa.update(legal_holds)
        .where(legal_holds.c.id == hold_id, legal_holds.c.appeal_id == appeal_id, legal_holds.c.released_at.is_(None))
        .values(released_by=actor, released_at=at, release_reason=reason)
    )
    return (await connection.execute(statement)).rowcount > 0


async def read_holds(connection: AsyncConnection, appeal_id: UUID) -> list[Row]:
    """Return an appeal's legal holds, released ones too, the newest first."""
    statement = (
        sa.select(legal_holds)
        .where(legal_holds.c.appeal_id == appeal_id)
        .order_by(legal_holds.c.placed_at.desc(), legal_holds.c.id.desc())
        .limit(200)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]
