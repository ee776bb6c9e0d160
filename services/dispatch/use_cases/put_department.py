"""Create, replace or retire a department."""

from dataclasses import dataclass, replace

from services.dispatch.db import changes, registry, routing
from services.dispatch.domain.registry import Department, RegistryChange, RegistryKind, RegistryPart, check_code
from services.dispatch.domain.registry_document import department_document
from services.dispatch.domain.registry_rules import ExpectedVersion, department_problems, merge_department
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, InvalidInput, StaleVersion


@dataclass(frozen=True, slots=True)
class PutDepartment:
    """The department as it is to be; the moment of retirement is decided here."""

    department: Department
    actor: str
    retire: bool = False
    expected: ExpectedVersion | None = None


@dataclass(frozen=True, slots=True)
class SavedDepartment:
    department: Department
    created: bool


async def put_department(uow: UnitOfWork, command: PutDepartment) -> SavedDepartment:
    """Store a department; the same content again changes nothing.

    Raises InvalidInput (parent, grid, successor), Conflict (a retired code, or retiring one that published rules still
    name), StaleVersion.
    """
    wanted = replace(command.department, retired_at=uow.now if command.retire else None)
    check_code(wanted.code, "/code")
    await changes.lock_parts(uow, [RegistryPart.CATALOGUE])
    departments = await registry.all_departments(uow.connection)
    before = departments.get(wanted.code)
    expect_version(command.expected, None if before is None else before.version)
    item, action = merge_department(wanted, before, uow.now)
    if action is None:
        return SavedDepartment(item, created=False)
    grids = await registry.grids_by_code(uow.connection, [item.grid_code] if item.grid_code else [])
    problems = list(department_problems(item, {**departments, item.code: item}, grids))
    if problems:
        raise InvalidInput(f"The department is not valid: {problems[0].message}", problems)
    if not item.is_active:
        await _refuse_if_named(uow, item.code)
    await registry.save_departments(uow, [item])
    change = RegistryChange(
        RegistryKind.DEPARTMENT, item.code, department_document(before), department_document(item), action
    )
    await changes.record_changes(uow, command.actor, [change])
    return SavedDepartment(item, created=before is None)


def expect_version(expected: ExpectedVersion | None, current: int | None) -> None:
    """Check what the caller has seen, where having seen anything of what does not exist is stale too."""
    if expected is None:
        return
    if current is None:
        raise StaleVersion("It does not exist yet, so you cannot have seen a version of it.")
    expected.check(current)


async def _refuse_if_named(uow: UnitOfWork, code: str) -> None:
    rule_ids = await routing.rules_naming_department(uow.connection, code)
    if rule_ids:
        raise Conflict(
            f"Published rules still send appeals to {code}; publish a rule set without them first",
            code="department_in_use",
            rule_ids=list(rule_ids),
        )
