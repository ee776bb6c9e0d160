"""The rights a key or token may carry: one closed list, so that a misspelt scope fails when it is declared."""

from enum import StrEnum


class Scope(StrEnum):
    """What a principal may do; `admin` includes all of the others."""

    APPEALS_WRITE = "appeals:write"
    APPEALS_READ = "appeals:read"
    APPEALS_REVEAL = "appeals:reveal"
    APPEALS_TRACK = "appeals:track"
    APPEALS_REVIEW = "appeals:review"
    PRIVACY_WRITE = "privacy:write"
    KNOWLEDGE_WRITE = "knowledge:write"
    ENTRY_WRITE = "entry:write"
    CATEGORIES_WRITE = "categories:write"
    TICKETS_PULL = "tickets:pull"
    TICKETS_HANDLE = "tickets:handle"
    TICKETS_READ = "tickets:read"
    TICKETS_DISPATCH = "tickets:dispatch"
    REGISTRY_READ = "registry:read"
    REGISTRY_WRITE = "registry:write"
    ROUTING_WRITE = "routing:write"
    ROUTING_PUBLISH = "routing:publish"
    SLA_WRITE = "sla:write"
    WEBHOOKS_WRITE = "webhooks:write"
    CALLBACKS_READ = "callbacks:read"
    CALLBACKS_WRITE = "callbacks:write"
    EVALUATIONS_WRITE = "evaluations:write"
    CASES_READ = "cases:read"
    KPIS_READ = "kpis:read"
    FEEDBACK_SUPERVISE = "feedback:supervise"
    DEAD_LETTERS_WRITE = "dead_letters:write"
    ADMIN = "admin"


ALL_SCOPES: frozenset[str] = frozenset(scope.value for scope in Scope)
