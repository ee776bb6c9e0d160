"""Reading and writing what category suggestion needs: synonyms, versions of the classifier, the review list."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.appeals import JOINED, SHOWN, Row
from services.intake.db.tables import appeal_events, appeals, catalogue_version, progress
from services.intake.db.tables_suggestions import (
    appeal_suggestions,
    category_synonyms,
    classifier_switches,
    classifier_versions,
)
from services.intake.domain.machine import Move
from services.intake.domain.suggestion import AGENT_CHANNELS, Advice
from shared.vocabulary import AppealStatus, AppealType

MOST_VERSIONS: Final = 200
_MOST_CATEGORIES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Synonyms:
    """A category's own words as a city has set them."""

    words: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Version:
    """A trained model as the record knows it; `report` is what was measured when it was trained."""

    version: str
    origin: str
    examples: int
    labels: tuple[str, ...]
    sha256: bytes
    report: Mapping[str, Any]
    created_at: datetime
    created_by: str
    is_active: bool = False


# --- words ----------------------------------------------------------------------------------------------------------


async def read_synonyms(connection: AsyncConnection) -> dict[str, Synonyms]:
    """Return every category's own words."""
    rows = await connection.execute(sa.select(category_synonyms).limit(_MOST_CATEGORIES))
    return {row.category_code: Synonyms(tuple(row.words), row.version) for row in rows}


async def find_synonyms(connection: AsyncConnection, code: str) -> Synonyms | None:
    """Return one category's own words, or None where the city has set none."""
    statement = sa.select(category_synonyms).where(category_synonyms.c.category_code == code)
    row = (await connection.execute(statement)).one_or_none()
    return Synonyms(tuple(row.words), row.version) if row is not None else None


async def save_synonyms(connection: AsyncConnection, code: str, synonyms: Synonyms, now: datetime) -> None:
    """Store a category's own words and make every process look again; the catalogue must be locked."""
    values = {"words": list(synonyms.words), "version": synonyms.version, "updated_at": now}
    statement = postgresql.insert(category_synonyms).values(category_code=code, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["category_code"], set_=values))
    await _look_again(connection)


async def _look_again(connection: AsyncConnection) -> None:
    """What suggests is kept together with the catalogue; a new version of that makes every process read both."""
    await connection.execute(sa.update(catalogue_version).values(version=catalogue_version.c.version + 1))


# --- versions of the classifier -------------------------------------------------------------------------------------

_ACTIVE: Final = (
    sa.select(classifier_switches.c.version).order_by(classifier_switches.c.id.desc()).limit(1).scalar_subquery()
)


async def add_version(connection: AsyncConnection, version: Version) -> None:
    """Put a trained model on record."""
    values = {name: value for name, value in asdict(version).items() if name != "is_active"}
    await connection.execute(sa.insert(classifier_versions).values(**{**values, "labels": list(version.labels)}))


async def list_versions(connection: AsyncConnection) -> list[Version]:
    """Return the trained models, the newest first."""
    statement = sa.select(classifier_versions, _is_active()).order_by(
        classifier_versions.c.created_at.desc(), classifier_versions.c.version.desc()
    )
    return [_version(row) for row in await connection.execute(statement.limit(MOST_VERSIONS))]


async def find_version(connection: AsyncConnection, version: str) -> Version | None:
    """Return one trained model, or None."""
    statement = sa.select(classifier_versions, _is_active()).where(classifier_versions.c.version == version)
    row = (await connection.execute(statement)).one_or_none()
    return _version(row) if row is not None else None


async def find_active(connection: AsyncConnection) -> Version | None:
    """Return the model that is switched on, or None."""
    statement = sa.select(classifier_versions, _is_active()).where(classifier_versions.c.version == _ACTIVE)
    row = (await connection.execute(statement)).one_or_none()
    return _version(row) if row is not None else None


async def switch(connection: AsyncConnection, version: str | None, *, actor: str, now: datetime) -> None:
    """Switch a model on, or all off; every process sees it within a second or two. The catalogue must be locked."""
    await connection.execute(sa.insert(classifier_switches).values(version=version, at=now, actor=actor))
    await _look_again(connection)


def _is_active() -> sa.ColumnElement[bool]:
    return sa.func.coalesce(classifier_versions.c.version == _ACTIVE, sa.false()).label("is_active")


def _version(row: Any) -> Version:
    return Version(
        version=row.version,
        origin=row.origin,
        examples=row.examples,
        labels=tuple(row.labels),
        sha256=bytes(row.sha256),
        report=row.report,
        created_at=row.created_at,
        created_by=row.created_by,
        is_active=row.is_active,
    )


# --- what was suggested for an appeal -------------------------------------------------------------------------------


async def save_suggestions(connection: AsyncConnection, advices: Mapping[UUID, Advice], *, at: datetime) -> None:
    """Keep what was suggested for appeals that have just been written."""
    rows = [
        {
            "appeal_id": appeal_id,
            "source": advice.source,
            "version": advice.version,
            "suggestions": [_plain(each) for each in advice.suggestions],
            "top_code": advice.top.category_code if advice.top else None,
            "at": at,
        }
        for appeal_id, advice in advices.items()
    ]
    if rows:
        await connection.execute(sa.insert(appeal_suggestions), rows)


def _plain(suggestion: Any) -> dict[str, Any]:
    return {
        "category_code": suggestion.category_code,
        "confidence": suggestion.confidence,
        "words": [[each.word, each.weight] for each in suggestion.words],
    }


async def forget_words(connection: AsyncConnection, appeal_id: UUID) -> None:
    """Take the words out of what was suggested, for a matter whose wording goes into the vault."""
    found = sa.select(appeal_suggestions.c.suggestions).where(appeal_suggestions.c.appeal_id == appeal_id)
    suggestions = (await connection.execute(found.with_for_update())).scalar_one_or_none()
    if suggestions:
        bare = [{**each, "words": []} for each in suggestions]
        change = sa.update(appeal_suggestions).where(appeal_suggestions.c.appeal_id == appeal_id)
        await connection.execute(change.values(suggestions=bare))


_DUE: Final = sa.func.coalesce(appeals.c.accept_due_at, appeals.c.created_at)


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which part of the review list is wanted; a department has none of it in charge."""

    top_code: str | None = None
    department_code: str | None = None


async def list_review(
    connection: AsyncConnection, wanted: ReviewFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Return up to `limit` appeals that wait for a decision, the one due first first, with what was suggested."""
    conditions: list[sa.ColumnElement[bool]] = [appeals.c.status == AppealStatus.REGISTERED]
    if wanted.top_code is not None:
        conditions.append(appeal_suggestions.c.top_code == wanted.top_code)
    if wanted.department_code is not None:
        conditions.append(progress.c.department_code == wanted.department_code)
    if after is not None:
        conditions.append(sa.tuple_(_DUE, appeals.c.id) > sa.tuple_(*after))
    statement = (
        sa.select(
            *SHOWN,
            _DUE.label("due_at"),
            appeal_suggestions.c.source.label("suggestion_source"),
            appeal_suggestions.c.version.label("suggestion_version"),
            appeal_suggestions.c.suggestions,
        )
        .select_from(JOINED.outerjoin(appeal_suggestions, appeal_suggestions.c.appeal_id == appeals.c.id))
        .where(*conditions)
        .order_by(_DUE, appeals.c.id)
        .limit(limit)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


# --- what a person has confirmed ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose category a person has set or confirmed: the public, masked wording and nothing of anybody."""

    type: AppealType
    channel: str
    title: str
    description: str
    located: bool
    category_code: str


def _has_event(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(appeal_events.c.appeal_id == appeals.c.id, *conditions)


# An agent decided (T43, T10), or the matter came through an agent together with its category and no model set it.
_DECIDED: Final = _has_event(
    sa.or_(
        sa.and_(appeal_events.c.move == Move.RECATEGORIZE, appeal_events.c.details["changes"].has_key("category_code")),
        appeal_events.c.move == Move.ACCEPT,
    )
)
_SET_BY_MODEL: Final = _has_event(
    appeal_events.c.move == Move.REGISTER, appeal_events.c.details["category"]["by"].astext == "model"
)


async def read_confirmed(
    connection: AsyncConnection, *, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[Record], tuple[datetime, UUID] | None]:
    """Return confirmed records, the newest first, and where to go on; never a report, whose words nobody may learn."""
    conditions = [
        appeals.c.category_code.is_not(None),
        appeals.c.type != AppealType.REPORT,
        sa.or_(
            sa.and_(appeals.c.channel.in_(sorted(AGENT_CHANNELS)), sa.not_(_SET_BY_MODEL)),
            _DECIDED,
        ),
    ]
    if after is not None:
        conditions.append(sa.tuple_(appeals.c.created_at, appeals.c.id) < sa.tuple_(*after))
    located = sa.or_(appeals.c.longitude.is_not(None), appeals.c.place != "", appeals.c.grid_code.is_not(None))
    statement = (
        sa.select(
            appeals.c.id,
            appeals.c.created_at,
            appeals.c.type,
            appeals.c.channel,
            appeals.c.title,
            appeals.c.description,
            appeals.c.category_code,
            located.label("located"),
        )
        .where(*conditions)
        .order_by(appeals.c.created_at.desc(), appeals.c.id.desc())
        .limit(limit)
    )
    rows = (await connection.execute(statement)).all()
    records = [
        Record(AppealType(row.type), row.channel, row.title, row.description, row.located, row.category_code)
        for row in rows
    ]
    return records, (rows[-1].created_at, rows[-1].id) if len(rows) == limit else None
