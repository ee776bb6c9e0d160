"""Destroying what is kept too long: in batches, with a trace, never under a legal hold (section 9, PIPL §47)."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.intake.db.retention import (
    bodies_due,
    log_shreddings,
    people_due,
    recordings_due,
    shred_bodies,
    shred_people,
)
from services.intake.db.suggestions import forget_words
from services.intake.domain.attachments import MediaKind
from services.intake.domain.retention import RetentionPolicy, RetentionRule
from services.intake.use_cases.shred_attachments import shred_attachments
from shared.db.unit_of_work import UnitOfWork

_RECORDINGS: Final = (MediaKind.AUDIO, MediaKind.VIDEO)
SYSTEM: Final = "system:retention"


@dataclass(frozen=True, slots=True)
class Pass:
    """How far one pass over the record has come: `after` is where the next batch starts, None when it is through."""

    shredded: int
    after: UUID | None


async def shred_due_people(
    uow: UnitOfWork, policy: RetentionPolicy, *, after: UUID | None = None, limit: int = 500, actor: str = SYSTEM
) -> Pass:
    """Forget the people of one batch of appeals whose period is over."""
    due = await people_due(uow.connection, policy.cutoffs(uow.now), after=after, limit=limit)
    if due:
        await shred_people(uow.connection, [appeal_id for appeal_id, _ in due])
        for appeal_id, _ in due:
            await shred_attachments(uow, appeal_id)
        await log_shreddings(uow.connection, due, what="person", actor=actor, at=uow.now)
    return Pass(len(due), due[-1][0] if len(due) == limit else None)


async def shred_due_recordings(
    uow: UnitOfWork, policy: RetentionPolicy, *, after: UUID | None = None, limit: int = 500, actor: str = SYSTEM
) -> Pass:
    """Forget the sound and film of one batch of appeals whose period is over."""
    cutoff = policy.cutoffs(uow.now)[RetentionRule.RECORDING]
    due = await recordings_due(uow.connection, cutoff, after=after, limit=limit)
    for appeal_id, _ in due:
        await shred_attachments(uow, appeal_id, kinds=_RECORDINGS)
    if due:
        await log_shreddings(uow.connection, due, what="recording", actor=actor, at=uow.now)
    return Pass(len(due), due[-1][0] if len(due) == limit else None)


async def shred_due_bodies(
    uow: UnitOfWork, policy: RetentionPolicy, *, after: UUID | None = None, limit: int = 500, actor: str = SYSTEM
) -> Pass:
    """Forget the words of one batch of appeals whose period is over."""
    cutoff = policy.cutoffs(uow.now)[RetentionRule.BODY]
    due = await bodies_due(uow.connection, cutoff, after=after, limit=limit)
    if due:
        await shred_bodies(uow.connection, [appeal_id for appeal_id, _ in due])
        for appeal_id, _ in due:
            await forget_words(uow.connection, appeal_id)
        await log_shreddings(uow.connection, due, what="body", actor=actor, at=uow.now)
    return Pass(len(due), due[-1][0] if len(due) == limit else None)
