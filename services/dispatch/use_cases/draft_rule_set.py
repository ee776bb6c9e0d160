"""Draft a rule set: checked as a whole, effective for nobody until a second person publishes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.dispatch.db import changes, registry, routing
from services.dispatch.db.routing import RuleSetRecord
from services.dispatch.domain.registry import (
    ChangeAction,
    RegistryChange,
    RegistryKind,
    RegistryPart,
    RuleSetStatus,
)
from services.dispatch.domain.routing import Rule
from services.dispatch.domain.routing_document import KnownCodes, check_rules
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7


@dataclass(frozen=True, slots=True)
class DraftRuleSet:
    rules: Sequence[Rule]
    note: str
    author_id: str
    actor: str


async def draft_rule_set(uow: UnitOfWork, command: DraftRuleSet) -> RuleSetRecord:
    """Store a draft under the next version number.

    Raises InvalidInput naming rule and field: unknown or retired department, unknown category or grid, an id used
    twice, two rules between which only chance would decide.
    """
    await changes.lock_parts(uow, [RegistryPart.CATALOGUE])
    check_rules(command.rules, await known_codes(uow))
    record = RuleSetRecord(
        id=uuid7(),
        version=await routing.next_version(uow.connection),
        status=RuleSetStatus.DRAFT,
        note=command.note,
        rule_count=len(command.rules),
        author_id=command.author_id,
        author=command.actor,
        created_at=uow.now,
    )
    await routing.insert_rule_set(uow, record, command.rules)
    await changes.record_changes(uow, command.actor, [rule_set_change(None, record, ChangeAction.CREATED)])
    return record


async def known_codes(uow: UnitOfWork) -> KnownCodes:
    """What rules may name at this moment."""
    departments = await registry.all_departments(uow.connection)
    return KnownCodes(
        departments=frozenset(code for code, each in departments.items() if each.is_active),
        retired_departments=frozenset(code for code, each in departments.items() if not each.is_active),
        categories=frozenset(await registry.all_categories(uow.connection)),
        grids=frozenset(await registry.grid_codes(uow.connection)),
    )


def rule_set_change(before: RuleSetRecord | None, after: RuleSetRecord, action: ChangeAction) -> RegistryChange:
    """The rules themselves stay readable under their version, so the record only names it."""
    return RegistryChange(
        RegistryKind.RULE_SET,
        str(after.version),
        None if before is None else {"version": before.version, "status": before.status},
        {"version": after.version, "status": after.status, "rules": after.rule_count},
        action,
    )
