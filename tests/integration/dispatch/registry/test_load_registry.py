"""Loading a city: all or nothing, checked before anything is written, the same pack again changes nothing."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from services.dispatch.db.changes import read_stamps
from services.dispatch.db.tables_registry import registry_changes, rule_sets
from services.dispatch.defaults import default_policies
from services.dispatch.domain.registry import Category, Department, RegistryPart
from services.dispatch.domain.routing import Rule
from services.dispatch.reference import load
from services.dispatch.use_cases.load_registry import LoadCounts, LoadRegistry, RegistryPack, load_registry
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.errors import Conflict, InvalidInput
from tests.support.registry import chinese_calendar, small_city, stored


async def loaded(database: Database, pack: RegistryPack) -> LoadCounts:
    return await database.transact(lambda uow: load_registry(uow, LoadRegistry(pack)))


async def changes_recorded(database: Database) -> int:
    query = sa.select(registry_changes.c.id)
    return len((await database.transact(lambda uow: uow.connection.execute(query))).all())


async def test_a_pack_is_loaded_and_its_rules_published(dispatch_db: Database) -> None:
    counts = await loaded(dispatch_db, small_city())
    assert counts == LoadCounts(
        departments=3, grids=9, categories=5, policies=12, calendars=1, rules=3, rule_set_version=1
    )
    data = await dispatch_db.transact(lambda uow: load(uow.connection))
    assert set(data.departments) == {"SANI", "WATER", "STREET1"}
    assert data.calendar() == chinese_calendar()
    assert [data.policy(policy.code) for policy in default_policies()] == list(default_policies())
    assert data.compiled_rules.version == 1
    assert data.spatial.size == 9
    assert data.unknown_grid_code == "411002000000000"


async def test_loading_it_again_changes_nothing(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    recorded = await changes_recorded(dispatch_db)
    stamps = await dispatch_db.transact(lambda uow: read_stamps(uow.connection))
    counts = await loaded(dispatch_db, small_city())
    assert counts.changed == 0
    assert counts.rule_set_version == 1
    assert await changes_recorded(dispatch_db) == recorded
    assert await dispatch_db.transact(lambda uow: read_stamps(uow.connection)) == stamps


async def test_only_what_differs_is_written_and_recorded(dispatch_db: Database) -> None:
    pack = small_city()
    await loaded(dispatch_db, pack)
    recorded = await changes_recorded(dispatch_db)
    renamed = replace(pack, departments=[replace(pack.departments[0], name="环卫局"), *pack.departments[1:]])
    counts = await loaded(dispatch_db, renamed)
    assert (counts.departments, counts.changed) == (1, 1)
    assert await changes_recorded(dispatch_db) == recorded + 1


async def test_other_rules_are_published_as_the_next_version(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    counts = await loaded(dispatch_db, small_city([Rule("all", "SANI")]))
    assert (counts.rules, counts.rule_set_version) == (1, 2)
    query = sa.select(rule_sets.c.version, rule_sets.c.status).order_by(rule_sets.c.version)
    rows = await dispatch_db.transact(lambda uow: uow.connection.execute(query))
    assert [tuple(row) for row in rows] == [(1, "superseded"), (2, "published")]


async def test_a_pack_without_rules_keeps_the_published_ones(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    counts = await loaded(dispatch_db, replace(small_city(), rules=None))
    assert (counts.rules, counts.rule_set_version) == (0, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rules": [Rule("r", "NOBODY")]}, "/rules/0/department_code"),
        ({"departments": [Department("A", "a", parent_code="B")], "rules": []}, "/departments/0/parent_code"),
        ({"departments": [Department("a b", "a")]}, "/departments/0/code"),
        ({"grids": [stored("411002", None), stored("411002", None)]}, "/grids/1/code"),
        ({"grids": [stored("411002000", None)]}, "/grids/0/code"),
        ({"grids": [stored("411002", b"\x00")]}, "/grids/0/geometry"),
        ({"categories": [Category("01", "x", policy_code="NONE")], "rules": []}, "/categories/0/policy_code"),
        ({"default_calendar_code": "mars"}, "/default_calendar_code"),
    ],
)
async def test_a_pack_with_a_fault_is_refused_and_nothing_is_written(
    dispatch_db: Database, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await loaded(dispatch_db, replace(small_city(), **change))
    assert field in [problem.field for problem in refused.value.problems]
    assert await changes_recorded(dispatch_db) == 0
    data = await dispatch_db.transact(lambda uow: load(uow.connection))
    assert not data.departments
    assert not data.policies


async def test_a_retired_code_in_a_pack_is_refused(dispatch_db: Database, manual_clock: ManualClock) -> None:
    pack = small_city([])
    gone = replace(pack.departments[1], retired_at=manual_clock.now())
    await loaded(dispatch_db, replace(pack, departments=[pack.departments[0], gone, pack.departments[2]]))
    with pytest.raises(Conflict):
        await loaded(dispatch_db, pack)


async def test_a_department_that_published_rules_name_cannot_be_retired_by_a_pack(
    dispatch_db: Database, manual_clock: ManualClock
) -> None:
    pack = small_city()
    await loaded(dispatch_db, pack)
    gone = replace(pack.departments[1], retired_at=manual_clock.now())
    with pytest.raises(InvalidInput) as refused:
        await loaded(dispatch_db, RegistryPack(departments=[gone]))
    assert "retired" in refused.value.problems[0].message


async def test_a_new_version_of_the_citys_calendar_stays_the_citys(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    calendar = chinese_calendar()
    longer = replace(calendar, known_until=calendar.known_until.replace(year=2027))
    await loaded(dispatch_db, RegistryPack(calendars=[longer]))
    data = await dispatch_db.transact(lambda uow: load(uow.connection))
    assert data.default_calendar_code == "cn"
    assert data.calendar().known_until.year == 2027
    assert data.calendar("cn", 1) == calendar


async def test_each_part_has_its_own_stamp(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    before = await dispatch_db.transact(lambda uow: read_stamps(uow.connection))
    await loaded(dispatch_db, RegistryPack(departments=[Department("NEW", "new")]))
    after = await dispatch_db.transact(lambda uow: read_stamps(uow.connection))
    assert {part for part in RegistryPart if before[part] != after[part]} == {RegistryPart.CATALOGUE}
