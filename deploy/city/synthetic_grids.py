"""Draws synthetic areas for a city whose real borders may not be passed on: a tiling without gaps or overlaps.

Areas lie in rows from north to south, within a row from west to east, as grid codes are numbered (DB11-GRID). The
rectangles sit on a lattice of whole numbers; every corner that touches a neighbour's side is a corner of the neighbour
too, so that after bending the square into an outline both sides draw each border through the very same points.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

Point = tuple[int, int]
LonLat = tuple[float, float]
SIDE = 1 << 20  # of the lattice; large enough that no area of a city is thinner than a few hundred steps


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A cell of the lattice; y grows to the north."""

    west: int
    south: int
    east: int
    north: int

    @property
    def width(self) -> int:
        return self.east - self.west

    @property
    def height(self) -> int:
        return self.north - self.south


WHOLE = Rectangle(0, 0, SIDE, SIDE)


def lay_out(area: Rectangle, weights: Sequence[int]) -> list[Rectangle]:
    """Cut an area into one part per weight, in reading order, as large as its weight says; sides match exactly."""
    rows = _rows(weights, max(1, round(math.sqrt(len(weights) * area.height / area.width))))
    parts: list[Rectangle] = []
    borders = _cuts(area.north, area.south, [sum(row) for row in rows])
    for row, (north, south) in zip(rows, borders, strict=True):
        parts.extend(Rectangle(west, south, east, north) for west, east in _cuts(area.west, area.east, row))
    return parts


def _rows(weights: Sequence[int], count: int) -> list[Sequence[int]]:
    """Split the weights, in order, into at most `count` rows of about the same weight; no row is empty."""
    count = min(count, len(weights))
    total, taken, start = sum(weights), 0, 0
    rows: list[Sequence[int]] = []
    for end in range(1, len(weights) + 1):
        taken += weights[end - 1]
        rows_left, items_left = count - len(rows) - 1, len(weights) - end
        full = taken * count >= total * (len(rows) + 1)
        if end == len(weights) or (rows_left and (full or items_left == rows_left)):
            rows.append(weights[start:end])
            start = end
    return rows


def _cuts(first: int, last: int, weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut a line from `first` to `last` in proportion to the weights."""
    total, done, begin = sum(weights), 0, first
    for weight in weights:
        done += weight
        end = first + (last - first) * done // total
        yield begin, end
        begin = end


# --- shared borders -------------------------------------------------------------------------------------------------


def with_shared_corners(cells: Sequence[Rectangle]) -> list[list[Point]]:
    """Return each cell as a ring (counter-clockwise, not closed) that has every corner of a neighbour on its sides."""
    on_row: dict[int, set[int]] = defaultdict(set)
    on_column: dict[int, set[int]] = defaultdict(set)
    for cell in cells:
        for x in (cell.west, cell.east):
            for y in (cell.south, cell.north):
                on_row[y].add(x)
                on_column[x].add(y)
    rows = {y: sorted(xs) for y, xs in on_row.items()}
    columns = {x: sorted(ys) for x, ys in on_column.items()}
    return [_ring(cell, rows, columns) for cell in cells]


def _ring(cell: Rectangle, rows: dict[int, list[int]], columns: dict[int, list[int]]) -> list[Point]:
    bottom = [x for x in rows[cell.south] if cell.west <= x <= cell.east]
    right = [y for y in columns[cell.east] if cell.south <= y <= cell.north]
    top = [x for x in rows[cell.north] if cell.west <= x <= cell.east]
    left = [y for y in columns[cell.west] if cell.south <= y <= cell.north]
    return [
        *((x, cell.south) for x in bottom[:-1]),
        *((cell.east, y) for y in right[:-1]),
        *((x, cell.north) for x in reversed(top[1:])),
        *((cell.west, y) for y in reversed(left[1:])),
    ]


def merged(rings: Iterable[Sequence[Point]]) -> list[Point]:
    """The outline of rings that share borders: what is drawn once stays, what two draw in opposite directions goes."""
    steps: set[tuple[Point, Point]] = set()
    for ring in rings:
        for step in zip(ring, [*ring[1:], ring[0]], strict=True):
            if step[::-1] in steps:
                steps.remove(step[::-1])
            else:
                steps.add(step)
    following = dict(steps)
    first = min(following)
    outline = [first]
    while (point := following[outline[-1]]) != first:
        outline.append(point)
    return outline


# --- from the lattice to the map ------------------------------------------------------------------------------------


def rounded_square(centre: LonLat, half_width: float, half_height: float) -> Callable[[Point], LonLat]:
    """Bend the lattice into a smooth, slightly swaying district around `centre`; the half sizes are in degrees."""
    longitude, latitude = centre

    def to_map(point: Point) -> LonLat:
        u, v = 2 * point[0] / SIDE - 1, 2 * point[1] / SIDE - 1
        x = u * math.sqrt(1 - v * v / 3) + 0.03 * math.sin(math.pi * v)
        y = v * math.sqrt(1 - u * u / 3) + 0.04 * math.sin(1.5 * math.pi * u)
        return round(longitude + half_width * x, 6), round(latitude + half_height * y, 6)

    return to_map


def closed_ring(ring: Sequence[Point], to_map: Callable[[Point], LonLat]) -> list[LonLat]:
    points = [to_map(point) for point in ring]
    return [*points, points[0]]
