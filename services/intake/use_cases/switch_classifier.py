"""Versions of the classifier: putting a trained one on record, switching one on or off."""

from collections.abc import Sequence

from services.intake.db.catalogue import load_catalogue, lock_catalogue
from services.intake.db.suggestions import (
    Record,
    Version,
    add_version,
    find_active,
    find_version,
    list_versions,
    read_confirmed,
    switch,
)
from services.intake.domain.categories import Tree
from services.intake.domain.suggestion import lost_codes
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound

PAGE = 2_000


class CategoriesLost(Conflict):
    """A model would suggest categories that are not in use any more and lead to no successor."""

    code = "categories_lost"
    title = "Categories the model has learnt are not in use any more"


async def confirmed_records(uow: UnitOfWork, *, most: int) -> list[Record]:
    """Return up to `most` records whose category a person has confirmed, the newest first."""
    found: list[Record] = []
    after = None
    while len(found) < most:
        records, after = await read_confirmed(uow.connection, after=after, limit=min(PAGE, most - len(found)))
        found += records
        if after is None:
            break
    return found


async def read_tree(uow: UnitOfWork) -> Tree:
    """Return the categories as they stand."""
    return (await load_catalogue(uow.connection)).categories


async def keep_version(uow: UnitOfWork, version: Version) -> None:
    """Put a trained model on record; it is not switched on by that."""
    await add_version(uow.connection, version)


async def classifier_versions(uow: UnitOfWork) -> Sequence[Version]:
    """Return the trained models, the newest first."""
    return await list_versions(uow.connection)


async def classifier_version(uow: UnitOfWork, version: str) -> Version:
    """Return one trained model. Raises NotFound."""
    found = await find_version(uow.connection, version)
    if found is None:
        raise NotFound(f"There is no classifier {version}.")
    return found


async def activate_classifier(uow: UnitOfWork, version: str, *, actor: str) -> bool:
    """Switch a model on; return whether that changed anything.

    Raises NotFound, and CategoriesLost when a category it has learnt is unknown or retired without a successor.
    """
    catalogue = await lock_catalogue(uow.connection)
    found = await classifier_version(uow, version)
    if lost := lost_codes(catalogue.categories, found.labels):
        shown = ", ".join(lost[:20]) + (", …" if len(lost) > 20 else "")
        raise CategoriesLost(f"It has learnt categories that lead to none in use: {shown}.", categories=list(lost))
    if found.is_active:
        return False
    await switch(uow.connection, version, actor=actor, now=uow.now)
    return True


async def deactivate_classifier(uow: UnitOfWork, *, actor: str) -> str | None:
    """Switch the model off, so that the lexicon suggests; return which one it was, None if none was on."""
    await lock_catalogue(uow.connection)
    active = await find_active(uow.connection)
    if active is None:
        return None
    await switch(uow.connection, None, actor=actor, now=uow.now)
    return active.version
