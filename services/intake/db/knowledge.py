"""The knowledge base: articles as they stand, and every version they ever had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables_handling import knowledge_articles, knowledge_versions
from services.intake.domain.knowledge import Article

_MOST_VERSIONS: Final = 200


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """What a list asks for; every given condition must hold."""

    valid_on: date | None = None
    text: str | None = None
    category_code: str | None = None
    retired: bool | None = None


@dataclass(frozen=True, slots=True)
class ArticleVersion:
    """One version of an article, who wrote it and when."""

    article: Article
    written_by: str
    written_at: datetime


async def find_articles(connection: AsyncConnection, references: Sequence[str]) -> Mapping[str, Article]:
    """Return articles by what they were asked for with: an id or a code. What is not found is left out."""
    ids = [id_ for reference in references if (id_ := _as_id(reference)) is not None]
    wanted = knowledge_articles.c.code.in_(references) | knowledge_articles.c.id.in_(ids)
    found = [article_of(row) for row in await connection.execute(sa.select(knowledge_articles).where(wanted))]
    by_name = {name: article for article in found for name in (str(article.id), article.code)}
    return {
        reference: by_name[name] for reference in references if (name := str(_as_id(reference) or reference)) in by_name
    }


def _as_id(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None


async def lock_article(connection: AsyncConnection, code: str) -> Article | None:
    """Return one article for a change of it, or None."""
    statement = sa.select(knowledge_articles).where(knowledge_articles.c.code == code).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return article_of(row) if row is not None else None


async def list_articles(
    connection: AsyncConnection, wanted: ArticleFilter, *, after: str | None, limit: int
) -> list[Article]:
    """Return up to `limit` articles in the order of their codes."""
    table = knowledge_articles.c
    statement = sa.select(knowledge_articles).order_by(table.code).limit(limit)
    if wanted.valid_on is not None:
        until = sa.func.coalesce(table.valid_to, sa.text("'infinity'::date"))
        statement = statement.where(table.valid_from <= wanted.valid_on, until >= wanted.valid_on)
    if wanted.text is not None:
        columns = (table.code, table.title, table.question, table.text)
        statement = statement.where(sa.or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    if wanted.category_code is not None:
        statement = statement.where(table.category_codes.contains([wanted.category_code]))
    if wanted.retired is not None:
        statement = statement.where(table.retired == wanted.retired)
    if after is not None:
        statement = statement.where(table.code > after)
    return [article_of(row) for row in await connection.execute(statement)]


async def save_article(connection: AsyncConnection, article: Article, *, actor: str, now: datetime) -> bool:
    """Write an article and this version of it; return False when another transaction created it meanwhile."""
    values = {
        "title": article.title,
        "question": article.question,
        "text": article.text,
        "category_codes": list(article.category_codes),
        "valid_from": article.valid_from,
        "valid_to": article.valid_to,
        "source": article.source,
        "retired": article.retired,
        "version": article.version,
        "updated_by": actor,
        "updated_at": now,
    }
    if article.version > 1:
        statement = sa.update(knowledge_articles).where(knowledge_articles.c.id == article.id).values(values)
        await connection.execute(statement)
    else:
        insert = postgresql.insert(knowledge_articles).values(id=article.id, code=article.code, **values)
        if (await connection.execute(insert.on_conflict_do_nothing(index_elements=["code"]))).rowcount != 1:
            return False
    await connection.execute(
        sa.insert(knowledge_versions).values(
            article_id=article.id, version=article.version, content=_content(article), written_by=actor, written_at=now
        )
    )
    return True


async def list_versions(connection: AsyncConnection, article_id: UUID) -> list[ArticleVersion]:
    """Return the versions of an article, newest first."""
    statement = (
        sa.select(knowledge_versions)
        .where(knowledge_versions.c.article_id == article_id)
        .order_by(knowledge_versions.c.version.desc())
        .limit(_MOST_VERSIONS)
    )
    return [
        ArticleVersion(_article_of_content(row), row.written_by, row.written_at)
        for row in await connection.execute(statement)
    ]


def article_of(row: Any) -> Article:
    """Return the article of a row of the table."""
    return Article(
        id=row.id,
        code=row.code,
        title=row.title,
        question=row.question,
        text=row.text,
        category_codes=tuple(row.category_codes),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
        retired=row.retired,
        version=row.version,
    )


def _content(article: Article) -> dict[str, Any]:
    return {
        "code": article.code,
        "title": article.title,
        "question": article.question,
        "text": article.text,
        "category_codes": list(article.category_codes),
        "valid_from": article.valid_from.isoformat(),
        "valid_to": article.valid_to.isoformat() if article.valid_to else None,
        "source": article.source,
        "retired": article.retired,
    }


def _article_of_content(row: Any) -> Article:
    content = row.content
    until = content["valid_to"]
    return Article(
        id=row.article_id,
        code=content["code"],
        title=content["title"],
        question=content["question"],
        text=content["text"],
        category_codes=tuple(content["category_codes"]),
        valid_from=date.fromisoformat(content["valid_from"]),
        valid_to=date.fromisoformat(until) if until else None,
        source=content["source"],
        retired=content["retired"],
        version=row.version,
    )
