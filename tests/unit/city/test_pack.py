"""A pack is read as a whole: a good one completely, a bad one with every fault named by file, place and field."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.city import PackInvalid, read_pack
from shared.vocabulary import HandlingMode, TimerName, Urgency
from tests.unit.city.packs import CITY, FEATURES, POLICIES, TABLES, feature, square, write_pack


def faults_of(directory: Path, **changes: Any) -> list[str]:
    with pytest.raises(PackInvalid) as caught:
        read_pack(write_pack(directory, **changes))
    return [str(fault) for fault in caught.value.faults]


def city(**changes: Any) -> str:
    return json.dumps({**CITY, **changes})


def grids(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def table(name: str, *lines: str) -> str:
    return TABLES[name] + "".join(f"{line}\n" for line in lines)


def test_a_good_pack_is_read_with_all_its_parts(tmp_path: Path) -> None:
    pack = read_pack(write_pack(tmp_path))

    assert pack.city.time_zone.key == "Asia/Shanghai"
    assert [department.code for department in pack.departments] == ["GOV", "ROADS"]
    assert [(c.code, c.parent_code, c.urgency, c.mode) for c in pack.categories] == [
        ("01", None, None, None),
        ("0101", "01", Urgency.P3, HandlingMode.COMMITTED),
    ]
    assert [grid.code for grid in pack.grids] == ["990001", "990001001", "990001002"]
    assert [(rule.id, rule.grid_code) for rule in pack.rules] == [("R1", None), ("R2", "990001002")]
    assert str(pack.policies[0].timers[TimerName.RESOLVE].period) == "5 working_day"
    assert pack.known_until.isoformat() == "2026-01-03"
    assert pack.warnings == ()


def test_the_fingerprint_changes_with_any_byte_of_the_pack(tmp_path: Path) -> None:
    first = read_pack(write_pack(tmp_path)).fingerprint

    assert read_pack(write_pack(tmp_path)).fingerprint == first
    changed = read_pack(write_pack(tmp_path, calendar=table("calendar.csv", "2026-01-04,0,")))
    assert changed.fingerprint != first


def test_all_faults_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        city=city(time_zone="Mars/Olympus"),
        departments=table("departments.csv", "A/B,Slash,office,,"),
        categories=table("categories.csv", "0102,,P9,committed,G5D"),
        rules=table("rules.csv", "R3,0199,,NOBODY"),
        calendar=None,
    )

    assert "city.json: time_zone: is not the name of a time zone, like Asia/Shanghai" in found
    assert any(fault.startswith("departments.csv: line 4: code: 'A/B' is not a code") for fault in found)
    assert "categories.csv: line 4: name: is empty" in found
    assert "categories.csv: line 4: urgency: 'P9' is not one of P1, P2, P3, P4" in found
    assert "rules.csv: line 4: department_code: there is no department 'NOBODY'" in found
    assert "rules.csv: line 4: category_code: there is no category 0199" in found
    assert "calendar.csv: is missing" in found


@pytest.mark.parametrize("name", ["city", "departments", "categories", "grids", "rules", "policies", "calendar"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    assert any(
        fault.startswith(f"{name}.") and fault.endswith(": is missing") for fault in faults_of(tmp_path, **{name: None})
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\xff\xfe", "departments.csv: is not UTF-8 (byte 0)"),
        ("code,name\n", "departments.csv: line 1: kind: the column is missing"),
        ("code,name,kind,colour\n", "departments.csv: line 1: colour: no such column is known"),
        ("code,name,kind,code\n", "departments.csv: line 1: code: the column is there twice"),
        ("code,name,kind\nGOV,Government\n", "departments.csv: line 2: has 2 cells, the header 3"),
        ("code,name,kind\nGOV,A,x\nGOV,B,x\n", "departments.csv: line 3: code: 'GOV' is also in line 2"),
        ("code,name,kind\nGOV,a\tb,x\n", "departments.csv: line 2: name: has control characters"),
        (f"code,name,kind\nGOV,{'x' * 201},x\n", "departments.csv: line 2: name: is longer than 200 characters"),
        (
            "code,name,kind,parent_code\nGOV,A,x,GONE\n",
            "departments.csv: line 2: parent_code: there is no department 'GONE'",
        ),
        (
            "code,name,kind,parent_code\nA,A,x,B\nB,B,x,A\n",
            "departments.csv: line 2: parent_code: is its own ancestor",
        ),
        (
            "code,name,kind,grid_code\nGOV,A,x,990001009\n",
            "departments.csv: line 2: grid_code: there is no area 990001009",
        ),
        ("code,name,kind\n", "departments.csv: has no departments"),
    ],
)
def test_a_spoilt_table_is_refused_with_line_and_column(tmp_path: Path, content: Any, fault: str) -> None:
    assert fault in faults_of(tmp_path, departments=content)


def test_the_line_of_a_fault_counts_line_breaks_inside_quotes(tmp_path: Path) -> None:
    content = 'code,name,kind\nGOV,"two\nlines",x\nROADS,,x\n'

    assert "departments.csv: line 4: name: is empty" in faults_of(tmp_path, departments=content)


def test_a_category_needs_its_parent_and_a_known_policy(tmp_path: Path) -> None:
    found = faults_of(tmp_path, categories=table("categories.csv", "0201,Lost,P3,committed,Z9Z"))

    assert "categories.csv: line 4: code: its parent 02 is not in the table" in found
    assert "categories.csv: line 4: policy_code: there is no policy 'Z9Z'" in found


def test_a_category_that_people_choose_needs_the_defaults_that_accept_it(tmp_path: Path) -> None:
    found = faults_of(tmp_path, categories=table("categories.csv", "0102,Signs,,committed,G5D"))

    assert found == [
        "categories.csv: line 4: urgency: is empty: appeals of this category could not be accepted by themselves"
    ]


def test_two_rules_that_ask_for_the_same_are_a_fault(tmp_path: Path) -> None:
    found = faults_of(tmp_path, rules=table("rules.csv", "R3,0101,,GOV"))

    assert found == ["rules.csv: line 4: id: asks for the same as the rule in line 2: one of the two would never win"]


def test_a_category_that_nobody_takes_is_a_warning_not_a_fault(tmp_path: Path) -> None:
    pack = read_pack(write_pack(tmp_path, categories=table("categories.csv", "0102,Signs,P3,committed,")))

    assert pack.warnings == ("rules.csv: 1 categories without a rule for every area go to triage: 0102",)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (("2026-01-05,1,",), "calendar.csv: line 5: date: follows 2026-01-03: every day must be there once, in order"),
        (("2026-01-03,1,",), "calendar.csv: line 5: date: follows 2026-01-03: every day must be there once, in order"),
        (("2026-02-30,1,",), "calendar.csv: line 5: date: '2026-02-30' is not a date like 2026-10-01"),
        (("2026-01-04,yes,",), "calendar.csv: line 5: is_workday: 'yes' is neither 0 nor 1"),
    ],
)
def test_the_calendar_must_have_every_day_once(tmp_path: Path, lines: tuple[str, ...], fault: str) -> None:
    assert fault in faults_of(tmp_path, calendar=table("calendar.csv", *lines))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": 2}, "city.json: format: is 2; this version reads format 1"),
        ({"mayor": "X"}, "city.json: mayor: Extra inputs are not permitted"),
        ({"default_policy_code": "NONE"}, "city.json: default_policy_code: there is no policy NONE"),
        (
            {"calendar": {"code": "TV", "frames": [["09:00", "12:00"], ["11:00", "17:00"]]}},
            "city.json: calendar.frames: business hours must be in order and must not overlap",
        ),
        (
            {"levels": [{"length": 6, "name": "a"}, {"length": 12, "name": "b"}]},
            "city.json: levels: the lengths must be consecutive ones of (6, 9, 12, 15, 18)",
        ),
        ({"sources": []}, "city.json: sources: Tuple should have at least 1 item after validation, not 0"),
    ],
)
def test_the_facts_of_the_city_are_checked(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    assert fault in faults_of(tmp_path, city=city(**change))


def test_a_file_that_is_not_json_is_named_with_its_line(tmp_path: Path) -> None:
    assert any(
        fault.startswith("city.json: line 2: is not JSON")
        for fault in faults_of(tmp_path, city='{"format": 1,\n oops}')
    )


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"code": "G5D", "name": "x"}, "timers: Field required"),
        ({"timers": {"T_RESOLVE": "5 fortnights"}}, "timers.T_RESOLVE.period: must look like"),
        ({"timers": {"T_SIGN": "1 hour"}}, "timers.T_RESOLVE: every policy promises a result"),
        ({"timers": {"T_TEA": "1 hour"}}, "timers.T_TEA"),
        (
            {"timers": {"T_RESOLVE": "5 working_day"}, "natural_clock": True},
            "timers.T_RESOLVE: a policy on the natural clock cannot count working time",
        ),
    ],
)
def test_policies_are_judged_by_the_rules_of_dispatch(tmp_path: Path, entry: dict[str, Any], fault: str) -> None:
    document = {"policies": [{"code": "G5D", "name": "x", **entry}]}
    found = faults_of(tmp_path, policies=json.dumps(document))

    assert any(each.startswith(f"policies.json: policy 1 (G5D): {fault}") for each in found), found


def test_a_policy_code_may_be_there_once(tmp_path: Path) -> None:
    twice = {"policies": POLICIES["policies"] * 2}

    assert "policies.json: policy 2 (G5D): code: the code is there twice" in faults_of(
        tmp_path, policies=json.dumps(twice)
    )


def test_an_area_outside_of_the_district_or_without_a_parent_is_refused(tmp_path: Path) -> None:
    found = faults_of(tmp_path, grids=grids(*FEATURES, feature("880001001", None), feature("990001003004", None)))

    assert "grids.geojson: feature 4 (880001001): code: does not begin with the district code 990001" in found
    assert "grids.geojson: feature 5 (990001003004): code: the city has no level of 12 digits" in found


def test_a_missing_parent_area_is_named(tmp_path: Path) -> None:
    levels = [{"length": length, "name": str(length)} for length in (6, 9, 12)]
    found = faults_of(tmp_path, city=city(levels=levels), grids=grids(*FEATURES, feature("990001003004", None)))

    assert found == ["grids.geojson: feature 4 (990001003004): code: its parent 990001003 is not in the file"]


def test_overlaps_gaps_and_strays_of_polygons_are_found(tmp_path: Path) -> None:
    overlapping = copy.deepcopy(FEATURES)
    overlapping[2] = feature("990001002", square(0.5, 0))

    found = faults_of(tmp_path, grids=grids(*overlapping))

    assert any("990001001): geometry: overlaps 990001002 by 0.5" in fault for fault in found)
    gap = faults_of(tmp_path, grids=grids(FEATURES[0], FEATURES[1], feature("990001002", square(1, 0, 0.5))))
    assert gap == ["grids.geojson: feature 1 (990001): geometry: its parts leave 0.75 square degrees uncovered"]
    stray = faults_of(tmp_path, grids=grids(FEATURES[0], FEATURES[1], feature("990001002", square(1.5, 0))))
    assert "grids.geojson: feature 1 (990001): geometry: 990001002 lies partly outside of it" in stray


def test_areas_without_polygons_are_allowed_beside_areas_with_them(tmp_path: Path) -> None:
    pack = read_pack(write_pack(tmp_path, grids=grids(FEATURES[0], FEATURES[1], feature("990001002", None))))

    assert [grid.polygon is None for grid in pack.grids] == [False, False, True]


@pytest.mark.parametrize(
    ("geometry", "fault"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, "must be a Polygon, a MultiPolygon or null"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "has coordinates that are not rings"),
        ({"type": "Polygon", "coordinates": "here"}, "has coordinates that are not rings"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            "is not a valid area: Self-intersection",
        ),
        (square(34.0, 113.8), "lies outside of longitude -180..180 and latitude -90..90"),
    ],
)
def test_a_geometry_that_is_no_area_is_refused(tmp_path: Path, geometry: dict[str, Any], fault: str) -> None:
    found = faults_of(tmp_path, grids=grids(FEATURES[0], feature("990001001", geometry)))

    assert any(each.startswith(f"grids.geojson: feature 2 (990001001): geometry: {fault}") for each in found), found


def test_a_pack_that_is_not_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackInvalid, match="is not a directory"):
        read_pack(tmp_path / "nowhere")
