"""Make a drafted rule set the one that decides."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.dispatch.db import changes, routing
from services.dispatch.db.routing import RuleSetRecord
from services.dispatch.domain.registry import ChangeAction, RegistryPart, RuleSetStatus
from services.dispatch.domain.routing_document import check_rules
from services.dispatch.use_cases.draft_rule_set import known_codes, rule_set_change
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Forbidden, IllegalMove, NotFound


@dataclass(frozen=True, slots=True)
class PublishRuleSet:
    rule_set_id: UUID
    principal_id: str
    actor: str


async def publish_rule_set(uow: UnitOfWork, command: PublishRuleSet) -> RuleSetRecord:
    """Publish a draft, superseding the set before it; the next decision already follows it.

    Raises NotFound, IllegalMove (not a draft), Forbidden (its own author: two persons are needed), InvalidInput when
    the registry has changed since so that the rules no longer hold.
    """
    await changes.lock_parts(uow, [RegistryPart.CATALOGUE])
    draft = await routing.find_rule_set(uow.connection, command.rule_set_id)
    if draft is None:
        raise NotFound("There is no such rule set")
    if draft.status is not RuleSetStatus.DRAFT:
        raise IllegalMove("publish", draft.status, [])
    if draft.author_id == command.principal_id:
        raise Forbidden("A rule set is published by a second person", code="second_person_required")
    check_rules(await routing.rules_of(uow.connection, draft.id), await known_codes(uow))
    return await make_effective(uow, draft, command.actor)


async def make_effective(uow: UnitOfWork, draft: RuleSetRecord, actor: str) -> RuleSetRecord:
    """Supersede what was published and publish `draft`; the catalogue is locked by the caller."""
    before = await routing.published_rule_set(uow.connection)
    await routing.supersede_published(uow)
    await routing.mark_published(uow, draft.id, actor)
    published = replace(draft, status=RuleSetStatus.PUBLISHED, published_by=actor, published_at=uow.now)
    await changes.record_changes(uow, actor, [rule_set_change(before, published, ChangeAction.PUBLISHED)])
    return published
