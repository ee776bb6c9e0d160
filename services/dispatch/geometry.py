"""Polygons of grids: reading and repairing GeoJSON rings, finding the area of a point, finding gaps and overlaps.

The only module of this service that knows shapely. Coordinates are WGS-84 degrees, longitude first.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from shared.errors import FieldProblem, InvalidInput

MAX_POINTS = 200_000
# about one square metre at mid latitudes: below it two drawings of one border merely differ in rounding
TOLERANCE = 1e-10
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A valid polygon or multipolygon as stored (WKB), and whether its rings had to be repaired."""

    wkb: bytes
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Flaw:
    """A gap or an overlap between neighbouring areas; reported, not refused: surveyors fix it, not we."""

    kind: str
    codes: tuple[str, ...]
    square_metres: float
    longitude: float
    latitude: float


def shape_from_geojson(geometry: Mapping[str, Any], pointer: str = "/geometry") -> Shape:
    """Read a Polygon or MultiPolygon; self-crossing or open rings are repaired, what has no area left is refused.

    Raises InvalidInput for another kind of geometry, coordinates outside of WGS-84, or too many points.
    """
    if geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise _invalid(pointer, "must be a Polygon or a MultiPolygon", ["Polygon", "MultiPolygon"])
    try:
        with np.errstate(invalid="ignore"):
            drawn = shapely.geometry.shape(_closed(geometry))
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
        raise _invalid(f"{pointer}/coordinates", "must be rings of at least four [longitude, latitude]") from error
    return _sound(drawn, pointer)


def normalised_wkb(wkb: bytes, pointer: str = "/geometry") -> Shape:
    """The same check and repair for a shape that comes as WKB."""
    try:
        drawn = shapely.from_wkb(wkb)
    except shapely.errors.ShapelyError as error:
        raise _invalid(pointer, "is not well-known binary") from error
    if drawn.geom_type not in ("Polygon", "MultiPolygon"):
        raise _invalid(pointer, "must be a Polygon or a MultiPolygon", ["Polygon", "MultiPolygon"])
    return _sound(drawn, pointer)


def _sound(drawn: BaseGeometry, pointer: str) -> Shape:
    if shapely.get_num_coordinates(drawn) > MAX_POINTS:
        raise _invalid(f"{pointer}/coordinates", f"has more than {MAX_POINTS} points")
    coordinates = shapely.get_coordinates(drawn)
    if not len(coordinates) or not np.isfinite(coordinates).all():
        raise _invalid(f"{pointer}/coordinates", "must be finite numbers")
    if (np.abs(coordinates) > (180.0, 90.0)).any():
        raise _invalid(f"{pointer}/coordinates", "must be degrees, longitude first; are they swapped?")
    drawn = shapely.force_2d(drawn)
    repaired = not drawn.is_valid
    area = _polygons_of(shapely.make_valid(drawn)) if repaired else drawn
    if area.is_empty or area.area <= 0:
        raise _invalid(f"{pointer}/coordinates", "encloses no area")
    return Shape(bytes(shapely.to_wkb(area)), repaired)


def geojson_of(wkb: bytes) -> dict[str, Any]:
    """The GeoJSON geometry of a stored shape."""
    return dict(shapely.geometry.mapping(shapely.from_wkb(wkb)))


def _closed(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """Close rings that were left open, which much drawing software does."""

    def close(ring: Sequence[Any]) -> list[Any]:
        points = list(ring)
        return [*points, points[0]] if len(points) >= 3 and points[0] != points[-1] else points

    coordinates = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        return {"type": "Polygon", "coordinates": [close(ring) for ring in coordinates]}
    return {
        "type": "MultiPolygon",
        "coordinates": [[close(ring) for ring in polygon] for polygon in coordinates],
    }


def _polygons_of(geometry: BaseGeometry) -> BaseGeometry:
    """What is left of a repaired shape once stray lines and points are dropped."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


# --- locating -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Area:
    """One grid as the index needs it."""

    code: str
    wkb: bytes
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


_CELLS_PER_AREA = 16
_MOST_CELLS_ACROSS = 512
# cells overlap a little, so that rounding can never put a point into a cell that does not know its area
_CELL_MARGIN = 1e-9
_Candidate = tuple[Area, Any]


class _Level:
    """The areas of one level on a raster: each cell knows the areas that touch it, in the order of their codes."""

    __slots__ = ("_across", "_cells", "_column_width", "_down", "_row_height", "_south", "_west", "bounds")

    def __init__(self, members: Sequence[Area]) -> None:
        shapes = shapely.from_wkb([area.wkb for area in members])
        shapely.prepare(shapes)
        west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
        self.bounds = (west, south, east, north)
        self._west, self._south = west, south
        self._across = self._down = max(1, min(_MOST_CELLS_ACROSS, math.isqrt(len(members) * _CELLS_PER_AREA)))
        self._column_width = (east - west) / self._across
        self._row_height = (north - south) / self._down
        self._cells = self._rasterise(members, shapes)

    def _rasterise(self, members: Sequence[Area], shapes: Any) -> dict[int, tuple[_Candidate, ...]]:
        columns, rows = np.meshgrid(np.arange(self._across), np.arange(self._down), indexing="ij")
        left = self._west + columns.ravel() * self._column_width - _CELL_MARGIN
        low = self._south + rows.ravel() * self._row_height - _CELL_MARGIN
        boxes = shapely.box(
            left,
            low,
            left + self._column_width + 2 * _CELL_MARGIN,
            low + self._row_height + 2 * _CELL_MARGIN,
        )
        tree = shapely.STRtree(shapes)
        touched: dict[int, set[int]] = {}
        for cell, index in tree.query(boxes, predicate="intersects").T.tolist():
            touched.setdefault(cell, set()).add(index)
        inside = {(cell, index) for cell, index in tree.query(boxes, predicate="covered_by").T.tolist()}
        return {
            cell: tuple(
                # a cell that lies inside an area needs no test for it
                (members[index], None if (cell, index) in inside else shapes[index])
                for index in sorted(found)
            )
            for cell, found in touched.items()
        }

    def locate(self, longitude: float, latitude: float, on: date) -> str | None:
        column = min(int((longitude - self._west) / self._column_width), self._across - 1)
        row = min(int((latitude - self._south) / self._row_height), self._down - 1)
        for area, shape in self._cells.get(column * self._down + row, ()):
            if area.is_valid(on) and (shape is None or shapely.intersects_xy(shape, longitude, latitude)):
                return area.code
        return None


class SpatialIndex:
    """Which grid a point lies in: the smallest level first, on a shared edge the lower code, always the same answer.

    Immutable after building, so any number of tasks may read it.
    """

    __slots__ = ("_levels", "bounds", "size")

    def __init__(self, areas: Iterable[Area]) -> None:
        by_length: dict[int, list[Area]] = {}
        for area in areas:
            by_length.setdefault(len(area.code), []).append(area)
        self._levels = [
            _Level(sorted(members, key=lambda area: area.code))
            for _, members in sorted(by_length.items(), reverse=True)
        ]
        self.size = sum(len(members) for members in by_length.values())
        self.bounds = _union_of_bounds([level.bounds for level in self._levels])

    def locate(self, longitude: float, latitude: float, on: date) -> str | None:
        """The code of the smallest grid valid on that day that contains the point; None outside of all of them."""
        for level in self._levels:
            west, south, east, north = level.bounds
            if west <= longitude <= east and south <= latitude <= north:
                found = level.locate(longitude, latitude, on)
                if found is not None:
                    return found
        return None


def _union_of_bounds(
    boxes: Sequence[tuple[float, float, float, float]],
) -> tuple[float, float, float, float] | None:
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


# --- checking -------------------------------------------------------------------------------------------------------


def find_flaws(areas: Sequence[Area], limit: int = 100) -> tuple[Flaw, ...]:
    """Return overlaps between areas of one level, and parts of a parent that none of its children covers.

    The areas are those of one day. At most `limit`, the largest first.
    """
    shapes: dict[str, BaseGeometry] = {area.code: shapely.from_wkb(area.wkb) for area in areas}
    flaws = [*_overlaps(shapes), *_gaps(shapes)]
    flaws.sort(key=lambda flaw: (-flaw.square_metres, flaw.codes))
    return tuple(flaws[:limit])


def _overlaps(shapes: Mapping[str, BaseGeometry]) -> Iterable[Flaw]:
    for length in sorted({len(code) for code in shapes}):
        codes = sorted(code for code in shapes if len(code) == length)
        level = np.array([shapes[code] for code in codes])
        left, right = shapely.STRtree(level).query(level, predicate="intersects")
        pairs = left < right
        left, right = left[pairs], right[pairs]
        for one, other, common in zip(left, right, shapely.intersection(level[left], level[right]), strict=True):
            if common.area > TOLERANCE:
                yield _flaw("overlap", (codes[one], codes[other]), common)


def _gaps(shapes: Mapping[str, BaseGeometry]) -> Iterable[Flaw]:
    children: dict[str, list[BaseGeometry]] = {}
    for code, shape in shapes.items():
        children.setdefault(code[:-3], []).append(shape)
    for parent in sorted(children):
        covered = shapely.union_all(children[parent])
        if parent in shapes:
            missing = shapely.difference(shapes[parent], covered)
        else:
            rings = shapely.get_parts(covered)
            missing = shapely.difference(shapely.union_all([shapely.Polygon(ring.exterior) for ring in rings]), covered)
        for part in shapely.get_parts(missing):
            if part.area > TOLERANCE:
                yield _flaw("gap", (parent,), part)


def _flaw(kind: str, codes: tuple[str, ...], shape: BaseGeometry) -> Flaw:
    spot = shape.representative_point()
    scale = _METRES_PER_DEGREE**2 * math.cos(math.radians(spot.y))
    return Flaw(kind, codes, round(shape.area * scale, 1), round(spot.x, 6), round(spot.y, 6))


def _invalid(pointer: str, message: str, allowed: Any = None) -> InvalidInput:
    return InvalidInput("The geometry is not valid", [FieldProblem(pointer, message, allowed)])
