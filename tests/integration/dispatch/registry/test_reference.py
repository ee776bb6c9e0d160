"""The snapshot in memory: current inside every transaction, loaded once, never of a write that was rolled back."""

import asyncio
from dataclasses import replace

import pytest

from services.dispatch.domain.registry import Department
from services.dispatch.domain.routing import RoutingFacts, Rule
from services.dispatch.reference import ReferenceCache, ReferenceData, load
from services.dispatch.use_cases.load_registry import LoadRegistry, RegistryPack, load_registry
from services.dispatch.use_cases.put_department import PutDepartment, put_department
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealType, Channel, HandlingMode, Urgency
from tests.support.registry import EAST, SOUTH, STEP, WEST, small_city

GARBAGE = RoutingFacts(AppealType.COMPLAINT, "0101", Urgency.P3, Channel.PHONE, "411002001001001")


async def loaded(database: Database, pack: RegistryPack) -> None:
    await database.transact(lambda uow: load_registry(uow, LoadRegistry(pack)))


async def test_an_empty_registry_routes_to_triage_and_has_no_calendar(dispatch_db: Database) -> None:
    data = await dispatch_db.transact(ReferenceCache().current)
    assert data.route(GARBAGE).department_code is None
    assert data.unknown_grid_code == "0" * 15
    with pytest.raises(NotFound):
        data.calendar()


async def test_an_unchanged_registry_is_not_loaded_again(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    cache = ReferenceCache()
    first = await dispatch_db.transact(cache.current)
    assert await dispatch_db.transact(cache.current) is first


async def test_a_publication_acts_at_once(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    cache = ReferenceCache()
    before = await dispatch_db.transact(cache.current)
    assert before.route(GARBAGE).department_code == "STREET1"
    await loaded(dispatch_db, small_city([Rule("all", "WATER")]))
    after = await dispatch_db.transact(cache.current)
    assert after.route(GARBAGE).department_code == "WATER"
    assert after.spatial is before.spatial


async def test_a_write_that_is_rolled_back_never_shows(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    cache = ReferenceCache()
    before = await dispatch_db.transact(cache.current)

    async def write_and_fail(uow: UnitOfWork) -> None:
        await put_department(uow, PutDepartment(Department("NEW", "new"), "test"))
        assert "NEW" in (await load(uow.connection)).departments
        raise LookupError

    with pytest.raises(LookupError):
        await dispatch_db.transact(write_and_fail)
    assert await dispatch_db.transact(cache.current) is before


async def test_many_at_once_wait_for_one_load(dispatch_db: Database) -> None:
    await loaded(dispatch_db, small_city())
    cache = ReferenceCache()
    found = await asyncio.gather(*[dispatch_db.transact(cache.current) for _ in range(20)])
    assert all(each is found[0] for each in found)


async def test_readers_see_whole_snapshots_while_somebody_writes(dispatch_db: Database) -> None:
    """The rules of a snapshot never name a department that the snapshot does not have."""
    await loaded(dispatch_db, small_city())
    cache = ReferenceCache()

    async def write() -> None:
        for number in range(15):
            code = f"D{number}"
            city = small_city([Rule("all", code)])
            await loaded(dispatch_db, replace(city, departments=[*city.departments, Department(code, code)]))

    async def read() -> None:
        while not writing.done():
            data = await dispatch_db.transact(cache.current)
            assert all(rule.department_code in data.departments for rule in data.rules.rules)

    writing = asyncio.create_task(write())
    await asyncio.gather(writing, read(), read())
    data = await dispatch_db.transact(cache.current)
    assert data.route(GARBAGE).department_code == "D14"


async def small(database: Database) -> ReferenceData:
    await loaded(database, small_city())
    return await database.transact(lambda uow: load(uow.connection))


async def test_the_area_of_an_appeal_is_given_or_found_or_the_whole_district(dispatch_db: Database) -> None:
    data = await small(dispatch_db)
    now = dispatch_db.clock.now()
    inside = (WEST + STEP / 2, SOUTH + STEP / 2)
    assert data.area_of("411002001000000", *inside, now) == "411002001000000"
    assert data.area_of(None, *inside, now) == "411002001001001"
    assert data.area_of(None, EAST + 1, SOUTH, now) == "411002000000000"
    assert data.area_of(None, None, None, now) == "411002000000000"


async def test_the_policy_of_a_ticket_comes_from_category_urgency_and_mode(dispatch_db: Database) -> None:
    data = await small(dispatch_db)
    now = dispatch_db.clock.now()
    committed = HandlingMode.COMMITTED
    assert data.policy_for("0101", Urgency.P3, committed, now).code == "UM1D"
    assert data.policy_for("0101", Urgency.P1, committed, now).code == "U2H"
    assert data.policy_for("0205", Urgency.P2, committed, now).code == "L24"
    assert data.policy_for("nobody told us", Urgency.P4, committed, now).code == "X15D"
