"""Take over a category from the service that owns it."""

from dataclasses import dataclass

from services.dispatch.db import changes, registry, sla
from services.dispatch.domain.registry import (
    Category,
    RegistryChange,
    RegistryKind,
    RegistryPart,
    check_code,
)
from services.dispatch.domain.registry_document import category_document
from services.dispatch.domain.registry_rules import category_problems, merge_category
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class PutCategory:
    category: Category
    actor: str


async def put_category(uow: UnitOfWork, command: PutCategory) -> Category:
    """Store dispatch's copy; the same content again changes nothing. Raises InvalidInput (parent, policy)."""
    wanted = command.category
    check_code(wanted.code, "/code")
    await changes.lock_parts(uow, [RegistryPart.CATALOGUE])
    known = await registry.all_categories(uow.connection)
    before = known.get(wanted.code)
    item, action = merge_category(wanted, before)
    if action is None:
        return item
    policies = await sla.policy_codes(uow.connection)
    problems = list(category_problems(item, {**known, item.code: item}, policies))
    if problems:
        raise InvalidInput(f"The category is not valid: {problems[0].message}", problems)
    await registry.save_categories(uow, [item])
    change = RegistryChange(
        RegistryKind.CATEGORY, item.code, category_document(before), category_document(item), action
    )
    await changes.record_changes(uow, command.actor, [change])
    return item
