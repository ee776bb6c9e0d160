"""Keeping the registries of entry: create, change and retire by code; nothing is deleted, every version is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.intake.db.entry import (
    SERVICE_ITEMS,
    Registry,
    Row,
    find_registered,
    known_categories,
    known_codes,
    list_registered,
    lock_demand_classes,
    read_demand_classes,
    read_versions,
    replace_demand_classes,
    save_registered,
    version_of_demand_classes,
)
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput, NotFound

VersionCheck = Callable[[int | None], None]

_OWN: Final = frozenset({"retired_at", "version", "updated_at"})


async def put_registered(
    uow: UnitOfWork,
    registry: Registry,
    wanted: Mapping[str, Any],
    *,
    actor: str,
    check_version: VersionCheck,
    when_new: Mapping[str, Any] | None = None,
) -> tuple[Row, bool]:
    """Create or change one entry; return it and whether it is new. Putting what is there already changes nothing.

    `when_new` are values an entry gets once and keeps. Raises StaleVersion.
    """
    stored = await find_registered(uow.connection, registry, wanted["code"], lock=True)
    check_version(stored["version"] if stored is not None else None)
    if stored is not None and all(stored[name] == value for name, value in wanted.items()):
        return stored, False
    row = {
        **(stored if stored is not None else when_new or {}),
        **wanted,
        "retired_at": _retired_at(stored, uow, is_retired=wanted["retired"]),
        "version": stored["version"] + 1 if stored is not None else 1,
        "updated_at": uow.now,
    }
    await save_registered(uow.connection, registry, row, actor=actor)
    return row, stored is None


def _retired_at(stored: Row | None, uow: UnitOfWork, *, is_retired: bool) -> Any:
    if not is_retired:
        return None
    return (stored["retired_at"] if stored is not None else None) or uow.now


async def get_registered(uow: UnitOfWork, registry: Registry, code: str) -> Row:
    """Return one entry, retired or not. Raises NotFound."""
    row = await find_registered(uow.connection, registry, code)
    if row is None:
        raise NotFound(f"There is no such {registry.title}.")
    return row


async def page_registered(
    uow: UnitOfWork, registry: Registry, wanted: Mapping[str, Any], *, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of entries in the order of their codes, and the cursor of the next. Raises InvalidInput."""
    after = decode_cursor(cursor, (str,))[0] if cursor is not None else None
    rows = await list_registered(uow.connection, registry, wanted, after=after, limit=limit + 1)
    following = encode_cursor(rows[limit - 1]["code"]) if len(rows) > limit else None
    return rows[:limit], following


async def list_versions(uow: UnitOfWork, registry: Registry, code: str) -> list[Row]:
    """Return every version of an entry, newest first. Raises NotFound."""
    versions = await read_versions(uow.connection, registry, code)
    if not versions:
        raise NotFound(f"There is no such {registry.title}.")
    return versions


async def check_items(uow: UnitOfWork, codes: Sequence[str]) -> None:
    """Raise InvalidInput naming the service items that are not in the registry."""
    known = await known_codes(uow.connection, SERVICE_ITEMS, codes) if codes else {}
    problems = [
        FieldProblem(f"/item_codes/{index}", "there is no such service item")
        for index, code in enumerate(codes)
        if code not in known
    ]
    if problems:
        raise InvalidInput("The entry point is not valid.", problems)


async def put_demand_classes(
    uow: UnitOfWork, rows: Sequence[Row], *, check_version: Callable[[int], None]
) -> tuple[list[Row], int]:
    """HZ-01: set which categories are for which of the three centres, in place of the table there is.

    Returns the table and its version. Raises StaleVersion, InvalidInput for categories that do not exist or stand
    there twice.
    """
    await lock_demand_classes(uow.connection)
    check_version(await version_of_demand_classes(uow.connection))
    codes = [row["category_code"] for row in rows]
    known = await known_categories(uow.connection, codes)
    problems = []
    for index, code in enumerate(codes):
        if code not in known:
            problems.append(FieldProblem(f"/items/{index}/category_code", "there is no such category"))
        elif code in codes[:index]:
            problems.append(FieldProblem(f"/items/{index}/category_code", "stands there twice"))
    if problems:
        raise InvalidInput("The demand classes are not valid.", problems)
    await replace_demand_classes(uow.connection, rows, uow.now)
    return await list_demand_classes(uow)


async def check_category(uow: UnitOfWork, code: str | None) -> None:
    """Raise InvalidInput when a registry names a category that does not exist."""
    if code is not None and code not in await known_categories(uow.connection, [code]):
        problem = FieldProblem("/category_code", "there is no such category")
        raise InvalidInput("The category does not exist.", [problem])


async def list_demand_classes(uow: UnitOfWork) -> tuple[list[Row], int]:
    """Return which categories are for which centre, in the order of their codes, and the table's version (HZ-01)."""
    return await read_demand_classes(uow.connection), await version_of_demand_classes(uow.connection)
