"""Finding what is kept too long and destroying it: the wrapped key goes, and with it whatever a backup still has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, pii_vault, progress, timeline_entries
from services.intake.db.tables_attachments import attachments
from services.intake.db.tables_groups import signatory_lists
from services.intake.db.tables_privacy import legal_holds, shreddings
from services.intake.domain.attachments import MediaKind
from services.intake.domain.retention import ENDED, RetentionRule
from services.intake.domain.timeline import EntryCode
from shared.ids import uuid7
from shared.vocabulary import AppealType

_FREE_WORDS: Final = (EntryCode.PROGRESS.value, EntryCode.RESULT_CONFIRMED.value)

Due = tuple[UUID, RetentionRule]


def _not_held() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(legal_holds.c.appeal_id == appeals.c.id, legal_holds.c.released_at.is_(None))


def _rule() -> sa.ColumnElement[str]:
    return sa.case(
        (appeals.c.type == AppealType.REPORT, RetentionRule.REPORT_IDENTITY.value), else_=RetentionRule.PERSON.value
    )


async def people_due(
    connection: AsyncConnection, cutoffs: Mapping[RetentionRule, datetime], *, after: UUID | None, limit: int
) -> list[Due]:
    """Return appeals whose people are to be forgotten, by the order of their ids; locked, and none under a hold."""
    sealed_list = sa.exists().where(
        signatory_lists.c.appeal_id == appeals.c.id, signatory_lists.c.wrapped_key.is_not(None)
    )
    in_vault = sa.exists().where(pii_vault.c.appeal_id == appeals.c.id)
    has_files = sa.exists().where(attachments.c.appeal_id == appeals.c.id, attachments.c.shredded_at.is_(None))
    is_report = appeals.c.type == AppealType.REPORT
    over = sa.or_(
        progress.c.as_of < cutoffs[RetentionRule.PERSON],
        sa.and_(is_report, progress.c.as_of < cutoffs[RetentionRule.REPORT_IDENTITY]),
    )
    statement = (
        sa.select(appeals.c.id, _rule().label("rule"))
        .join(progress, progress.c.appeal_id == appeals.c.id)
        .where(progress.c.status.in_(ENDED), over, sa.or_(in_vault, sealed_list, has_files), _not_held())
    )
    if after is not None:
        statement = statement.where(appeals.c.id > after)
    statement = statement.order_by(appeals.c.id).limit(limit).with_for_update(of=[appeals], skip_locked=True)
    return [(row.id, RetentionRule(row.rule)) for row in await connection.execute(statement)]


async def recordings_due(connection: AsyncConnection, cutoff: datetime, *, after: UUID | None, limit: int) -> list[Due]:
    """Return appeals whose sound is to be forgotten, by the order of their ids; locked, and none under a hold."""
    has_sound = sa.exists().where(
        attachments.c.appeal_id == appeals.c.id,
        attachments.c.shredded_at.is_(None),
        attachments.c.kind.in_((MediaKind.AUDIO.value, MediaKind.VIDEO.value)),
    )
    statement = (
        sa.select(appeals.c.id)
        .join(progress, progress.c.appeal_id == appeals.c.id)
        .where(progress.c.status.in_(ENDED), progress.c.as_of < cutoff, has_sound, _not_held())
    )
    if after is not None:
        statement = statement.where(appeals.c.id > after)
    statement = statement.order_by(appeals.c.id).limit(limit).with_for_update(of=[appeals], skip_locked=True)
    return [(row.id, RetentionRule.RECORDING) for row in await connection.execute(statement)]


async def bodies_due(connection: AsyncConnection, cutoff: datetime, *, after: UUID | None, limit: int) -> list[Due]:
    """Return appeals whose words are to be forgotten, by the order of their ids; locked, and none under a hold."""
    statement = (
        sa.select(appeals.c.id)
        .join(progress, progress.c.appeal_id == appeals.c.id)
        .where(progress.c.status.in_(ENDED), progress.c.as_of < cutoff, appeals.c.title != "", _not_held())
    )
    if after is not None:
        statement = statement.where(appeals.c.id > after)
    statement = statement.order_by(appeals.c.id).limit(limit).with_for_update(of=[appeals], skip_locked=True)
    return [(row.id, RetentionRule.BODY) for row in await connection.execute(statement)]


async def shred_people(connection: AsyncConnection, appeal_ids: Sequence[UUID]) -> None:
    """Destroy keys, sealed data and hashes; the counts and seals of lists of signatories stay as evidence."""
    await connection.execute(sa.delete(pii_vault).where(pii_vault.c.appeal_id.in_(appeal_ids)))
    await connection.execute(
        sa.update(signatory_lists)
        .where(signatory_lists.c.appeal_id.in_(appeal_ids))
        .values(key_id=None, wrapped_key=None, sealed=None)
    )
    await connection.execute(
        sa.update(appeals).where(appeals.c.id.in_(appeal_ids)).values(reporter_hint=None, version=appeals.c.version + 1)
    )


async def shred_bodies(connection: AsyncConnection, appeal_ids: Sequence[UUID]) -> None:
    """Blank the words of the matter; what is counted (category, place on the grid, times, states) stays."""
    await connection.execute(
        sa.update(appeals)
        .where(appeals.c.id.in_(appeal_ids))
        .values(
            title="",
            description="",
            place="",
            attributes={},
            channel_details={},
            version=appeals.c.version + 1,
        )
    )
    await connection.execute(
        sa.update(timeline_entries)
        .where(timeline_entries.c.appeal_id.in_(appeal_ids), timeline_entries.c.code.in_(_FREE_WORDS))
        .values(text_en="", text_zh="")
    )


async def log_shreddings(
    connection: AsyncConnection, due: Sequence[Due], *, what: str, actor: str, at: datetime
) -> None:
    """Record what was destroyed and by which rule."""
    await connection.execute(
        sa.insert(shreddings),
        [
            {"id": uuid7(), "appeal_id": appeal_id, "what": what, "rule": rule.value, "actor": actor, "at": at}
            for appeal_id, rule in due
        ],
    )
