"""Writes a checked city pack into the services, each through its own use case and login: the registry, then intake.

Each service's part is one transaction. Loading the same pack again changes nothing; a load that was interrupted between
the two is finished by loading again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from deploy.city.model import CategoryRow, CityPack, GridRow
from deploy.city.pack import read_pack
from services.dispatch.domain.calendar import SATURDAY_AND_SUNDAY, WorkCalendar
from services.dispatch.domain.grid import Grid, StoredGrid
from services.dispatch.domain.registry import Category as DispatchCategory
from services.dispatch.domain.registry import Department
from services.dispatch.domain.routing import Rule
from services.dispatch.use_cases.load_registry import LoadCounts, LoadRegistry, RegistryPack, load_registry
from services.intake.db.tables import service_area
from services.intake.domain.categories import Category as IntakeCategory
from services.intake.use_cases.load_categories import load_categories, put_service_area
from shared.clock import Clock, SystemClock
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import Service

ACTOR = "city pack"
STATEMENT_TIMEOUT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was loaded, in one line for people, and what they should look at."""

    city: str
    changed: LoadCounts
    categories_changed: int
    service_area_changed: bool
    counts: Mapping[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def is_unchanged(self) -> bool:
        return not (self.changed.changed or self.categories_changed or self.service_area_changed)

    def __str__(self) -> str:
        what = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        done = "was loaded already" if self.is_unchanged else "loaded"
        return f"{self.city} {done}: {what}; rule set {self.changed.rule_set_version}"


async def load_city(pack_dir: Path, database_urls: Mapping[Service, str], clock: Clock | None = None) -> LoadReport:
    """Check the pack, then load it. Raises PackInvalid before anything is written."""
    pack = read_pack(pack_dir)
    at = clock or SystemClock()
    counts = await _load_dispatch(pack, database_urls[Service.DISPATCH], at)
    categories, area = await _load_intake(pack, database_urls[Service.INTAKE], at)
    return LoadReport(
        city=pack.city.title,
        changed=counts,
        categories_changed=categories,
        service_area_changed=area,
        counts={
            "departments": len(pack.departments),
            "categories": len(pack.categories),
            "areas": len(pack.grids),
            "rules": len(pack.rules),
            "policies": len(pack.policies),
        },
        warnings=pack.warnings,
    )


def _database(url: str, service: Service, clock: Clock) -> Database:
    return Database.connect(
        url,
        schema=service.value,
        application_name=f"minqing-{service.value}-city",
        clock=clock,
        statement_timeout=STATEMENT_TIMEOUT,
        pool_size=1,
    )


# --- dispatch -------------------------------------------------------------------------------------------------------


async def _load_dispatch(pack: CityPack, url: str, clock: Clock) -> LoadCounts:
    database = _database(url, Service.DISPATCH, clock)
    command = LoadRegistry(registry_of(pack), actor=ACTOR, note=f"city pack {pack.city.code} {pack.fingerprint[:12]}")
    try:
        return await database.transact(lambda uow: load_registry(uow, command))
    finally:
        await database.dispose()


def registry_of(pack: CityPack) -> RegistryPack:
    """The pack in the words of dispatch."""
    return RegistryPack(
        departments=[
            Department(
                code=row.code,
                name=row.name,
                name_en=row.name_en,
                kind=row.kind,
                parent_code=row.parent_code,
                grid_code=row.grid_code,
            )
            for row in pack.departments
        ],
        grids=[_stored_grid(row) for row in pack.grids],
        categories=[_dispatch_category(row, pack.city.default_policy_code) for row in pack.categories],
        policies=pack.policies,
        calendars=[work_calendar(pack)],
        rules=[
            Rule(
                id=row.id,
                department_code=row.department_code,
                category_code=row.category_code,
                grid_code=row.grid_code,
                type=row.type,
                channel=row.channel,
                urgency=row.urgency,
            )
            for row in pack.rules
        ],
        default_calendar_code=pack.city.calendar_code,
    )


def _stored_grid(row: GridRow) -> StoredGrid:
    grid = Grid(code=row.code, name=row.name)
    return StoredGrid(grid, None if row.polygon is None else row.polygon.wkb)


def _dispatch_category(row: CategoryRow, default_policy_code: str) -> DispatchCategory:
    return DispatchCategory(
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        parent_code=row.parent_code,
        default_urgency=row.urgency,
        default_mode=row.mode,
        policy_code=row.policy_code or default_policy_code,
    )


def work_calendar(pack: CityPack) -> WorkCalendar:
    """The pack's days as exceptions to the weekly rhythm."""
    return WorkCalendar(
        code=pack.city.calendar_code,
        version=1,
        time_zone=pack.city.time_zone,
        exceptions={
            each.day: each.is_workday
            for each in pack.days
            if each.is_workday == (each.day.weekday() in SATURDAY_AND_SUNDAY)
        },
        known_until=pack.known_until,
        frames=pack.city.frames,
    )


# --- intake ---------------------------------------------------------------------------------------------------------


async def _load_intake(pack: CityPack, url: str, clock: Clock) -> tuple[int, bool]:
    """Return how many categories are new or changed, and whether the service area is another one now."""
    database = _database(url, Service.INTAKE, clock)
    categories = [_intake_category(row) for row in pack.categories]
    area = outline_of(pack)

    async def load(uow: UnitOfWork) -> tuple[int, bool]:
        changed = await load_categories(uow, categories)
        present = (await uow.connection.execute(sa.select(service_area.c.geojson))).scalar_one_or_none()
        if area is None or area == present:
            return changed, False
        await put_service_area(uow, area)
        return changed, True

    try:
        return await database.transact(load)
    finally:
        await database.dispose()


def _intake_category(row: CategoryRow) -> IntakeCategory:
    """Intake keeps the English name first and the Chinese one beside it."""
    return IntakeCategory(
        code=row.code,
        name=row.name_en or row.name,
        name_zh=row.name if row.name_en else "",
        level=row.level,
        parent_code=row.parent_code,
        urgency=row.urgency,
        mode=row.mode,
        location_required=row.location_required,
        confidential=row.confidential,
        object_kind=row.object_kind,
    )


def outline_of(pack: CityPack) -> dict[str, Any] | None:
    """The outline of the city: the polygon of its largest area, if it has one."""
    outline: BaseGeometry | None = pack.grids[0].polygon if pack.grids else None
    return None if outline is None else orjson.loads(orjson.dumps(mapping(outline)))
