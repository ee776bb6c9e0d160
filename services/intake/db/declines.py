"""Refusals: what one person proposes and another decides, and the list of those that wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, progress
from services.intake.db.tables_handling import decline_proposals
from services.intake.domain.machine import RULES, Move
from services.intake.domain.refusals import Refusal
from shared.vocabulary import AppealType

Row = dict[str, Any]
_CAN_STILL_BE_DECLINED: Final = tuple(status for status, move in RULES if move is Move.DECLINE)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the second person said."""

    decision: str
    actor: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One person's word that an appeal is to be refused."""

    id: UUID
    appeal_id: UUID
    refusal: Refusal
    actor: str
    at: datetime


async def insert_proposal(connection: AsyncConnection, proposal: Proposal, decided: Decision | None = None) -> None:
    """Put a refusal on record; with `decided` for one that needs no second person any more."""
    refusal = proposal.refusal
    await connection.execute(
        sa.insert(decline_proposals).values(
            id=proposal.id,
            appeal_id=proposal.appeal_id,
            ground=refusal.ground,
            explanation=refusal.explanation,
            legal_channel=refusal.legal_channel,
            other_receipt_number=refusal.other_receipt_number,
            proposed_by=proposal.actor,
            proposed_at=proposal.at,
            decision=decided.decision if decided else None,
            decided_by=decided.actor if decided else None,
            decided_at=decided.at if decided else None,
            note=decided.note if decided else "",
        )
    )


async def find_pending(connection: AsyncConnection, appeal_id: UUID) -> Row | None:
    """Return the refusal of an appeal that waits for its second person, or None."""
    statement = sa.select(decline_proposals).where(
        decline_proposals.c.appeal_id == appeal_id, decline_proposals.c.decision.is_(None)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def save_decision(connection: AsyncConnection, proposal_id: UUID, decided: Decision) -> None:
    """Record what the second person decided."""
    await connection.execute(
        sa.update(decline_proposals)
        .where(decline_proposals.c.id == proposal_id)
        .values(decision=decided.decision, decided_by=decided.actor, decided_at=decided.at, note=decided.note)
    )


async def list_declines(
    connection: AsyncConnection,
    *,
    pending: bool | None,
    department_code: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """Return up to `limit` refusals, oldest first.

    One waits only as long as its appeal can still be refused; what was answered or sent on meanwhile does not.
    A department sees its own, and no report's.
    """
    waits = decline_proposals.c.decision.is_(None) & progress.c.status.in_(_CAN_STILL_BE_DECLINED)
    statement = (
        sa.select(decline_proposals, appeals.c.receipt_number, waits.label("pending"))
        .join(appeals, appeals.c.id == decline_proposals.c.appeal_id)
        .join(progress, progress.c.appeal_id == decline_proposals.c.appeal_id)
        .order_by(decline_proposals.c.proposed_at, decline_proposals.c.id)
        .limit(limit)
    )
    if pending is not None:
        statement = statement.where(waits if pending else ~waits)
    if department_code is not None:
        statement = statement.where(progress.c.department_code == department_code, appeals.c.type != AppealType.REPORT)
    if after is not None:
        position = sa.tuple_(decline_proposals.c.proposed_at, decline_proposals.c.id)
        statement = statement.where(position > sa.tuple_(*after))
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def is_on_record(connection: AsyncConnection, receipt_number: str) -> bool:
    """Whether an appeal has this receipt number."""
    found = await connection.execute(sa.select(appeals.c.id).where(appeals.c.receipt_number == receipt_number))
    return found.first() is not None
