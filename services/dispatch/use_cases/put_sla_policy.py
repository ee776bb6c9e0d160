"""Write a new version of an SLA policy."""

from dataclasses import dataclass, replace

from services.dispatch.db import changes, sla
from services.dispatch.domain.registry import (
    ChangeAction,
    RegistryChange,
    RegistryKind,
    RegistryPart,
    check_code,
)
from services.dispatch.domain.registry_rules import ExpectedVersion
from services.dispatch.domain.sla import SlaPolicy
from services.dispatch.domain.sla_document import policy_to_document
from services.dispatch.use_cases.put_department import expect_version
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PutSlaPolicy:
    policy: SlaPolicy
    actor: str
    expected: ExpectedVersion | None = None


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    policy: SlaPolicy
    created: bool


async def put_sla_policy(uow: UnitOfWork, command: PutSlaPolicy) -> SavedPolicy:
    """Append a version; tickets keep the one they pinned. The same content again makes none.

    Raises StaleVersion when the caller has seen another version than the newest.
    """
    check_code(command.policy.code, "/code")
    await changes.lock_parts(uow, [RegistryPart.SLA])
    before = await sla.find_policy(uow.connection, command.policy.code)
    expect_version(command.expected, None if before is None else before.version)
    policy, change = next_policy_version(command.policy, before)
    if change is not None:
        await sla.insert_policy(uow, policy, command.actor)
        await changes.record_changes(uow, command.actor, [change])
    return SavedPolicy(policy, created=before is None)


def next_policy_version(wanted: SlaPolicy, before: SlaPolicy | None) -> tuple[SlaPolicy, RegistryChange | None]:
    """The version to append, or the present one and None when the content is the same."""
    if before is not None and replace(wanted, version=before.version) == before:
        return before, None
    policy = replace(wanted, version=1 if before is None else before.version + 1)
    return policy, RegistryChange(
        RegistryKind.SLA_POLICY,
        policy.code,
        None if before is None else {"version": before.version},
        {"version": policy.version, **policy_to_document(policy)},
        ChangeAction.CREATED if before is None else ChangeAction.REPLACED,
    )
