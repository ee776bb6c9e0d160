"""A service's questions as the city sets them: reading and replacing them as a whole."""

from collections.abc import Callable, Sequence

from services.intake.db.open311 import Definition, lock_definition, read_definitions, save_definition
from services.intake.domain.open311_attributes import Attribute, check_definition
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.edit_categories import get_category
from shared.db.unit_of_work import UnitOfWork

VersionCheck = Callable[[int | None], None]
_NONE = Definition((), 0)


async def get_attributes(uow: UnitOfWork, desk: Desk, code: str) -> Definition:
    """Return a category's questions, none at version 0 when it never had any. Raises NotFound."""
    await get_category(uow, desk, code)
    return (await read_definitions(uow.connection, [code])).get(code, _NONE)


async def put_attributes(
    uow: UnitOfWork, desk: Desk, code: str, wanted: Sequence[Attribute], *, check_version: VersionCheck
) -> Definition:
    """Put these questions in place of those a category had; the same ones again change nothing.

    Raises NotFound, StaleVersion, and InvalidInput naming every fault.
    """
    await get_category(uow, desk, code)
    stored = await lock_definition(uow.connection, code)
    check_version(stored.version if stored is not None else None)
    check_definition(wanted)
    attributes = tuple(sorted(wanted, key=lambda attribute: attribute.order))
    if stored is not None and stored.attributes == attributes:
        return stored
    saved = Definition(attributes, stored.version + 1 if stored is not None else 1)
    await save_definition(uow.connection, code, saved, uow.now)
    return saved
