"""Find the grid a point lies in, and who answers for it."""

from dataclasses import dataclass
from datetime import datetime

from services.dispatch.domain import grid as grid_codes
from services.dispatch.domain.grid import DutyHolder, duty_holder
from services.dispatch.reference import ReferenceCache, ReferenceData
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class LocateGrid:
    """`at` decides which grids exist; now if None."""

    longitude: float
    latitude: float
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LocatedGrid:
    """`grid_path` goes from the smallest area to the largest; `duty_grid_code` is where the holder was found."""

    grid_code: str
    name: str
    grid_path: tuple[str, ...]
    duty_grid_code: str | None = None
    duty_holder: DutyHolder | None = None


async def locate_grid(uow: UnitOfWork, query: LocateGrid, cache: ReferenceCache) -> LocatedGrid:
    """Return the smallest grid around the point, on a shared edge the lower code.

    Raises NotFound outside of the service area, with a hint when the coordinates look swapped; InvalidInput for what is
    no coordinate at all.
    """
    data = await cache.current(uow)
    at = query.at or uow.now
    code = data.locate(query.longitude, query.latitude, at)
    if code is None:
        raise outside(data, query.longitude, query.latitude, at)
    today = at.astimezone(data.time_zone).date()
    holder = duty_holder(data.grids, code, today)
    return LocatedGrid(
        grid_code=code,
        name=data.grids[code].name,
        grid_path=grid_codes.ancestors(code),
        duty_grid_code=None if holder is None else holder[0],
        duty_holder=None if holder is None else holder[1],
    )


def outside(data: ReferenceData, longitude: float, latitude: float, at: datetime) -> NotFound | InvalidInput:
    """Say why a point has no grid."""
    if data.locate(latitude, longitude, at) is not None:
        return NotFound(
            "The point lies outside of the service area; longitude and latitude look swapped",
            code="outside_service_area",
            hint="swap longitude and latitude",
        )
    if abs(latitude) > 90:
        return InvalidInput(
            "That is no place on earth", [FieldProblem("/latitude", "must be from -90 to 90", [-90, 90])]
        )
    return NotFound("The point lies outside of the service area", code="outside_service_area")
