"""Keys over all three services: stored everywhere or nowhere, revoked everywhere, the demo's kept over restarts."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from deploy.keys import DEMO_SCOPES, create, ensure_demo_keys, listing, revoke
from shared.clock import ManualClock
from shared.errors import InvalidInput, NotFound
from shared.vocabulary import Service
from tests.support.databases import migrate_all

Urls = dict[Service, str]


async def test_key_is_known_to_every_service_and_only_as_a_hash(database_urls: Urls, manual_clock: ManualClock) -> None:
    issued = await create(database_urls, name="call centre", scopes=["appeals:write"], clock=manual_clock)
    (status,) = await listing(database_urls)
    assert status.services == set(Service)
    assert status.record == issued.record
    assert issued.text.rsplit("_", 1)[1] not in repr(status)


async def test_key_with_an_unknown_scope_is_stored_nowhere(database_urls: Urls, manual_clock: ManualClock) -> None:
    with pytest.raises(InvalidInput):
        await create(database_urls, name="x", scopes=["appeals:destroy"], clock=manual_clock)
    assert await listing(database_urls) == []


async def test_key_is_stored_nowhere_while_one_database_is_away(database_urls: Urls, manual_clock: ManualClock) -> None:
    broken = {**database_urls, Service.FEEDBACK: database_urls[Service.FEEDBACK].replace("test_", "absent_")}
    with pytest.raises((DBAPIError, OSError)):
        await create(broken, name="x", scopes=["appeals:write"], clock=manual_clock)
    assert await listing(database_urls) == []


async def test_revoking_works_everywhere_and_twice_is_as_good_as_once(
    database_urls: Urls, manual_clock: ManualClock
) -> None:
    issued = await create(database_urls, name="x", scopes=["admin"], clock=manual_clock)
    first = manual_clock.now()
    await revoke(database_urls, issued.record.prefix, at=first)
    await revoke(database_urls, issued.record.prefix, at=first.replace(year=2030))
    for service, url in database_urls.items():
        (status,) = await listing({service: url})
        assert status.record.revoked_at == first


async def test_revoking_an_unknown_key_says_so(database_urls: Urls, manual_clock: ManualClock) -> None:
    with pytest.raises(NotFound):
        await revoke(database_urls, "abcdefghijkm", at=manual_clock.now())


async def test_demo_keys_file_is_private_and_has_every_role_and_department(
    database_urls: Urls, manual_clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "demo-keys.json"
    await ensure_demo_keys(database_urls, file, ["urban_management", "housing"], clock=manual_clock)
    content = json.loads(file.read_text())
    assert set(content) == {*DEMO_SCOPES, "departments"}
    assert set(content["departments"]) == {"urban_management", "housing"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = {status.record.prefix: status for status in await listing(database_urls)}
    bound = stored[content["departments"]["housing"].split("_")[1]]
    assert bound.record.department_code == "housing"
    assert bound.services == set(Service)


async def test_demo_keys_stay_the_same_and_only_new_departments_get_one(
    database_urls: Urls, manual_clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "demo-keys.json"
    await ensure_demo_keys(database_urls, file, ["housing"], clock=manual_clock)
    before = json.loads(file.read_text())
    await ensure_demo_keys(database_urls, file, ["housing", "water"], clock=manual_clock)
    after = json.loads(file.read_text())
    assert after["departments"].pop("water")
    assert after == before
    assert len(await listing(database_urls)) == len(DEMO_SCOPES) + 2


async def test_demo_keys_come_back_into_an_emptied_database(
    database_urls: Urls, blank_database_urls: Urls, manual_clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "demo-keys.json"
    await ensure_demo_keys(database_urls, file, ["housing"], clock=manual_clock)
    before = {status.record for status in await listing(database_urls)}
    await migrate_all(blank_database_urls)
    await ensure_demo_keys(blank_database_urls, file, ["housing"], clock=manual_clock)
    assert {status.record for status in await listing(blank_database_urls)} == before


async def test_removing_the_file_ends_the_old_demo_keys(
    database_urls: Urls, manual_clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "demo-keys.json"
    await ensure_demo_keys(database_urls, file, [], clock=manual_clock)
    old = {status.record.prefix for status in await listing(database_urls)}
    file.unlink()
    await ensure_demo_keys(database_urls, file, [], clock=manual_clock)
    ended = {status.record.prefix for status in await listing(database_urls) if status.record.revoked_at is not None}
    assert ended == old
