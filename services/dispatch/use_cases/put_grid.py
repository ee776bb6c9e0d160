"""Create, replace or end a grid of the registry."""

from dataclasses import dataclass

from services.dispatch.db import changes, registry
from services.dispatch.domain import grid as grid_codes
from services.dispatch.domain.grid import StoredGrid
from services.dispatch.domain.registry import RegistryChange, RegistryKind, RegistryPart
from services.dispatch.domain.registry_document import grid_document
from services.dispatch.domain.registry_rules import ExpectedVersion, grid_problems, merge_grid
from services.dispatch.use_cases.put_department import expect_version
from services.dispatch.use_cases.today import local_today
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput


@dataclass(frozen=True, slots=True)
class PutGrid:
    grid: StoredGrid
    actor: str
    expected: ExpectedVersion | None = None


@dataclass(frozen=True, slots=True)
class SavedGrid:
    grid: StoredGrid
    created: bool


async def put_grid(uow: UnitOfWork, command: PutGrid) -> SavedGrid:
    """Store a grid; the same content again changes nothing.

    Raises InvalidInput (code, dates, predecessors, holders), Conflict (a code whose time is over), StaleVersion.
    """
    wanted = command.grid
    code = wanted.grid.code
    if grid_codes.parse_code(code, field="/code") != code:
        raise InvalidInput("A 000 block means the whole parent", [FieldProblem("/code", "names no area of its own")])
    await changes.lock_parts(uow, [RegistryPart.GRIDS])
    holders = [holder.department_code for holder in wanted.grid.duty_holders]
    known = await registry.grids_by_code(uow.connection, [code, *wanted.grid.predecessors])
    departments = await registry.departments_by_code(uow.connection, [each for each in holders if each])
    before = known.get(code)
    expect_version(command.expected, None if before is None else before.grid.version)
    item, action = merge_grid(wanted, before, await local_today(uow))
    if action is None:
        return SavedGrid(item, created=False)
    problems = list(grid_problems(item.grid, known, departments))
    if problems:
        raise InvalidInput(f"The grid is not valid: {problems[0].message}", problems)
    await registry.save_grids(uow, [item])
    change = RegistryChange(RegistryKind.GRID, code, grid_document(before), grid_document(item), action)
    await changes.record_changes(uow, command.actor, [change])
    return SavedGrid(item, created=before is None)
