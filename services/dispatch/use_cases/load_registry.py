"""Load a whole city into the registry: checked as one before anything is written, all of it or nothing."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from services.dispatch.db import changes, registry, routing, sla
from services.dispatch.db.routing import RuleSetRecord
from services.dispatch.defaults import default_policies
from services.dispatch.domain import grid as grid_codes
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.grid import StoredGrid
from services.dispatch.domain.registry import (
    Category,
    ChangeAction,
    Department,
    RegistryChange,
    RegistryKind,
    RegistryPart,
    RuleSetStatus,
    check_code,
)
from services.dispatch.domain.registry_document import category_document, department_document, grid_document
from services.dispatch.domain.registry_rules import (
    category_problems,
    department_problems,
    grid_problems,
    merge_category,
    merge_department,
    merge_grid,
)
from services.dispatch.domain.routing import Rule
from services.dispatch.domain.routing_document import KnownCodes, check_rules
from services.dispatch.domain.sla import SlaPolicy
from services.dispatch.geometry import normalised_wkb
from services.dispatch.use_cases.draft_rule_set import rule_set_change
from services.dispatch.use_cases.publish_rule_set import make_effective
from services.dispatch.use_cases.put_calendar import default_change, next_calendar_version
from services.dispatch.use_cases.put_sla_policy import next_policy_version
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput
from shared.ids import uuid7

CITY_PACK = "city pack"
MAX_PROBLEMS = 100
_Entry = TypeVar("_Entry")
_Merge = Callable[[_Entry, _Entry | None], tuple[_Entry, ChangeAction | None]]


@dataclass(frozen=True, slots=True)
class RegistryPack:
    """A city as data. What a pack leaves out stays as it is; the twelve default policies are added where missing.

    `rules` None keeps the published rule set. `default_calendar_code` None keeps the city's calendar, or makes the
    first one of the pack its own.
    """

    departments: Sequence[Department] = ()
    grids: Sequence[StoredGrid] = ()
    categories: Sequence[Category] = ()
    policies: Sequence[SlaPolicy] = ()
    calendars: Sequence[WorkCalendar] = ()
    rules: Sequence[Rule] | None = None
    default_calendar_code: str | None = None


@dataclass(frozen=True, slots=True)
class LoadRegistry:
    pack: RegistryPack
    actor: str = CITY_PACK
    note: str = "loaded from a city pack"


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """How many entries of each kind were created or changed; `rule_set_version` is the one now published (0: none)."""

    departments: int
    grids: int
    categories: int
    policies: int
    calendars: int
    rules: int
    rule_set_version: int

    @property
    def changed(self) -> int:
        return self.departments + self.grids + self.categories + self.policies + self.calendars + self.rules


@dataclass(slots=True)
class _Plan:
    """Everything the load would write, worked out before the first write."""

    departments: dict[str, Department]
    grids: dict[str, StoredGrid]
    categories: dict[str, Category]
    policies: list[SlaPolicy] = field(default_factory=list)
    calendars: list[WorkCalendar] = field(default_factory=list)
    policy_codes: frozenset[str] = frozenset()
    calendar_codes: frozenset[str] = frozenset()
    changed_departments: list[Department] = field(default_factory=list)
    changed_grids: list[StoredGrid] = field(default_factory=list)
    changed_categories: list[Category] = field(default_factory=list)
    changes: list[RegistryChange] = field(default_factory=list)


async def load_registry(uow: UnitOfWork, command: LoadRegistry) -> LoadCounts:
    """Upsert a pack in this transaction and publish its rules directly; loading it again changes nothing.

    Raises InvalidInput with pointers into the pack (`/departments/3/parent_code`), Conflict for a retired code.
    """
    pack = replace(command.pack, grids=await asyncio.to_thread(_with_sound_outlines, command.pack.grids))
    _raise_if_any(_duplicates(pack))
    await changes.lock_parts(uow, RegistryPart)
    plan = _Plan(
        departments=await registry.all_departments(uow.connection),
        grids=await registry.all_grids(uow.connection),
        categories=await registry.all_categories(uow.connection),
    )
    await _plan_sla(uow, pack, plan)
    today = _today(uow, pack, await _city_calendar(uow))
    _plan_entries(uow, pack, plan, today)
    _raise_if_any(_problems(pack, plan))
    new_rules = await _rules_to_publish(uow, pack, plan)
    await _write(uow, command.actor, plan)
    await _set_default_calendar(uow, pack, plan)
    await changes.record_changes(uow, command.actor, plan.changes)
    published = await _publish(uow, command, new_rules)
    return LoadCounts(
        departments=len(plan.changed_departments),
        grids=len(plan.changed_grids),
        categories=len(plan.changed_categories),
        policies=len(plan.policies),
        calendars=len(plan.calendars),
        rules=len(new_rules or ()),
        rule_set_version=0 if published is None else published.version,
    )


# --- planning -------------------------------------------------------------------------------------------------------


def _with_sound_outlines(grids: Sequence[StoredGrid]) -> list[StoredGrid]:
    return [
        item if item.wkb is None else replace(item, wkb=normalised_wkb(item.wkb, f"/grids/{index}/geometry").wkb)
        for index, item in enumerate(grids)
    ]


async def _plan_sla(uow: UnitOfWork, pack: RegistryPack, plan: _Plan) -> None:
    newest = {policy.code: policy for policy in await sla.all_policies(uow.connection)}
    known_calendars = {calendar.code: calendar for calendar in await sla.all_calendars(uow.connection)}
    given = {policy.code for policy in pack.policies}
    missing = [policy for policy in default_policies() if policy.code not in given and policy.code not in newest]
    for wanted in (*pack.policies, *missing):
        policy, change = next_policy_version(wanted, newest.get(wanted.code))
        if change is not None:
            plan.policies.append(policy)
            plan.changes.append(change)
    for wanted_calendar in pack.calendars:
        calendar, change = next_calendar_version(wanted_calendar, known_calendars.get(wanted_calendar.code))
        if change is not None:
            plan.calendars.append(calendar)
            plan.changes.append(change)
    plan.policy_codes = frozenset(newest) | given | {policy.code for policy in missing}
    plan.calendar_codes = frozenset(known_calendars) | {calendar.code for calendar in pack.calendars}


async def _city_calendar(uow: UnitOfWork) -> WorkCalendar | None:
    code = await sla.default_calendar_code(uow.connection)
    return None if code is None else await sla.find_calendar(uow.connection, code)


def _today(uow: UnitOfWork, pack: RegistryPack, present: WorkCalendar | None) -> date:
    calendar = next((each for each in pack.calendars if each.code == pack.default_calendar_code), present)
    return uow.now.date() if calendar is None else calendar.local_date(uow.now)


def _plan_entries(uow: UnitOfWork, pack: RegistryPack, plan: _Plan, today: date) -> None:
    plan.changed_departments = _merge_all(
        RegistryKind.DEPARTMENT,
        {each.code: each for each in pack.departments},
        plan.departments,
        lambda wanted, before: merge_department(wanted, before, uow.now),
        (department_document, plan.changes),
    )
    plan.changed_grids = _merge_all(
        RegistryKind.GRID,
        {each.grid.code: each for each in pack.grids},
        plan.grids,
        lambda wanted, before: merge_grid(wanted, before, today),
        (grid_document, plan.changes),
    )
    plan.changed_categories = _merge_all(
        RegistryKind.CATEGORY,
        {each.code: each for each in pack.categories},
        plan.categories,
        merge_category,
        (category_document, plan.changes),
    )


def _merge_all(
    kind: RegistryKind,
    wanted: Mapping[str, _Entry],
    present: dict[str, _Entry],
    merge: _Merge[_Entry],
    record: tuple[Callable[[_Entry | None], dict[str, Any] | None], list[RegistryChange]],
) -> list[_Entry]:
    """Merge each wanted entry into `present`, append what changed to the record, and return what must be stored."""
    document, recorded = record
    changed = []
    for code, entry in wanted.items():
        before = present.get(code)
        item, action = merge(entry, before)
        if action is None:
            continue
        present[code] = item
        changed.append(item)
        recorded.append(RegistryChange(kind, code, document(before), document(item), action))
    return changed


# --- checking -------------------------------------------------------------------------------------------------------


def _duplicates(pack: RegistryPack) -> Iterator[FieldProblem]:
    """Malformed codes and codes used twice."""
    sections: dict[str, list[str]] = {
        "departments": [each.code for each in pack.departments],
        "grids": [each.grid.code for each in pack.grids],
        "categories": [each.code for each in pack.categories],
        "policies": [each.code for each in pack.policies],
        "calendars": [each.code for each in pack.calendars],
    }
    for section, codes in sections.items():
        seen: set[str] = set()
        for index, code in enumerate(codes):
            pointer = f"/{section}/{index}/code"
            yield from _code_problems(section, code, pointer)
            if code in seen:
                yield FieldProblem(pointer, f"{code} is there twice")
            seen.add(code)


def _code_problems(section: str, code: str, pointer: str) -> Iterator[FieldProblem]:
    try:
        if section != "grids":
            check_code(code, pointer)
        elif grid_codes.parse_code(code, field=pointer) != code:
            yield FieldProblem(pointer, f"{code} names no area of its own")
    except InvalidInput as error:
        yield from error.problems


def _problems(pack: RegistryPack, plan: _Plan) -> Iterator[FieldProblem]:
    """What is named must exist: in the pack, or in the registry already."""
    for index, department in enumerate(pack.departments):
        yield from department_problems(
            plan.departments[department.code], plan.departments, plan.grids, f"/departments/{index}"
        )
    for index, stored in enumerate(pack.grids):
        yield from grid_problems(stored.grid, plan.grids, plan.departments, f"/grids/{index}")
    for index, category in enumerate(pack.categories):
        yield from category_problems(category, plan.categories, plan.policy_codes, f"/categories/{index}")
    if pack.default_calendar_code is not None and pack.default_calendar_code not in plan.calendar_codes:
        yield FieldProblem("/default_calendar_code", f"there is no calendar {pack.default_calendar_code}")


async def _rules_to_publish(uow: UnitOfWork, pack: RegistryPack, plan: _Plan) -> Sequence[Rule] | None:
    """The pack's rules if they differ from the published ones; what then is in force is checked either way."""
    published = await routing.read_published(uow.connection)
    present = () if published is None else published.rules
    rules = present if pack.rules is None else pack.rules
    check_rules(
        rules,
        KnownCodes(
            departments=frozenset(code for code, each in plan.departments.items() if each.is_active),
            retired_departments=frozenset(code for code, each in plan.departments.items() if not each.is_active),
            categories=frozenset(plan.categories),
            grids=frozenset(plan.grids),
        ),
    )
    return None if set(rules) == set(present) else rules


def _raise_if_any(problems: Iterable[FieldProblem]) -> None:
    found = list(problems)
    if found:
        raise InvalidInput(f"The city pack is not valid: {found[0].field}: {found[0].message}", found[:MAX_PROBLEMS])


# --- writing --------------------------------------------------------------------------------------------------------


async def _write(uow: UnitOfWork, actor: str, plan: _Plan) -> None:
    for policy in plan.policies:
        await sla.insert_policy(uow, policy, actor)
    for calendar in plan.calendars:
        await sla.insert_calendar(uow, calendar, actor)
    await registry.save_departments(uow, plan.changed_departments)
    await registry.save_grids(uow, plan.changed_grids)
    await registry.save_categories(uow, plan.changed_categories)


async def _set_default_calendar(uow: UnitOfWork, pack: RegistryPack, plan: _Plan) -> None:
    """The mark sits on the newest version, so it moves when the city's own calendar gets a new one."""
    present = await sla.default_calendar_code(uow.connection)
    wanted = pack.default_calendar_code or present or next((each.code for each in pack.calendars), None)
    if wanted is None:
        return
    if wanted != present or wanted in {calendar.code for calendar in plan.calendars}:
        await sla.set_default_calendar(uow, wanted)
    if wanted != present:
        plan.changes.append(default_change(present, wanted))


async def _publish(uow: UnitOfWork, command: LoadRegistry, rules: Sequence[Rule] | None) -> RuleSetRecord | None:
    if rules is None:
        return await routing.published_rule_set(uow.connection)
    draft = RuleSetRecord(
        id=uuid7(),
        version=await routing.next_version(uow.connection),
        status=RuleSetStatus.DRAFT,
        note=command.note,
        rule_count=len(rules),
        author_id=command.actor,
        author=command.actor,
        created_at=uow.now,
    )
    await routing.insert_rule_set(uow, draft, rules)
    await changes.record_changes(uow, command.actor, [rule_set_change(None, draft, ChangeAction.CREATED)])
    return await make_effective(uow, draft, command.actor)
