"""Reads `grids.geojson` and checks it as a map: closed rings, no overlaps, children that fill their parent exactly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from shapely import STRtree, area, intersection
from shapely.errors import GEOSException, ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from deploy.city.faults import Faults
from deploy.city.model import CityFacts, GridRow
from deploy.city.tables import AREA_CODE, MAX_TEXT

FILE = "grids.geojson"
# One square metre is about 1e-10 square degrees; what a rounding to 6 decimals leaves is far below 10 of them.
TOLERANCE = 1e-9
KNOWN_PROPERTIES = {"code", "name", "name_en", "synthetic"}


def read_grids(document: Any, city: CityFacts | None, faults: Faults) -> dict[str, GridRow]:
    """Return the good areas by code; everything wrong with the others is noted."""
    features = document.get("features") if isinstance(document, Mapping) else None
    if not isinstance(features, list) or not features:
        faults.add(FILE, "must be a GeoJSON FeatureCollection with features")
        return {}
    before = len(faults.errors)
    grids: dict[str, GridRow] = {}
    places: dict[str, str] = {}
    for number, feature in enumerate(features, start=1):
        grid, place = _read_feature(feature, number, faults)
        if grid is None:
            continue
        if grid.code in grids:
            faults.add(FILE, f"the code is also that of {places[grid.code]}", place=place, field="code")
            continue
        grids[grid.code], places[grid.code] = grid, place
    if city is not None:
        _check_tree(grids, places, city, faults)
    if len(faults.errors) == before:
        _check_map(grids, places, faults)
    return grids


def _read_feature(feature: Any, number: int, faults: Faults) -> tuple[GridRow | None, str]:
    place = f"feature {number}"
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    if not isinstance(properties, Mapping):
        faults.add(FILE, "is not a feature with properties", place=place)
        return None, place
    code = properties.get("code")
    if not isinstance(code, str) or not AREA_CODE.fullmatch(code):
        faults.add(FILE, "must be text of 6, 9, 12, 15 or 18 digits", place=place, field="code")
        return None, place
    place = f"{place} ({code})"
    before = len(faults.errors)
    for name in sorted(set(properties) - KNOWN_PROPERTIES):
        faults.add(FILE, "no such property is known", place=place, field=str(name)[:60])
    names = [_name(properties, field, place, faults) for field in ("name", "name_en")]
    if not names[0]:
        faults.add(FILE, "is missing", place=place, field="name")
    synthetic = properties.get("synthetic", False)
    if not isinstance(synthetic, bool):
        faults.add(FILE, "must be true or false", place=place, field="synthetic")
    polygon = _polygon(feature.get("geometry"), place, faults)
    if len(faults.errors) > before:
        return None, place
    return GridRow(code, names[0], names[1], bool(synthetic), polygon), place


def _name(properties: Mapping[str, Any], field: str, place: str, faults: Faults) -> str:
    value = properties.get(field, "")
    if isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable():
        return value.strip()
    faults.add(FILE, f"must be printable text of at most {MAX_TEXT} characters", place=place, field=field)
    return ""


def _polygon(geometry: Any, place: str, faults: Faults) -> BaseGeometry | None:
    if geometry is None:
        return None
    reason = ""
    polygon: BaseGeometry | None = None
    if not isinstance(geometry, Mapping) or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        reason = "must be a Polygon, a MultiPolygon or null"
    else:
        try:
            polygon = shape(geometry)
        except (ShapelyError, GEOSException, ValueError, TypeError, KeyError, IndexError):
            reason = "has coordinates that are not rings of [longitude, latitude]"
    if polygon is not None and not reason:
        reason = _shape_problem(polygon)
    if reason:
        faults.add(FILE, reason, place=place, field="geometry")
        return None
    return polygon


def _shape_problem(polygon: BaseGeometry) -> str:
    if polygon.is_empty:
        return "is empty"
    west, south, east, north = polygon.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return "lies outside of longitude -180..180 and latitude -90..90 (are the two swapped?)"
    return "" if polygon.is_valid else f"is not a valid area: {explain_validity(polygon)}"


# --- the tree -------------------------------------------------------------------------------------------------------


def _check_tree(grids: Mapping[str, GridRow], places: Mapping[str, str], city: CityFacts, faults: Faults) -> None:
    lengths = {level.length for level in city.levels}
    shortest = min(lengths)
    if not any(len(code) == shortest for code in grids):
        faults.add(FILE, f"has no area of the first level ({shortest} digits)")
    for code, grid in grids.items():
        place = places[code]
        if not code.startswith(city.district_code):
            faults.add(FILE, f"does not begin with the district code {city.district_code}", place=place, field="code")
        elif len(code) not in lengths:
            faults.add(FILE, f"the city has no level of {len(code)} digits", place=place, field="code")
        elif code[-3:] == "000" and len(code) > 6:
            faults.add(FILE, "000 means the whole parent; it cannot be an area", place=place, field="code")
        elif len(code) > shortest and grid.parent_code not in grids:
            faults.add(FILE, f"its parent {grid.parent_code} is not in the file", place=place, field="code")


# --- the map --------------------------------------------------------------------------------------------------------


def _check_map(grids: Mapping[str, GridRow], places: Mapping[str, str], faults: Faults) -> None:
    """Siblings must not overlap, must lie in their parent and, where all of them have polygons, must fill it."""
    children: dict[str, list[GridRow]] = defaultdict(list)
    unmapped: set[str] = set()
    for grid in grids.values():
        if grid.polygon is not None:
            children[grid.parent_code or ""].append(grid)
        else:
            unmapped.add(grid.parent_code or "")
    for parent_code, found in children.items():
        _check_overlaps(found, places, faults)
        parent = grids.get(parent_code)
        if parent is not None and parent.polygon is not None:
            _check_inside(parent, found, places[parent_code], faults)
            if parent_code not in unmapped:
                _check_covered(parent, found, places[parent_code], faults)


def _check_overlaps(siblings: Sequence[GridRow], places: Mapping[str, str], faults: Faults) -> None:
    polygons = numpy.array([grid.polygon for grid in siblings], dtype=object)
    first, second = STRtree(polygons).query(polygons, predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    if len(first) == 0:
        return
    shared = area(intersection(polygons[first], polygons[second]))
    for one, other, overlap in zip(first, second, shared, strict=True):
        if overlap > TOLERANCE:
            faults.add(
                FILE,
                f"overlaps {siblings[other].code} by {overlap:.3g} square degrees",
                place=places[siblings[one].code],
                field="geometry",
            )


def _check_inside(parent: GridRow, children: Sequence[GridRow], place: str, faults: Faults) -> None:
    if parent.polygon is None:
        return
    polygons = numpy.array([child.polygon for child in children], dtype=object)
    inside = area(intersection(polygons, parent.polygon))
    for child, own, within in zip(children, area(polygons), inside, strict=True):
        if own - within > TOLERANCE:
            faults.add(FILE, f"{child.code} lies partly outside of it", place=place, field="geometry")


def _check_covered(parent: GridRow, children: Sequence[GridRow], place: str, faults: Faults) -> None:
    """Children that neither overlap nor stick out cover their parent when their areas add up to its own."""
    if parent.polygon is None:
        return
    missing = parent.polygon.area - sum(child.polygon.area for child in children if child.polygon is not None)
    if missing > TOLERANCE:
        reason = f"its parts leave {missing:.3g} square degrees uncovered"
        faults.add(FILE, reason, place=place, field="geometry")
