"""Outlines of grids: repaired or refused, located without chance, checked for gaps and overlaps."""

from datetime import date
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.geometry import Area, SpatialIndex, find_flaws, geojson_of, normalised_wkb, shape_from_geojson
from shared.errors import InvalidInput
from tests.support.registry import EAST, SOUTH, STEP, WEST, box, small_city

TODAY = date(2026, 3, 2)
CITY = [Area(item.grid.code, item.wkb) for item in small_city().grids if item.wkb is not None]
INDEX = SpatialIndex(CITY)


def polygon(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


SQUARE = polygon((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_sound_outline_reads_back_as_drawn() -> None:
    shape = shape_from_geojson(SQUARE)
    assert not shape.repaired
    assert geojson_of(shape.wkb)["coordinates"] == (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),)


def test_an_open_ring_is_closed() -> None:
    assert shape_from_geojson(polygon((0, 0), (1, 0), (1, 1), (0, 1))).wkb == shape_from_geojson(SQUARE).wkb


def test_a_ring_that_crosses_itself_is_repaired_and_says_so() -> None:
    shape = shape_from_geojson(polygon((0, 0), (1, 1), (1, 0), (0, 1), (0, 0)))
    assert shape.repaired
    assert shapely.from_wkb(shape.wkb).is_valid
    assert shapely.from_wkb(shape.wkb).area == pytest.approx(0.5)


def test_heights_are_dropped() -> None:
    drawn = {"type": "Polygon", "coordinates": [[[0, 0, 9], [1, 0, 9], [1, 1, 9], [0, 1, 9], [0, 0, 9]]]}
    assert shape_from_geojson(drawn).wkb == shape_from_geojson(SQUARE).wkb


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": "everywhere"},
        {"type": "Polygon", "coordinates": [[["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]]},
        {"type": "Polygon", "coordinates": [[[0], [1], [2], [0]]]},
        {"type": "Polygon", "coordinates": [None]},
        polygon((0, 0), (1, 1), (2, 2), (0, 0)),
        polygon((0, 0), (0, 0), (0, 0), (0, 0)),
        polygon((34, 113), (35, 113), (35, 114), (34, 114), (34, 113)),
        polygon((0, 0), (float("nan"), 0), (1, 1), (0, 0)),
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0, 1]]]]},
    ],
)
def test_what_encloses_no_area_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        shape_from_geojson(geometry, "/features/3/geometry")
    assert refused.value.problems[0].field.startswith("/features/3/geometry")


@pytest.mark.parametrize("wkb", [b"", b"nonsense", bytes(shapely.to_wkb(shapely.Point(0, 0)))])
def test_stored_outlines_are_checked_too(wkb: bytes) -> None:
    with pytest.raises(InvalidInput):
        normalised_wkb(wkb)


# --- locating -------------------------------------------------------------------------------------------------------


def test_a_point_is_in_the_smallest_grid_around_it() -> None:
    assert INDEX.locate(WEST + STEP * 1.5, SOUTH + STEP / 2, TODAY) == "411002001001002"


def test_a_point_outside_of_every_grid_has_none() -> None:
    assert INDEX.locate(WEST - 0.001, SOUTH + STEP / 2, TODAY) is None
    assert INDEX.locate(0, 0, TODAY) is None
    assert SpatialIndex(()).locate(0, 0, TODAY) is None


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [
        (WEST + STEP, SOUTH + STEP / 2, "411002001001001"),
        (WEST + STEP / 2, SOUTH + STEP, "411002001001001"),
        (WEST + STEP, SOUTH + STEP, "411002001001001"),
        (EAST, SOUTH + STEP / 2, "411002001001002"),
    ],
)
def test_a_point_on_an_edge_is_in_the_lower_code(longitude: float, latitude: float, code: str) -> None:
    assert INDEX.locate(longitude, latitude, TODAY) == code


def test_a_grid_is_found_only_while_it_is_valid() -> None:
    index = SpatialIndex(
        [
            Area("411002001001001", box(0, 0), valid_to=date(2026, 3, 1)),
            Area("411002001001009", box(0, 0), valid_from=date(2026, 3, 1)),
        ]
    )
    spot = (WEST + STEP / 2, SOUTH + STEP / 2)
    assert index.locate(*spot, date(2026, 2, 28)) == "411002001001001"
    assert index.locate(*spot, date(2026, 3, 1)) == "411002001001009"


def test_where_the_small_grids_end_the_larger_one_answers() -> None:
    index = SpatialIndex([Area("411002", box(0, 0, 2, 2)), Area("411002001001001", box(0, 0))])
    assert index.locate(WEST + STEP * 1.5, SOUTH + STEP / 2, TODAY) == "411002"


@st.composite
def slices(draw: st.DrawFn) -> list[Area]:
    """A city cut by a fan of crooked lines: neighbours share edges that lie on no raster."""
    cuts = sorted(draw(st.lists(st.floats(0.05, 0.95), min_size=1, max_size=12, unique=True)))
    tops = sorted(draw(st.lists(st.floats(0.05, 0.95), min_size=len(cuts), max_size=len(cuts), unique=True)))
    low, high = [0.0, *cuts, 1.0], [0.0, *tops, 1.0]
    return [
        Area(
            f"411002001001{index + 1:03d}",
            bytes(
                shapely.to_wkb(
                    shapely.Polygon([(low[index], 0), (low[index + 1], 0), (high[index + 1], 1), (high[index], 1)])
                )
            ),
        )
        for index in range(len(low) - 1)
    ]


@given(slices(), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=20))
def test_the_raster_finds_what_looking_at_every_outline_would(
    areas: list[Area], points: list[tuple[float, float]]
) -> None:
    index = SpatialIndex(areas)
    outlines = [(area.code, shapely.from_wkb(area.wkb)) for area in areas]
    for longitude, latitude in points:
        spot = shapely.Point(longitude, latitude)
        expected = min((code for code, outline in outlines if outline.intersects(spot)), default=None)
        assert expected is not None
        assert index.locate(longitude, latitude, TODAY) == expected


# --- checking -------------------------------------------------------------------------------------------------------


def test_a_city_without_gaps_and_overlaps_has_no_flaws() -> None:
    assert find_flaws(CITY) == ()


def test_an_overlap_names_both_neighbours() -> None:
    flaws = find_flaws([Area("411002001", box(0, 0, 2, 1)), Area("411002002", box(1, 0, 2, 1))])
    assert [(flaw.kind, flaw.codes) for flaw in flaws] == [("overlap", ("411002001", "411002002"))]
    assert flaws[0].square_metres > 1_000_000
    assert WEST + STEP < flaws[0].longitude < WEST + 2 * STEP


def test_a_gap_names_the_parent_and_where() -> None:
    flaws = find_flaws([Area("411002", box(0, 0, 2, 1)), Area("411002001", box(0, 0))])
    assert [(flaw.kind, flaw.codes) for flaw in flaws] == [("gap", ("411002",))]


def test_a_hole_between_streets_is_a_gap_even_without_an_outline_of_the_district() -> None:
    ring = [box(0, 0, 3, 1), box(0, 2, 3, 1), box(0, 1), box(2, 1)]
    flaws = find_flaws([Area(f"41100200{number}", wkb) for number, wkb in enumerate(ring, 1)])
    assert [(flaw.kind, flaw.codes) for flaw in flaws] == [("gap", ("411002",))]


def test_flaws_are_bounded() -> None:
    same = [Area(f"411002{number:03d}", box(0, 0)) for number in range(1, 12)]
    assert len(find_flaws(same, limit=10)) == 10
