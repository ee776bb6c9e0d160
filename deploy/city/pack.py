"""Reads a city pack and checks all of it, across all files, before anything is written (format: docs/city-packs.md)."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from deploy.city import areas, facts, policies
from deploy.city.faults import Faults, PackInvalid
from deploy.city.model import (
    CalendarDay,
    CategoryRow,
    CityPack,
    DepartmentRow,
    GridRow,
    RuleRow,
)
from deploy.city.tables import Row, collect, read_rows, read_text
from services.dispatch.domain.sla import SlaPolicy
from shared.vocabulary import AppealType, Channel, HandlingMode, Urgency

DEPARTMENTS, CATEGORIES, RULES, CALENDAR = "departments.csv", "categories.csv", "rules.csv", "calendar.csv"
FILES = (facts.FILE, DEPARTMENTS, CATEGORIES, areas.FILE, RULES, policies.FILE, CALENDAR)

T = TypeVar("T", DepartmentRow, CategoryRow, RuleRow)


def read_pack(directory: Path) -> CityPack:
    """Return the checked pack. Raises PackInvalid that names every fault with file, place, field and reason."""
    faults = Faults()
    if not directory.is_dir():
        faults.add(directory.name or str(directory), "is not a directory")
        raise PackInvalid(str(directory), faults)
    city = facts.read_facts(_json(directory / facts.FILE, faults), faults)
    found_policies = policies.read_policies(_json(directory / policies.FILE, faults), faults)
    grids = areas.read_grids(_json(directory / areas.FILE, faults), city, faults)
    departments = _departments(directory, grids, faults)
    categories = _categories(directory, found_policies, faults)
    rules = _rules(directory, departments, categories, grids, faults)
    days = _calendar(directory, faults)
    if city is not None and city.default_policy_code not in found_policies:
        faults.add(facts.FILE, f"there is no policy {city.default_policy_code}", field="default_policy_code")
    _warn_unrouted(categories, rules, faults)
    if faults or city is None:
        raise PackInvalid(str(directory), faults)
    return CityPack(
        city=city,
        departments=_parents_first(departments),
        categories=tuple(sorted(categories.values(), key=lambda each: (len(each.code), each.code))),
        grids=tuple(sorted(grids.values(), key=lambda each: (len(each.code), each.code))),
        rules=rules,
        policies=tuple(found_policies.values()),
        days=days,
        warnings=tuple(str(warning) for warning in faults.warnings),
        fingerprint=fingerprint(directory),
    )


def fingerprint(directory: Path) -> str:
    """A hash of everything the pack says: the same pack loaded again is known by it."""
    digest = hashlib.sha256()
    for name in FILES:
        content = (directory / name).read_bytes()
        digest.update(f"{name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def _json(path: Path, faults: Faults) -> Any:
    text = read_text(path, faults)
    if text is None:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        faults.add(path.name, f"is not JSON: {error.msg}", place=f"line {error.lineno}")
    except RecursionError:
        faults.add(path.name, "is nested too deeply")
    return None


def _unique(rows: Iterable[tuple[Row, T]], key: str) -> dict[str, T]:
    found: dict[str, T] = {}
    lines: dict[str, int] = {}
    for row, item in rows:
        code = str(getattr(item, key))
        if code in found:
            row.fault(key, f"'{code}' is also in line {lines[code]}")
        else:
            found[code], lines[code] = item, row.line
    return found


# --- departments ----------------------------------------------------------------------------------------------------


def _departments(directory: Path, grids: Mapping[str, GridRow], faults: Faults) -> dict[str, DepartmentRow]:
    rows = read_rows(
        directory / DEPARTMENTS,
        required=("code", "name", "kind"),
        optional=("name_en", "parent_code", "grid_code"),
        faults=faults,
    )
    good, complete = collect(rows, _department)
    found = _unique(good, "code")
    for row, department in good:
        if department.parent_code and complete and department.parent_code not in found:
            row.fault("parent_code", f"there is no department '{department.parent_code}'")
        if department.grid_code and grids and department.grid_code not in grids:
            row.fault("grid_code", f"there is no area {department.grid_code}")
        if _in_circle(department, found):
            row.fault("parent_code", "is its own ancestor")
    if not good and complete:
        faults.add(DEPARTMENTS, "has no departments")
    return found


def _department(row: Row) -> DepartmentRow:
    return DepartmentRow(
        code=row.code("code"),
        name=row.text("name"),
        name_en=row.text("name_en", required=False),
        kind=row.text("kind"),
        parent_code=row.code("parent_code", required=False) or None,
        grid_code=row.area("grid_code", required=False) or None,
    )


def _in_circle(department: DepartmentRow, found: Mapping[str, DepartmentRow]) -> bool:
    seen = {department.code}
    parent = department.parent_code
    while parent is not None and parent in found:
        if parent in seen:
            return parent == department.code
        seen.add(parent)
        parent = found[parent].parent_code
    return False


def _parents_first(departments: Mapping[str, DepartmentRow]) -> tuple[DepartmentRow, ...]:
    def depth(department: DepartmentRow) -> int:
        return 0 if department.parent_code is None else 1 + depth(departments[department.parent_code])

    return tuple(sorted(departments.values(), key=lambda each: (depth(each), each.code)))


# --- categories -----------------------------------------------------------------------------------------------------


def _categories(directory: Path, known_policies: Mapping[str, SlaPolicy], faults: Faults) -> dict[str, CategoryRow]:
    rows = read_rows(
        directory / CATEGORIES,
        required=("code", "name", "urgency", "mode"),
        optional=("name_en", "policy_code", "location_required", "confidential", "object_kind"),
        faults=faults,
    )
    good, complete = collect(rows, _category)
    found = _unique(good, "code")
    parents = {category.parent_code for category in found.values()}
    for row, category in good:
        if category.parent_code and complete and category.parent_code not in found:
            row.fault("code", f"its parent {category.parent_code} is not in the table")
        if category.code not in parents and category.level > 1:
            for column in ("urgency", "mode"):
                if getattr(category, column) is None:
                    row.fault(column, "is empty: appeals of this category could not be accepted by themselves")
        if category.policy_code and known_policies and category.policy_code not in known_policies:
            row.fault("policy_code", f"there is no policy '{category.policy_code}'")
    if not good and complete:
        faults.add(CATEGORIES, "has no categories")
    return found


def _category(row: Row) -> CategoryRow:
    code = row.category("code")
    return CategoryRow(
        code=code,
        level=len(code) // 2,
        parent_code=code[:-2] or None,
        name=row.text("name"),
        name_en=row.text("name_en", required=False),
        urgency=row.maybe("urgency", Urgency),
        mode=row.maybe("mode", HandlingMode),
        policy_code=row.code("policy_code", required=False) or None,
        location_required=row.flag("location_required", default=False),
        confidential=row.flag("confidential", default=False),
        object_kind=row.text("object_kind", required=False),
    )


# --- rules ----------------------------------------------------------------------------------------------------------


def _rules(
    directory: Path,
    departments: Mapping[str, DepartmentRow],
    categories: Mapping[str, CategoryRow],
    grids: Mapping[str, GridRow],
    faults: Faults,
) -> tuple[RuleRow, ...]:
    rows = read_rows(
        directory / RULES,
        required=("id", "department_code"),
        optional=("category_code", "grid_code", "type", "urgency", "channel", "note"),
        faults=faults,
    )
    good, complete = collect(rows, _rule)
    _unique(good, "id")
    same: dict[tuple[str | None, ...], tuple[Row, RuleRow]] = {}
    for row, rule in good:
        if departments and rule.department_code not in departments:
            row.fault("department_code", f"there is no department '{rule.department_code}'")
        if rule.category_code and categories and rule.category_code not in categories:
            row.fault("category_code", f"there is no category {rule.category_code}")
        if rule.grid_code and grids and rule.grid_code not in grids:
            row.fault("grid_code", f"there is no area {rule.grid_code}")
        earlier, _ = same.setdefault(rule.condition, (row, rule))
        if earlier is not row:
            row.fault("id", f"asks for the same as the rule in line {earlier.line}: one of the two would never win")
    if not good and complete:
        faults.add(RULES, "has no rules")
    return tuple(rule for _, rule in good)


def _rule(row: Row) -> RuleRow:
    return RuleRow(
        id=row.code("id"),
        category_code=row.category("category_code", required=False) or None,
        grid_code=row.area("grid_code", required=False) or None,
        type=row.maybe("type", AppealType),
        urgency=row.maybe("urgency", Urgency),
        channel=row.maybe("channel", Channel),
        department_code=row.code("department_code"),
        note=row.text("note", required=False),
    )


def _warn_unrouted(categories: Mapping[str, CategoryRow], rules: Sequence[RuleRow], faults: Faults) -> None:
    """A category whose appeals some area sends to nobody is allowed (triage takes them), but it is seldom meant."""
    everywhere = {rule.category_code for rule in rules if rule.condition[1:] == (None,) * 4}
    if None in everywhere:
        return
    parents = {category.parent_code for category in categories.values()}
    by_length: dict[int, list[str]] = defaultdict(list)
    for code in categories:
        if code not in parents and not any(code[:length] in everywhere for length in range(2, len(code) + 1, 2)):
            by_length[len(code)].append(code)
    unrouted = sorted(code for codes in by_length.values() for code in codes)
    if unrouted:
        shown = ", ".join(unrouted[:10]) + (", …" if len(unrouted) > 10 else "")
        faults.warn(RULES, f"{len(unrouted)} categories without a rule for every area go to triage: {shown}")


# --- calendar -------------------------------------------------------------------------------------------------------


def _calendar(directory: Path, faults: Faults) -> tuple[CalendarDay, ...]:
    rows = read_rows(directory / CALENDAR, required=("date", "is_workday"), optional=("note",), faults=faults)
    good, _ = collect(
        rows, lambda row: CalendarDay(row.day("date"), row.flag("is_workday"), row.text("note", required=False))
    )
    if not good:
        faults.add(CALENDAR, "has no days")
        return ()
    previous = good[0][1].day - timedelta(days=1)
    for row, day in good:
        if day.day != previous + timedelta(days=1):
            row.fault("date", f"follows {previous}: every day must be there once, in order")
        previous = day.day
    if not any(day.is_workday for _, day in good):
        faults.add(CALENDAR, "has no working day", field="is_workday")
    return tuple(day for _, day in good)
