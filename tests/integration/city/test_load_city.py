"""A pack is loaded into the real databases through the services' own use cases, and again without changing anything."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.city import PackInvalid
from deploy.city.load import load_city
from deploy.settings import CITIES
from shared.vocabulary import Service
from tests.unit.city.packs import TABLES, write_pack

Urls = Mapping[Service, str]


async def rows(url: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_weidu_fills_the_registry_and_intake(database_urls: Urls) -> None:
    report = await load_city(CITIES / "weidu", database_urls)

    assert str(report) == (
        "魏都区 Weidu District loaded: 56 departments, 136 categories, 528 areas, 269 rules, 12 policies; rule set 1"
    )
    dispatch, intake = database_urls[Service.DISPATCH], database_urls[Service.INTAKE]
    levels = await rows(dispatch, "SELECT length(code), count(*) FROM dispatch.grids GROUP BY 1 ORDER BY 1")
    assert levels == [(6, 1), (9, 15), (12, 104), (15, 408)]
    assert await rows(dispatch, "SELECT count(*) FROM dispatch.departments") == [(56,)]
    assert await rows(intake, "SELECT name, name_zh FROM intake.categories WHERE code = '0101'") == [
        ("Exposed garbage & collection", "暴露垃圾与垃圾清运")
    ]
    assert await rows(intake, "SELECT geojson->>'type' FROM intake.service_area") == [("Polygon",)]


@pytest.mark.parametrize("city", ["weidu", "boston"])
async def test_loading_twice_changes_nothing(database_urls: Urls, city: str) -> None:
    first = await load_city(CITIES / city, database_urls)
    second = await load_city(CITIES / city, database_urls)

    assert not first.is_unchanged
    assert second.is_unchanged
    assert "was loaded already" in str(second)
    assert second.changed.rule_set_version == first.changed.rule_set_version


async def test_a_changed_pack_changes_only_what_differs(database_urls: Urls, tmp_path: Path) -> None:
    await load_city(write_pack(tmp_path), database_urls)
    changed = TABLES["departments.csv"].replace("Roads", "Roads and bridges")

    report = await load_city(write_pack(tmp_path, departments=changed), database_urls)

    assert (report.changed.departments, report.changed.grids, report.categories_changed) == (1, 0, 0)
    assert report.changed.rule_set_version == 1


async def test_a_bad_pack_writes_nothing(database_urls: Urls, tmp_path: Path) -> None:
    bad = TABLES["rules.csv"] + "R3,0101,990001001,NOBODY\n"

    with pytest.raises(PackInvalid):
        await load_city(write_pack(tmp_path, rules=bad), database_urls)

    assert await rows(database_urls[Service.DISPATCH], "SELECT count(*) FROM dispatch.departments") == [(0,)]
    assert await rows(database_urls[Service.INTAKE], "SELECT count(*) FROM intake.categories") == [(0,)]


async def test_two_loads_at_once_end_as_one(database_urls: Urls, tmp_path: Path) -> None:
    pack = write_pack(tmp_path)

    await asyncio.gather(load_city(pack, database_urls), load_city(pack, database_urls))

    assert await rows(database_urls[Service.DISPATCH], "SELECT count(*) FROM dispatch.departments") == [(2,)]
    assert await rows(database_urls[Service.DISPATCH], "SELECT count(*) FROM dispatch.rule_sets") == [(1,)]


async def test_the_pack_decides_the_calendar_and_its_frames(database_urls: Urls, tmp_path: Path) -> None:
    await load_city(write_pack(tmp_path), database_urls)

    [(document,)] = await rows(
        database_urls[Service.DISPATCH], "SELECT document FROM dispatch.calendars WHERE code = 'TV'"
    )
    calendar = json.loads(document)
    assert calendar["frames"] == [["09:00", "17:00"]]
    assert calendar["exceptions"] == {"2026-01-01": "off"}
    assert calendar["known_until"] == "2026-01-03"
