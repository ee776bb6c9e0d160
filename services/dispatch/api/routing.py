"""Routing over HTTP: preview a decision, draft rule sets, publish them by a second person."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Security

from services.dispatch.api.registry_fields import Reference, after_code, cut
from services.dispatch.api.routing_schemas import (
    RoutingDecisionView,
    RoutingPreviewInput,
    RuleSetInput,
    RuleSetView,
    RuleView,
)
from services.dispatch.use_cases import read_registry
from services.dispatch.use_cases.draft_rule_set import DraftRuleSet, draft_rule_set
from services.dispatch.use_cases.preview_routing import preview_routing
from services.dispatch.use_cases.publish_rule_set import PublishRuleSet, publish_rule_set
from shared.db.cursors import decode_cursor
from shared.http.dependencies import Db, Idempotency, Page, PageQuery, require
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

PREVIEWS = Security(require("registry:read", "routing:write", "routing:publish", "tickets:dispatch", "tickets:read"))
READS = Security(require("registry:read", "routing:write", "routing:publish"))
Author = Annotated[Principal, Security(require("routing:write"))]
Publisher = Annotated[Principal, Security(require("routing:publish"))]
RULES_LIMIT = 16 * 1024 * 1024

router = APIRouter(prefix="/v1/routing", tags=["routing"])


@router.post(
    "/preview",
    operation_id="preview_routing",
    dependencies=[PREVIEWS],
    summary="What the published rules would decide, and why",
    response_model=RoutingDecisionView,
    responses=problem_documentation([404]),
)
async def preview(body: RoutingPreviewInput, reference: Reference, db: Db) -> RoutingDecisionView:
    """Nothing is stored. Every rule that was looked at is named, up to a bound, with why it won or lost."""
    query = body.to_query()
    decision = await db.transact(lambda uow: preview_routing(uow, query, reference), read_only=True)
    return RoutingDecisionView.of(decision)


@router.post(
    "/rule-sets",
    operation_id="draft_rule_set",
    summary="Draft a rule set",
    status_code=201,
    response_model=RuleSetView,
    max_body_size=RULES_LIMIT,
    responses=problem_documentation([409]),
)
async def draft(principal: Author, body: RuleSetInput, idem: Idempotency, db: Db) -> Any:
    """Checked as a whole: unknown or retired codes and pairs of rules that leave it to chance are refused by name."""
    rules = await asyncio.to_thread(body.to_rules)
    command = DraftRuleSet(rules, body.note, principal.id, principal.actor)
    return await idem.run(
        db,
        lambda uow: draft_rule_set(uow, command),
        status=201,
        render=lambda record: (
            RuleSetView.of(record),
            {"Location": f"/v1/routing/rule-sets/{record.id}"},
        ),
    )


@router.get(
    "/rule-sets",
    operation_id="list_rule_sets",
    dependencies=[READS],
    summary="Rule sets, newest first",
    response_model=Page[RuleSetView],
)
async def list_rule_sets(page: PageQuery, db: Db) -> Page[RuleSetView]:
    before = None if page.cursor is None else decode_cursor(page.cursor, (int,))[0]
    found = await db.transact(lambda uow: read_registry.list_rule_sets(uow, before, page.limit + 1), read_only=True)
    items, cursor = cut(found, page.limit, "version")
    return Page(items=[RuleSetView.of(record) for record in items], next_cursor=cursor)


@router.get(
    "/rule-sets/{rule_set_id}",
    operation_id="get_rule_set",
    dependencies=[READS],
    summary="A rule set: who drafted it, who published it, when",
    response_model=RuleSetView,
    responses=problem_documentation([404]),
)
async def get_rule_set(rule_set_id: UUID, db: Db) -> RuleSetView:
    return RuleSetView.of(await db.transact(lambda uow: read_registry.get_rule_set(uow, rule_set_id), read_only=True))


@router.get(
    "/rule-sets/{rule_set_id}/rules",
    operation_id="list_rules",
    dependencies=[READS],
    summary="The rules of a set, by id",
    response_model=Page[RuleView],
    responses=problem_documentation([404]),
)
async def list_rules(rule_set_id: UUID, page: PageQuery, db: Db) -> Page[RuleView]:
    after = after_code(page.cursor)
    found = await db.transact(
        lambda uow: read_registry.list_rules(uow, rule_set_id, after, page.limit + 1), read_only=True
    )
    items, cursor = cut(found, page.limit, "id")
    return Page(items=[RuleView.of(rule) for rule in items], next_cursor=cursor)


@router.post(
    "/rule-sets/{rule_set_id}/publish",
    operation_id="publish_rule_set",
    summary="Make a draft the rule set that decides",
    response_model=RuleSetView,
    responses=problem_documentation([404, 409]),
)
async def publish(principal: Publisher, rule_set_id: UUID, idem: Idempotency, db: Db) -> Any:
    """By a second person: the author is refused. The next decision already follows it."""
    command = PublishRuleSet(rule_set_id, principal.id, principal.actor)
    return await idem.run(
        db,
        lambda uow: publish_rule_set(uow, command),
        status=200,
        render=lambda record: (RuleSetView.of(record), {}),
    )
