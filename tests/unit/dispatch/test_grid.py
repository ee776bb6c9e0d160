"""Grid codes (section 6): text, prefixes, unknown blocks, validity and who answers for an area."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.grid import (
    DutyHolder,
    Grid,
    ancestors,
    duty_holder,
    known_part,
    level_of,
    padded,
    parent_of,
    parse_code,
)
from shared.errors import InvalidInput

TODAY = date(2026, 3, 2)
HOLDER = DutyHolder("网格员", "张三")


@pytest.mark.parametrize(
    ("code", "level"),
    [("411002", 1), ("411002001", 2), ("411002001003", 3), ("411002001003007", 4), ("411002001003007012", 5)],
)
def test_the_level_is_the_length(code: str, level: int) -> None:
    assert level_of(code) == level
    assert parse_code(code) == code


@pytest.mark.parametrize(("code", "known"), [("411002001000000", "411002001"), ("411002000000000", "411002")])
def test_a_block_of_zeros_means_the_whole_parent(code: str, known: str) -> None:
    assert parse_code(code) == known
    assert padded(known) == code


@pytest.mark.parametrize(
    "code", ["", "4110", "41100200", "4110020010030070120", "41100A", "４１１００２", "411002000003", " 411002"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput):
        parse_code(code)


def test_the_path_goes_from_the_smallest_area_to_the_district() -> None:
    assert ancestors("411002001003") == ("411002001003", "411002001", "411002")
    assert ancestors("411002001000000") == ("411002001", "411002")
    assert ancestors(None) == ()


def test_a_district_has_no_parent() -> None:
    assert parent_of("411002") is None
    assert parent_of("411002001") == "411002"


def test_a_grid_ends_before_the_day_it_is_valid_to() -> None:
    grid = Grid("411002001", "old", valid_from=date(2026, 1, 1), valid_to=TODAY)
    assert grid.is_valid(date(2026, 1, 1))
    assert grid.is_valid(date(2026, 3, 1))
    assert not grid.is_valid(TODAY)
    assert not grid.is_valid(date(2025, 12, 31))


@pytest.mark.parametrize(
    ("code", "special"), [("411002001003900", True), ("411002001003899", False), ("411002", False)]
)
def test_parks_and_stations_have_a_block_from_900(code: str, special: bool) -> None:
    assert Grid(code, "").is_special is special


# --- duty holders ---------------------------------------------------------------------------------------------------


def registry(*grids: Grid) -> dict[str, Grid]:
    return {grid.code: grid for grid in grids}


def test_the_nearest_holder_answers() -> None:
    beat = Grid("411002001003007", "", duty_holders=(HOLDER,))
    street = Grid("411002001", "", duty_holders=(DutyHolder("街道", "李四"),))
    assert duty_holder(registry(street, beat), beat.code, TODAY) == (beat.code, HOLDER)


def test_a_vacant_post_falls_to_the_parent_even_over_a_missing_level() -> None:
    """Trap 37: never to nobody."""
    gone = DutyHolder("网格员", "王五", valid_to=date(2026, 1, 1))
    beat = Grid("411002001003007", "", duty_holders=(gone,))
    street = Grid("411002001", "", duty_holders=(HOLDER,))
    assert duty_holder(registry(street, beat), beat.code, TODAY) == (street.code, HOLDER)


def test_an_unknown_code_inside_a_known_street_is_the_streets() -> None:
    street = Grid("411002001", "", duty_holders=(HOLDER,))
    assert duty_holder(registry(street), "411002001999000", TODAY) == (street.code, HOLDER)


def test_only_a_city_without_any_holder_has_none() -> None:
    assert duty_holder(registry(Grid("411002", "")), "411002001", TODAY) is None


def test_a_post_is_asked_for_by_name() -> None:
    chief = DutyHolder("楼长", "赵六")
    beat = Grid("411002001003007", "", duty_holders=(HOLDER, chief))
    assert duty_holder(registry(beat), beat.code, TODAY, "楼长") == (beat.code, chief)


BLOCK = st.integers(1, 999).map(lambda number: f"{number:03d}")


@given(st.lists(BLOCK, max_size=4))
def test_every_code_is_below_each_of_its_ancestors(blocks: list[str]) -> None:
    code = "411002" + "".join(blocks)
    path = ancestors(code)
    assert path[0] == code
    assert [parent_of(each) for each in path] == [*path[1:], None]
    assert known_part(padded(code, 18)) == code
