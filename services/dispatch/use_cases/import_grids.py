"""Take over many grids at once, check them as a whole, and report what surveyors should look at."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.dispatch.db import changes, registry
from services.dispatch.domain import grid as grid_codes
from services.dispatch.domain.grid import StoredGrid
from services.dispatch.domain.registry import ChangeAction, RegistryChange, RegistryKind, RegistryPart
from services.dispatch.domain.registry_document import grid_document
from services.dispatch.domain.registry_rules import grid_problems, merge_grid
from services.dispatch.geometry import Area, Flaw, find_flaws
from services.dispatch.use_cases.today import local_today
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput

MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class ImportGrids:
    """`pointers` says where in the caller's input each grid stood, in the order of `grids`."""

    grids: Sequence[StoredGrid]
    pointers: Sequence[str]
    actor: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class GridImport:
    """What was done, and what is odd about the registry as it now is."""

    created: int = 0
    replaced: int = 0
    unchanged: int = 0
    missing_parents: Sequence[str] = ()
    flaws: Sequence[Flaw] = field(default_factory=tuple)


async def import_grids(uow: UnitOfWork, command: ImportGrids) -> GridImport:
    """Store all of the grids or none; the same import again changes nothing. Gaps and overlaps are only reported.

    Raises InvalidInput naming each feature at fault, Conflict for a code whose time is over.
    """
    _refuse_bad_codes(command)
    await changes.lock_parts(uow, [RegistryPart.GRIDS])
    known = await registry.all_grids(uow.connection)
    today = await local_today(uow)
    merged = [(item, *merge_grid(item, known.get(item.grid.code), today)) for item in command.grids]
    will_be = {**known, **{item.grid.code: item for _, item, _ in merged}}
    await _refuse_unknown_names(uow, command, will_be)
    touched = [(item, action) for _, item, action in merged if action is not None]
    if not command.dry_run:
        await registry.save_grids(uow, [item for item, _ in touched])
        await changes.record_changes(
            uow, command.actor, [_change(known.get(item.grid.code), item, action) for item, action in touched]
        )
    areas = [
        Area(code, item.wkb) for code, item in will_be.items() if item.wkb is not None and item.grid.is_valid(today)
    ]
    created = sum(action is ChangeAction.CREATED for _, action in touched)
    return GridImport(
        created=created,
        replaced=len(touched) - created,
        unchanged=len(merged) - len(touched),
        missing_parents=missing_parents(will_be),
        flaws=await asyncio.to_thread(find_flaws, areas),
    )


def missing_parents(grids: Mapping[str, object]) -> list[str]:
    """Parents below the registry's largest level that have no entry of their own."""
    if not grids:
        return []
    top = min(len(code) for code in grids)
    parents = {parent for code in grids if (parent := grid_codes.parent_of(code)) and len(parent) >= top}
    return sorted(parents - grids.keys())[:MAX_PROBLEMS]


def _change(before: StoredGrid | None, item: StoredGrid, action: ChangeAction) -> RegistryChange:
    return RegistryChange(RegistryKind.GRID, item.grid.code, grid_document(before), grid_document(item), action)


def _refuse_bad_codes(command: ImportGrids) -> None:
    problems: list[FieldProblem] = []
    seen: set[str] = set()
    for item, pointer in zip(command.grids, command.pointers, strict=True):
        code = item.grid.code
        try:
            if grid_codes.parse_code(code, field=f"{pointer}/code") != code:
                problems.append(FieldProblem(f"{pointer}/code", f"{code} names no area of its own"))
        except InvalidInput as error:
            problems.extend(error.problems)
        if code in seen:
            problems.append(FieldProblem(f"{pointer}/code", f"grid {code} is there twice"))
        seen.add(code)
    _raise_if_any(problems)


async def _refuse_unknown_names(uow: UnitOfWork, command: ImportGrids, will_be: Mapping[str, StoredGrid]) -> None:
    named = {holder.department_code for item in command.grids for holder in item.grid.duty_holders}
    departments = await registry.departments_by_code(uow.connection, [code for code in named if code])
    _raise_if_any(
        [
            problem
            for item, pointer in zip(command.grids, command.pointers, strict=True)
            for problem in grid_problems(item.grid, will_be, departments, pointer)
        ]
    )


def _raise_if_any(problems: Sequence[FieldProblem]) -> None:
    if problems:
        raise InvalidInput(f"The grids are not valid: {problems[0].message}", problems[:MAX_PROBLEMS])
