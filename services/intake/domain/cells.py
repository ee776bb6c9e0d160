"""Places in squares: a number for each small cell of the map, the cells around a point, metres between two points."""

from collections.abc import Iterator
from math import asin, cos, floor, radians, sin, sqrt
from typing import Final

CELL_DEGREES: Final = 0.005
_COLUMNS: Final = round(360 / CELL_DEGREES)
_ROWS: Final = round(180 / CELL_DEGREES)
_METRES_PER_DEGREE: Final = 111_195.0
_EARTH_RADIUS_METRES: Final = 6_371_008.8
_LEAST_COSINE: Final = 0.05


def cell_of(longitude: float, latitude: float) -> int:
    """Return the number of the cell of a point in degrees: about 550 m from south to north, less from west to east."""
    row = min(floor((latitude + 90) / CELL_DEGREES), _ROWS - 1)
    return row * _COLUMNS + floor((longitude + 180) / CELL_DEGREES) % _COLUMNS


def cells_around(longitude: float, latitude: float, metres: float) -> Iterator[int]:
    """Yield every cell that may hold a point within so many metres; across the date line too."""
    rows = metres / _METRES_PER_DEGREE / CELL_DEGREES
    columns = rows / max(cos(radians(latitude)), _LEAST_COSINE)
    row, column = (latitude + 90) / CELL_DEGREES, (longitude + 180) / CELL_DEGREES
    for each_row in range(max(floor(row - rows), 0), min(floor(row + rows), _ROWS - 1) + 1):
        for each_column in range(floor(column - columns), floor(column + columns) + 1):
            yield each_row * _COLUMNS + each_column % _COLUMNS


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the length of the great circle between two points (longitude, latitude)."""
    west, south, east, north = map(radians, (*one, *other))
    chord = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * _EARTH_RADIUS_METRES * asin(sqrt(min(chord, 1.0)))
