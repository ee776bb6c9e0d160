"""Counting out of the record how much came in and what became of it: no counter is kept that could drift (HZ-14)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, progress, timeline_entries
from services.intake.domain.timeline import EntryCode
from shared.vocabulary import AppealStatus as S

Row = dict[str, Any]

_MOST_GROUPS: Final = 2_000
_ROUTED_AWAY: Final = (S.REFERRED, S.NOT_ACCEPTED)
_FINISHED: Final = (S.CLOSED, S.ARCHIVED)
# What tells the citizen how it ended: an answer, a confirmed result, a closing word, the place on the ledger.
_FEEDBACK: Final = (EntryCode.RESULT_CONFIRMED, EntryCode.CLOSED, EntryCode.ON_LEDGER)


class VolumeGroup(StrEnum):
    """What volume can be counted by."""

    CATEGORY = "category"
    CHANNEL = "channel"
    TYPE = "type"
    URGENCY = "urgency"
    DISTRICT = "district"
    STREET = "street"


_KEYS: Final[dict[VolumeGroup, sa.ColumnElement[Any]]] = {
    VolumeGroup.CATEGORY: appeals.c.category_code,
    VolumeGroup.CHANNEL: appeals.c.channel,
    VolumeGroup.TYPE: appeals.c.type,
    VolumeGroup.URGENCY: appeals.c.urgency,
    VolumeGroup.DISTRICT: sa.func.left(appeals.c.grid_code, 6),
    VolumeGroup.STREET: sa.func.left(appeals.c.grid_code, 9),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Appeals put on record from `start` on and before `end`."""

    start: datetime
    end: datetime


async def count_volume(connection: AsyncConnection, period: Period, group: VolumeGroup | None) -> list[Row]:
    """Return one row of counts, or one per group, the largest first."""
    key = _KEYS[group] if group is not None else sa.null()
    status = progress.c.status
    statement = (
        sa.select(
            key.label("key"),
            sa.func.count().label("collected"),
            _count(status.in_(_ROUTED_AWAY)).label("routed_away"),
            _count(status.in_(_FINISHED)).label("finished"),
            _count(status == S.WITHDRAWN).label("withdrawn"),
            _count(status.not_in((*_ROUTED_AWAY, *_FINISHED, S.WITHDRAWN))).label("unfinished"),
            _count(status == S.ON_LEDGER).label("on_ledger"),
            _count(status == S.ATTACHED).label("attached"),
            _count(sa.and_(status.not_in((*_ROUTED_AWAY, S.WITHDRAWN)), _was_fed_back())).label("fed_back"),
            _count(appeals.c.signatories > 0).label("joint"),
            _sum(sa.func.greatest(appeals.c.signatories, 1)).label("persons"),
            _sum(appeals.c.households).label("households"),
        )
        .select_from(appeals.join(progress, progress.c.appeal_id == appeals.c.id))
        .where(appeals.c.created_at >= period.start, appeals.c.created_at < period.end)
    )
    if group is not None:
        name: sa.ColumnElement[Any] = sa.literal_column("key")
        statement = statement.group_by(name).order_by(sa.func.count().desc(), name).limit(_MOST_GROUPS)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(condition)


def _sum(number: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(number), 0)


def _was_fed_back() -> sa.ColumnElement[bool]:
    """Intake answered it itself, or another service told the citizen how it ended."""
    told = sa.exists().where(
        timeline_entries.c.appeal_id == appeals.c.id, timeline_entries.c.code.in_(_codes(_FEEDBACK))
    )
    return sa.or_(appeals.c.status == S.CLOSED, told)


def _codes(codes: Iterable[EntryCode]) -> list[str]:
    return [code.value for code in codes]
