"""The category tree: reading it, changing one category, loading a whole taxonomy, and the city's service area."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.intake.db.catalogue import lock_catalogue, save_categories, save_service_area
from services.intake.domain.categories import Category, check_change
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput, NotFound

VersionCheck = Callable[[int | None], None]


async def list_categories(uow: UnitOfWork, desk: Desk) -> Sequence[Category]:
    """Return every category, retired ones included, in the order of their codes."""
    catalogue = await desk.catalogue.within(uow.connection)
    return list(catalogue.categories.values())


async def get_category(uow: UnitOfWork, desk: Desk, code: str) -> Category:
    """Return one category. Raises NotFound."""
    category = (await desk.catalogue.within(uow.connection)).categories.get(code)
    if category is None:
        raise NotFound("There is no such category.")
    return category


async def put_category(
    uow: UnitOfWork, desk: Desk, wanted: Category, *, check_version: VersionCheck
) -> tuple[Category, bool]:
    """Create or change one category; return it and whether it is new. Putting what is there already changes nothing.

    Raises StaleVersion, and InvalidInput when it does not fit into the tree.
    """
    tree = (await lock_catalogue(uow.connection)).categories
    stored = tree.get(wanted.code)
    check_version(stored.version if stored is not None else None)
    check_change(tree, wanted)
    wanted = replace(wanted, level=tree[wanted.parent_code].level + 1 if wanted.parent_code else 1)
    if stored is not None and replace(wanted, version=stored.version) == stored:
        return stored, False
    saved = replace(wanted, version=stored.version + 1 if stored is not None else 1)
    await save_categories(uow.connection, [saved], uow.now)
    uow.after_commit(desk.catalogue.forget)
    return saved, stored is None


async def load_categories(uow: UnitOfWork, rows: Iterable[Category]) -> int:
    """Bring the categories of a taxonomy in; return how many were new or changed.

    A category that the rows leave out stays as it is: one is never deleted. Raises InvalidInput naming each that does
    not fit; then nothing is written.
    """
    wanted = list(rows)
    tree: Mapping[str, Category] = (await lock_catalogue(uow.connection)).categories
    merged = {**tree, **{category.code: category for category in wanted}}
    problems: list[FieldProblem] = []
    for category in wanted:
        try:
            check_change(merged, category)
        except InvalidInput as error:
            problems += [replace(problem, field=f"/{category.code}{problem.field}") for problem in error.problems]
    if problems:
        raise InvalidInput("The categories do not make a tree.", problems)
    changed = [new for category in wanted if (new := _changed(tree, category)) is not None]
    await save_categories(uow.connection, changed, uow.now)
    return len(changed)


def _changed(tree: Mapping[str, Category], wanted: Category) -> Category | None:
    stored = tree.get(wanted.code)
    if stored is None:
        return replace(wanted, version=1)
    if replace(wanted, version=stored.version) == stored:
        return None
    return replace(wanted, version=stored.version + 1)


async def put_service_area(uow: UnitOfWork, geojson: Mapping[str, Any]) -> bool:
    """Set the area the city answers for, a GeoJSON Polygon or MultiPolygon in degrees; return whether it changed.

    Raises InvalidInput.
    """
    await lock_catalogue(uow.connection)
    return await save_service_area(uow.connection, geojson, uow.now)
