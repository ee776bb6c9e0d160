"""Categories and service area: read for every appeal, changed now and then; kept in the process, checked by version."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson
import shapely
import sqlalchemy as sa
from shapely.geometry import shape
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import catalogue_version, categories, service_area
from services.intake.domain.categories import Category
from shared.db.engine import Database
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import HandlingMode, Urgency

FRESH_FOR_SECONDS: Final = 1.0
_MOST_CATEGORIES: Final = 50_000
_RASTER: Final = 64
_POLYGONS: Final = frozenset({"Polygon", "MultiPolygon"})


class PolygonArea:
    """A polygon whose boundary belongs to it. A raster laid over it answers for all points but those near the edge."""

    __slots__ = ("_bounds", "_cells", "_height", "_polygon", "_width")

    def __init__(self, geojson: Mapping[str, Any]) -> None:
        self._polygon = shape(geojson)
        shapely.prepare(self._polygon)
        west, south, east, north = self._bounds = self._polygon.bounds
        self._width = (east - west) / _RASTER
        self._height = (north - south) / _RASTER
        steps = range(_RASTER)
        boxes = shapely.box(
            [west + self._width * column for _ in steps for column in steps],
            [south + self._height * row for row in steps for _ in steps],
            [west + self._width * (column + 1) for _ in steps for column in steps],
            [south + self._height * (row + 1) for row in steps for _ in steps],
        )
        self._cells = shapely.contains_properly(self._polygon, boxes).tobytes()

    def contains(self, longitude: float, latitude: float) -> bool:
        west, south, east, north = self._bounds
        if not (west <= longitude <= east and south <= latitude <= north):
            return False
        column, row = int((longitude - west) / self._width), int((latitude - south) / self._height)
        if column < _RASTER and row < _RASTER and self._cells[row * _RASTER + column]:
            return True
        return bool(shapely.intersects_xy(self._polygon, longitude, latitude))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One version of what appeals are checked against."""

    version: int
    categories: Mapping[str, Category]
    area: PolygonArea | None


async def load_catalogue(connection: AsyncConnection) -> Catalogue:
    """Read the catalogue as it stands."""
    version = (await connection.execute(sa.select(catalogue_version.c.version))).scalar_one()
    rows = await connection.execute(sa.select(categories).order_by(categories.c.code).limit(_MOST_CATEGORIES))
    geojson = (await connection.execute(sa.select(service_area.c.geojson))).scalar_one_or_none()
    tree = {row.code: category_of(row) for row in rows}
    return Catalogue(version, MappingProxyType(tree), PolygonArea(geojson) if geojson is not None else None)


def category_of(row: Any) -> Category:
    """Return the category of a row of the table."""
    return Category(
        code=row.code,
        name=row.name,
        name_zh=row.name_zh,
        level=row.level,
        parent_code=row.parent_code,
        urgency=Urgency(row.urgency) if row.urgency else None,
        mode=HandlingMode(row.mode) if row.mode else None,
        location_required=row.location_required,
        confidential=row.confidential,
        object_kind=row.object_kind,
        retired=row.retired,
        successor_code=row.successor_code,
        version=row.version,
    )


class CatalogueCache:
    """Holds the catalogue for a process; at most a second older than the database."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._held: Catalogue | None = None
        self._checked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._asking = asyncio.Lock()

    def peek(self) -> Catalogue | None:
        """Return the catalogue if it is fresh, without waiting for anything."""
        return self._held if self._monotonic() - self._checked_at < FRESH_FOR_SECONDS else None

    async def within(self, connection: AsyncConnection) -> Catalogue:
        """Return the catalogue, asking the database first when what is held is no longer fresh.

        It asks through the caller's own connection, so that waiting for one can never block it. Not for transactions
        that have changed the catalogue themselves: what they see may be rolled back.
        """
        fresh = self.peek()
        if fresh is not None:
            return fresh
        async with self._lock:
            return self.peek() or await self._refresh(connection)

    async def current(self, database: Database) -> Catalogue:
        """Return the catalogue outside of any transaction; those who ask at once wait for one look-up."""
        fresh = self.peek()
        if fresh is not None:
            return fresh
        async with self._asking:
            fresh = self.peek()
            if fresh is not None:
                return fresh
            return await database.transact(lambda uow: self.within(uow.connection), read_only=True)

    def forget(self) -> None:
        """Have the next look-up ask the database; called after this process has changed the catalogue."""
        self._checked_at = float("-inf")

    async def _refresh(self, connection: AsyncConnection) -> Catalogue:
        asked_at = self._monotonic()
        held = self._held
        if held is not None:
            version = (await connection.execute(sa.select(catalogue_version.c.version))).scalar_one()
            if version != held.version:
                held = None
        self._held = held or await load_catalogue(connection)
        self._checked_at = asked_at
        return self._held


async def lock_catalogue(connection: AsyncConnection) -> Catalogue:
    """Return the catalogue for a change of it; changes wait for one another until the transaction ends."""
    await connection.execute(sa.select(catalogue_version.c.version).with_for_update())
    return await load_catalogue(connection)


async def save_categories(connection: AsyncConnection, changed: Sequence[Category], now: datetime) -> None:
    """Write new or changed categories and make every process look again."""
    rows = [_values(category, now) for category in changed]
    if not rows:
        return
    # Links come second: a category may name one that stands further down.
    unlinked = [{**row, "parent_code": None, "successor_code": None, "retired": False} for row in rows]
    insert = postgresql.insert(categories).on_conflict_do_nothing(index_elements=["code"])
    await connection.execute(insert, unlinked)
    update = sa.update(categories).where(categories.c.code == sa.bindparam("changed_code"))
    update = update.values({name: sa.bindparam(name) for name in rows[0] if name != "code"})
    await connection.execute(update, [{**row, "changed_code": row.pop("code")} for row in map(dict, rows)])
    await _bump(connection)


def _values(category: Category, now: datetime) -> dict[str, Any]:
    return {
        "code": category.code,
        "name": category.name,
        "name_zh": category.name_zh,
        "level": category.level,
        "parent_code": category.parent_code,
        "urgency": category.urgency,
        "mode": category.mode,
        "location_required": category.location_required,
        "confidential": category.confidential,
        "object_kind": category.object_kind,
        "retired": category.retired,
        "successor_code": category.successor_code,
        "version": category.version,
        "updated_at": now,
    }


async def save_service_area(connection: AsyncConnection, geojson: Mapping[str, Any], now: datetime) -> bool:
    """Store the area; return whether it is another than before. Raises InvalidInput when it is no valid polygon."""
    check_area(geojson)
    plain = orjson.loads(orjson.dumps(geojson))
    stored = (await connection.execute(sa.select(service_area.c.geojson))).scalar_one_or_none()
    if stored == plain:
        return False
    statement = postgresql.insert(service_area).values(id=1, geojson=plain, updated_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_={"geojson": statement.excluded.geojson, "updated_at": now}
    )
    await connection.execute(statement)
    await _bump(connection)
    return True


def check_area(geojson: Mapping[str, Any]) -> None:
    """Raise InvalidInput unless this is a valid GeoJSON polygon or multipolygon in degrees."""
    problem: str | None = None
    try:
        if geojson.get("type") not in _POLYGONS:
            problem = "must be a GeoJSON Polygon or MultiPolygon"
        else:
            polygon = shape(orjson.loads(orjson.dumps(geojson)))
            west, south, east, north = polygon.bounds
            if not polygon.is_valid or polygon.is_empty:
                problem = "is not a valid polygon"
            elif west < -180 or east > 180 or south < -90 or north > 90:
                problem = "must be in degrees, longitude first"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        problem = "cannot be read as a polygon"
    if problem is not None:
        raise InvalidInput("The service area is not usable.", [FieldProblem("/service_area", problem)])


async def _bump(connection: AsyncConnection) -> None:
    await connection.execute(sa.update(catalogue_version).values(version=catalogue_version.c.version + 1))
