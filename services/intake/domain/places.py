"""Where the matter is: bounds of coordinates, the mistake of swapping them, the city's own area, grid codes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from shared.errors import FieldProblem

# 6 district · 3 street · 3 community · 3 grid · 3 building unit (section 6): a string, never a number (trap 36)
_GRID_CODE: Final = re.compile(r"[0-9]{6}(?:[0-9]{3}){0,4}")


class ServiceArea(Protocol):
    """The area the city answers for; its boundary belongs to it."""

    def contains(self, longitude: float, latitude: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class Location:
    """Where: any of an address, a point (WGS 84), a grid code."""

    address: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    grid_code: str | None = None


def problems_of(location: Location, area: ServiceArea | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with a location, each problem with the field to mend."""
    if location.grid_code is not None and _GRID_CODE.fullmatch(location.grid_code) is None:
        yield FieldProblem("/location/grid_code", "must be 6, 9, 12, 15 or 18 digits")
    longitude, latitude = location.longitude, location.latitude
    if longitude is None and latitude is None:
        return
    if longitude is None or latitude is None:
        missing = "longitude" if longitude is None else "latitude"
        yield FieldProblem(f"/location/{missing}", "longitude and latitude go together")
        return
    yield from _problems_of_point(longitude, latitude, area)


def _problems_of_point(longitude: float, latitude: float, area: ServiceArea | None) -> Iterator[FieldProblem]:
    if _is_on_earth(longitude, latitude):
        if area is None or area.contains(longitude, latitude):
            return
        if _is_on_earth(latitude, longitude) and area.contains(latitude, longitude):
            yield FieldProblem("/location", "longitude and latitude look swapped")
            return
        yield FieldProblem("/location", "the point lies outside the service area")
        return
    if _is_on_earth(latitude, longitude) and (area is None or area.contains(latitude, longitude)):
        yield FieldProblem("/location", "longitude and latitude look swapped")
        return
    if not -180.0 <= longitude <= 180.0:
        yield FieldProblem("/location/longitude", "must be a number of degrees", {"ge": -180, "le": 180})
    if not -90.0 <= latitude <= 90.0:
        yield FieldProblem("/location/latitude", "must be a number of degrees", {"ge": -90, "le": 90})


def _is_on_earth(longitude: float, latitude: float) -> bool:
    return -180.0 <= longitude <= 180.0 and -90.0 <= latitude <= 90.0
