"""The words citizens use for a category: those that come along, until a city puts its own in their place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.intake.db.catalogue import lock_catalogue
from services.intake.db.suggestions import Synonyms, find_synonyms, save_synonyms
from services.intake.domain.categories import Category
from services.intake.suggestion.synonyms import words_of
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound

VersionCheck = Callable[[int | None], None]


@dataclass(frozen=True, slots=True)
class CategoryWords:
    """A category's words; `version` is None while they are those that come along."""

    category: Category
    words: tuple[str, ...]
    version: int | None


async def get_synonyms(uow: UnitOfWork, desk: Desk, code: str) -> CategoryWords:
    """Return the words that count for a category. Raises NotFound."""
    category = (await desk.catalogue.within(uow.connection)).categories.get(code)
    if category is None:
        raise NotFound("There is no such category.")
    own = await find_synonyms(uow.connection, code)
    return CategoryWords(category, own.words or words_of(category), own.version) if own else _default(category)


async def put_synonyms(
    uow: UnitOfWork, desk: Desk, code: str, words: Sequence[str], *, check_version: VersionCheck
) -> CategoryWords:
    """Set a category's own words; none brings back those that come along. Putting what is there changes nothing.

    Raises NotFound, StaleVersion.
    """
    category = (await lock_catalogue(uow.connection)).categories.get(code)
    if category is None:
        raise NotFound("There is no such category.")
    stored = await find_synonyms(uow.connection, code)
    check_version(stored.version if stored else None)
    wanted = tuple(dict.fromkeys(words))
    if stored is None or stored.words != wanted:
        stored = Synonyms(wanted, stored.version + 1 if stored else 1)
        await save_synonyms(uow.connection, code, stored, uow.now)
        uow.after_commit(desk.catalogue.forget)
    return CategoryWords(category, stored.words or words_of(category), stored.version)


def _default(category: Category) -> CategoryWords:
    return CategoryWords(category, words_of(category), None)
