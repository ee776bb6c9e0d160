"""How entries of the registry may change: codes are never reused, trees have no loops, what is named exists."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from services.dispatch.domain.grid import DutyHolder, Grid, StoredGrid
from services.dispatch.domain.registry import Category, ChangeAction, Department
from shared.errors import Conflict, FieldProblem


class ExpectedVersion(Protocol):
    """What the caller has seen; `check` raises StaleVersion when it is not the current version."""

    def check(self, current: int) -> None: ...


# --- departments ----------------------------------------------------------------------------------------------------


def merge_department(
    wanted: Department, before: Department | None, now: datetime
) -> tuple[Department, ChangeAction | None]:
    """Return the entry to store and what was done, None when nothing changes. `retired_at` set means "retire".

    Raises Conflict when a retired code would live again.
    """
    if before is None:
        return replace(wanted, version=1), ChangeAction.CREATED
    if not before.is_active and wanted.is_active:
        raise _reused("department", before.code)
    if not before.is_active:
        wanted = replace(wanted, retired_at=before.retired_at)
    elif not wanted.is_active:
        wanted = replace(wanted, retired_at=now)
    item = replace(wanted, version=before.version)
    if item == before:
        return before, None
    action = ChangeAction.RETIRED if before.is_active and not item.is_active else ChangeAction.REPLACED
    return replace(item, version=before.version + 1), action


def department_problems(
    item: Department, departments: Mapping[str, Department], grids: Collection[str], pointer: str = ""
) -> Iterable[FieldProblem]:
    """What is wrong with an entry among all departments as they would be."""
    if item.parent_code is not None:
        if item.parent_code not in departments:
            yield FieldProblem(f"{pointer}/parent_code", f"there is no department {item.parent_code}")
        elif _loops(item.code, {code: each.parent_code for code, each in departments.items()}):
            yield FieldProblem(f"{pointer}/parent_code", "a department cannot lie below itself")
    if item.grid_code is not None and item.grid_code not in grids:
        yield FieldProblem(f"{pointer}/grid_code", f"there is no grid {item.grid_code}")
    if item.successor_code is not None:
        if item.is_active:
            yield FieldProblem(f"{pointer}/successor_code", "only a retired department has a successor")
        elif item.successor_code == item.code or item.successor_code not in departments:
            yield FieldProblem(f"{pointer}/successor_code", "must be another department that exists")


# --- grids ----------------------------------------------------------------------------------------------------------


def merge_grid(wanted: StoredGrid, before: StoredGrid | None, today: date) -> tuple[StoredGrid, ChangeAction | None]:
    """Return the entry to store and what was done, None when nothing changes.

    Raises Conflict when a grid whose time is over would live again: a new area needs a new code (trap 36).
    """
    if before is None:
        return replace(wanted, grid=replace(wanted.grid, version=1)), ChangeAction.CREATED
    was, will = before.grid.valid_to, wanted.grid.valid_to
    if was is not None and was <= today and (will is None or will > was):
        raise _reused("grid", before.grid.code)
    item = replace(wanted, grid=replace(wanted.grid, version=before.grid.version))
    if item == before:
        return before, None
    retires = was is None and will is not None and will <= today
    action = ChangeAction.RETIRED if retires else ChangeAction.REPLACED
    return replace(item, grid=replace(item.grid, version=before.grid.version + 1)), action


def grid_problems(
    item: Grid, grids: Collection[str], departments: Collection[str], pointer: str = ""
) -> Iterable[FieldProblem]:
    """What is wrong with an entry among all grids as they would be."""
    if item.valid_from is not None and item.valid_to is not None and item.valid_from >= item.valid_to:
        yield FieldProblem(f"{pointer}/valid_to", "must be after valid_from")
    for index, code in enumerate(item.predecessors):
        if code == item.code or code not in grids:
            yield FieldProblem(f"{pointer}/predecessors/{index}", f"must be another grid that exists, {code} is not")
    for index, holder in enumerate(item.duty_holders):
        yield from _holder_problems(holder, departments, f"{pointer}/duty_holders/{index}")


def _holder_problems(holder: DutyHolder, departments: Collection[str], pointer: str) -> Iterable[FieldProblem]:
    if holder.department_code is not None and holder.department_code not in departments:
        yield FieldProblem(f"{pointer}/department_code", f"there is no department {holder.department_code}")
    if holder.valid_from is not None and holder.valid_to is not None and holder.valid_from >= holder.valid_to:
        yield FieldProblem(f"{pointer}/valid_to", "must be after valid_from")


# --- categories -----------------------------------------------------------------------------------------------------


def merge_category(wanted: Category, before: Category | None) -> tuple[Category, ChangeAction | None]:
    """Return the entry to store and what was done, None when nothing changes. Intake decides what may change."""
    if before is None:
        return wanted, ChangeAction.CREATED
    if wanted == before:
        return before, None
    retires = wanted.retired and not before.retired
    return wanted, ChangeAction.RETIRED if retires else ChangeAction.REPLACED


def category_problems(
    item: Category, categories: Mapping[str, Category], policies: Collection[str], pointer: str = ""
) -> Iterable[FieldProblem]:
    """What is wrong with an entry among all categories as they would be."""
    if item.parent_code is not None:
        if item.parent_code not in categories:
            yield FieldProblem(f"{pointer}/parent_code", f"there is no category {item.parent_code}")
        elif _loops(item.code, {code: each.parent_code for code, each in categories.items()}):
            yield FieldProblem(f"{pointer}/parent_code", "a category cannot lie below itself")
    if item.policy_code is not None and item.policy_code not in policies:
        yield FieldProblem(f"{pointer}/policy_code", f"there is no SLA policy {item.policy_code}")


def _loops(code: str, parents: Mapping[str, str | None]) -> bool:
    seen = {code}
    parent = parents.get(code)
    while parent is not None:
        if parent in seen:
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False


def _reused(kind: str, code: str) -> Conflict:
    return Conflict(
        f"The {kind} {code} is retired and its code is never used again; give the new one a new code",
        code="code_retired",
        retired_code=code,
    )
