"""The packs that come with the project are good, complete, and tile their district without gaps or overlaps."""

import csv
import gzip
import itertools
from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from deploy.city import CityPack, read_pack
from deploy.city.boston_codes import area_of, holidays
from deploy.city.build_boston import boston_calendar
from services.dispatch.domain.calendar import Period
from services.dispatch.domain.grid import level_of

CITIES = Path(__file__).parents[3] / "deploy" / "cities"


@cache
def pack(name: str) -> CityPack:
    return read_pack(CITIES / name)


def leaves() -> dict[str, BaseGeometry]:
    return {grid.code: grid.polygon for grid in pack("weidu").grids if len(grid.code) == 15 and grid.polygon}


def test_weidu_has_its_streets_and_communities_and_408_grids() -> None:
    levels = Counter(level_of(grid.code) for grid in pack("weidu").grids)

    assert levels == {1: 1, 2: 15, 3: 104, 4: 408}


def test_every_line_on_the_map_of_weidu_is_labelled_synthetic() -> None:
    assert all(grid.synthetic for grid in pack("weidu").grids)


def test_the_grids_of_weidu_have_no_gaps_and_no_overlaps() -> None:
    polygons = numpy.array(list(leaves().values()), dtype=object)
    union = shapely.union_all(polygons)

    assert shapely.area(polygons).sum() == pytest.approx(union.area, rel=1e-12)
    assert union.geom_type == "Polygon"
    assert not union.interiors


def test_every_point_inside_weidu_lies_in_exactly_one_grid() -> None:
    district = pack("weidu").grids[0].polygon
    assert district is not None
    west, south, east, north = district.bounds
    random = numpy.random.default_rng(408)
    points = shapely.points(random.uniform(west, east, 4000), random.uniform(south, north, 4000))
    inside = points[shapely.contains(district, points)]
    hits, _ = shapely.STRtree(list(leaves().values())).query(inside, predicate="within")

    assert len(inside) > 2000
    assert Counter(Counter(hits.tolist()).values()) == {1: len(inside)}


def test_borders_of_neighbours_run_through_the_same_points() -> None:
    """Each stretch of border belongs to two grids, drawn in opposite directions, or to one: then it is the outline."""
    steps: Counter[tuple[tuple[float, float], tuple[float, float]]] = Counter()
    for polygon in leaves().values():
        ring = list(polygon.exterior.coords)
        steps.update(itertools.pairwise(ring))
    lonely = [step for step in steps if step[::-1] not in steps]
    district = pack("weidu").grids[0].polygon
    assert district is not None
    outline = list(district.exterior.coords)

    assert max(steps.values()) == 1
    assert set(lonely) == set(itertools.pairwise(outline))


def test_grids_are_numbered_from_west_to_east_and_north_to_south() -> None:
    by_community: dict[str, list[shapely.Point]] = {}
    for code, polygon in sorted(leaves().items()):
        by_community.setdefault(code[:12], []).append(polygon.centroid)

    for community, centres in by_community.items():
        for one, following in itertools.pairwise(centres):
            goes_east, goes_south = following.x > one.x, following.y < one.y
            assert goes_east or goes_south, community


@pytest.mark.parametrize("name", ["weidu", "boston"])
def test_every_category_of_the_lowest_level_has_a_policy(name: str) -> None:
    categories = pack(name).categories
    parents = {category.parent_code for category in categories}

    assert all(category.policy_code for category in categories if category.code not in parents and category.level > 1)


def test_matters_of_streets_go_to_the_street_office_of_their_area() -> None:
    found = {(rule.category_code, rule.grid_code): rule.department_code for rule in pack("weidu").rules}

    assert found["0101", None] == "SANI"
    assert found["1401", "411002010"] == "ST411002010"
    assert found["1401", None] == "DISTRICT"
    assert sum(1 for category, area in found if category == "1401" and area) == 15


def test_the_calendar_of_weidu_knows_make_up_workdays() -> None:
    days = {each.day: each.is_workday for each in pack("weidu").days}

    assert len(days) == 1096
    assert days[date(2026, 1, 4)]
    assert days[date(2026, 9, 20)]
    assert not days[date(2026, 9, 25)]


def test_the_numbers_of_lines_drawn_for_boston_say_that_the_box_is_synthetic() -> None:
    city, *districts = pack("boston").grids

    assert (city.code, city.synthetic) == ("025025", True)
    assert len(districts) == 13
    assert all(district.polygon is None for district in districts)


@pytest.mark.parametrize(
    ("district", "code"),
    [("1A", "025025011"), ("02", "025025020"), ("10B", "025025102"), ("", None), ("11D", None)],
)
def test_public_works_districts_have_codes(district: str, code: str | None) -> None:
    assert area_of(district) == code


def test_boston_keeps_patriots_day_but_moves_no_saturday_holiday() -> None:
    assert holidays(2015)[date(2015, 4, 20)] == "Patriots' Day"
    assert holidays(2015)[date(2015, 5, 25)] == "Memorial Day"
    assert date(2015, 7, 3) not in holidays(2015)
    assert holidays(2017)[date(2017, 1, 2)] == "New Year's Day"


@pytest.mark.parametrize(
    ("opened", "period", "due"),
    [
        ("2015-01-01T00:25:36-05:00", "10 elapsed_working_day", "2015-01-16T08:30:00-05:00"),
        ("2015-03-06T10:00:00-05:00", "1 elapsed_working_day", "2015-03-09T10:00:00-04:00"),
        ("2015-03-06T17:00:00-05:00", "1 elapsed_working_day", "2015-03-10T08:30:00-04:00"),
        ("2015-03-06T10:00:00-05:00", "30 elapsed_day", "2015-04-05T10:00:00-04:00"),
    ],
)
def test_due_times_of_boston_keep_the_time_of_day_over_holidays_and_clock_changes(
    opened: str, period: str, due: str
) -> None:
    found = boston_calendar().add(datetime.fromisoformat(opened), Period.parse(period)).due_at

    assert found == datetime.fromisoformat(due).astimezone(UTC)


def test_the_sample_of_requests_is_small_spread_and_names_nobody() -> None:
    path = CITIES / "boston" / "requests.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    months = Counter(row["open_dt"][:7] for row in rows)

    assert path.stat().st_size < 600_000
    assert len(rows) == 5_000
    assert sorted(months) == [f"2015-{month:02d}" for month in range(1, 10)]
    assert min(months.values()) > 300
    assert not {"location", "case_title", "closure_reason"} & set(rows[0])


def test_every_request_of_the_sample_finds_its_codes_in_the_pack() -> None:
    path = CITIES / "boston" / "requests.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    categories = {category.name for category in pack("boston").categories}
    departments = {department.name for department in pack("boston").departments}
    areas = {grid.code for grid in pack("boston").grids}

    assert {row["type"] for row in rows} <= categories
    assert {row["queue"] for row in rows} <= departments
    assert {area_of(row["pwd_district"]) for row in rows} - {None} <= areas
