"""The knowledge base: writing articles, each version kept, and finding those that hold on a day (trap 42, YQ-07)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from services.intake.db.knowledge import (
    ArticleFilter,
    ArticleVersion,
    find_articles,
    list_versions,
    lock_article,
    save_article,
)
from services.intake.db.knowledge import list_articles as select_articles
from services.intake.domain.knowledge import Article, problems_of
from services.intake.use_cases.desk import Desk
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.engine import RetryTransaction
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput, NotFound

VersionCheck = Callable[[int | None], None]


async def put_article(
    uow: UnitOfWork, desk: Desk, wanted: Article, *, actor: str, check_version: VersionCheck
) -> tuple[Article, bool]:
    """Create or change one article; return it and whether it is new. Putting what is there already changes nothing.

    The id of `wanted` is used for a new article only. Raises StaleVersion, InvalidInput.
    """
    stored = await lock_article(uow.connection, wanted.code)
    check_version(stored.version if stored is not None else None)
    problems = list(problems_of(wanted, (await desk.catalogue.within(uow.connection)).categories))
    if problems:
        raise InvalidInput("The article cannot be stored.", problems)
    if stored is None:
        if not await save_article(uow.connection, replace(wanted, version=1), actor=actor, now=uow.now):
            raise RetryTransaction
        return replace(wanted, version=1), True
    changed = replace(wanted, id=stored.id, version=stored.version)
    if changed == stored:
        return stored, False
    changed = replace(changed, version=stored.version + 1)
    await save_article(uow.connection, changed, actor=actor, now=uow.now)
    return changed, False


async def get_article(uow: UnitOfWork, reference: str) -> Article:
    """Return one article by its code or id. Raises NotFound."""
    article = (await find_articles(uow.connection, [reference])).get(reference)
    if article is None:
        raise NotFound("There is no such article.")
    return article


async def get_versions(uow: UnitOfWork, reference: str) -> Sequence[ArticleVersion]:
    """Return the versions of an article, newest first. Raises NotFound."""
    article_id: UUID = (await get_article(uow, reference)).id
    return await list_versions(uow.connection, article_id)


async def list_articles(
    uow: UnitOfWork, wanted: ArticleFilter, *, cursor: str | None, limit: int
) -> tuple[list[Article], str | None]:
    """Return a page of articles in the order of their codes. Raises InvalidInput for a cursor of another list."""
    after = decode_cursor(cursor, (str,))[0] if cursor is not None else None
    found = await select_articles(uow.connection, wanted, after=after, limit=limit + 1)
    page = found[:limit]
    return page, encode_cursor(page[-1].code) if len(found) > limit else None
