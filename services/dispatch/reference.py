"""What dispatch decides with, kept in memory: registry, published rules, policies, calendars, spatial index.

A snapshot is immutable. The cache asks for three stamps inside the caller's transaction and loads again only the parts
that were written since, so a publication acts at once and a decision never waits for a reload that nobody caused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.dispatch.db import changes, registry, routing, sla
from services.dispatch.domain import grid as grid_codes
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.grid import Grid, StoredGrid
from services.dispatch.domain.registry import Category, Department, RegistryPart
from services.dispatch.domain.routing import (
    CompiledRuleSet,
    RoutingDecision,
    RoutingFacts,
    RuleSet,
    compile_rules,
    route,
)
from services.dispatch.domain.sla import PolicyRequest, SlaPolicy, select_policy
from services.dispatch.geometry import Area, SpatialIndex
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound, Unavailable
from shared.vocabulary import HandlingMode, Urgency

_UTC: Final = ZoneInfo("UTC")
_NO_RULES: Final = RuleSet(0, ())
_LOAD_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """One consistent snapshot. Every version of policies and calendars is in it: tickets pin old ones."""

    departments: Mapping[str, Department]
    categories: Mapping[str, Category]
    rules: RuleSet
    compiled_rules: CompiledRuleSet
    grids: Mapping[str, Grid]
    spatial: SpatialIndex
    policies: Mapping[str, Mapping[int, SlaPolicy]]
    calendars: Mapping[str, Mapping[int, WorkCalendar]]
    default_calendar_code: str | None
    newest_policies: Mapping[str, SlaPolicy] = field(repr=False)
    stamps: Mapping[RegistryPart, UUID] = field(repr=False)

    # --- policies and calendars ---------------------------------------------------------------------------------

    @property
    def time_zone(self) -> ZoneInfo:
        """The city's time zone: that of its calendar."""
        code = self.default_calendar_code
        return _UTC if code is None else self.calendar(code).time_zone

    def calendar(self, code: str | None = None, version: int | None = None) -> WorkCalendar:
        """A calendar, the city's own and the newest unless said otherwise. Raises NotFound."""
        name = code or self.default_calendar_code
        if name is None:
            raise NotFound("No calendar has been loaded for this city", code="no_calendar")
        versions = self.calendars.get(name, {})
        found = versions.get(max(versions, default=0) if version is None else version)
        if found is None:
            raise NotFound(f"There is no such calendar or version: {name}")
        return found

    def policy(self, code: str, version: int | None = None) -> SlaPolicy:
        """An SLA policy, the newest version unless one is pinned. Raises NotFound."""
        found = self.newest_policies.get(code) if version is None else self.policies.get(code, {}).get(version)
        if found is None:
            raise NotFound(f"There is no such SLA policy or version: {code}")
        return found

    def policy_for(self, category_code: str, urgency: Urgency, mode: HandlingMode, at: datetime) -> SlaPolicy:
        """The policy a ticket gets when it is dispatched at `at` (3.2: the stricter wins, law wins over all)."""
        category = self.categories.get(category_code)
        request = PolicyRequest(
            urgency=urgency,
            mode=mode,
            category_policy=None if category is None else category.policy_code,
            category_urgency=None if category is None else category.default_urgency,
        )
        return select_policy(self.newest_policies, request, self.calendar(), at)

    # --- areas --------------------------------------------------------------------------------------------------

    def locate(self, longitude: float, latitude: float, at: datetime) -> str | None:
        """The smallest grid that contained the point on that day; None outside of the city."""
        return self.spatial.locate(longitude, latitude, at.astimezone(self.time_zone).date())

    def area_of(self, grid_code: str | None, longitude: float | None, latitude: float | None, at: datetime) -> str:
        """The area of an appeal: as given, else by its point, else "somewhere in the district" (`DDDDDD000…`)."""
        if grid_code is not None:
            return grid_code
        if longitude is not None and latitude is not None:
            found = self.locate(longitude, latitude, at)
            if found is not None:
                return found
        return self.unknown_grid_code

    @property
    def unknown_grid_code(self) -> str:
        """The code of "the whole city": its largest area, filled up with `000` to the length of its smallest."""
        if not self.grids:
            return "0" * grid_codes.LENGTHS[3]
        root = min(self.grids, key=lambda code: (len(code), code))
        return grid_codes.padded(root, max(len(code) for code in self.grids))

    # --- routing ------------------------------------------------------------------------------------------------

    def route(self, facts: RoutingFacts) -> RoutingDecision:
        return route(facts, self.compiled_rules)


@dataclass(frozen=True, slots=True)
class _Catalogue:
    departments: Mapping[str, Department]
    categories: Mapping[str, Category]
    rules: RuleSet


async def load(connection: AsyncConnection) -> ReferenceData:
    """Read everything afresh: for a command that has just written, or a process that keeps nothing."""
    return await _refresh(connection, None)


async def _refresh(connection: AsyncConnection, known: ReferenceData | None) -> ReferenceData:
    """Load the parts whose stamp differs from the known snapshot's, until no stamp moved while loading."""
    for _ in range(_LOAD_ATTEMPTS):
        stamps = await changes.read_stamps(connection)
        if known is not None and stamps == known.stamps:
            return known
        known = await _load_parts(connection, known, stamps)
        if await changes.read_stamps(connection) == stamps:
            return known
    raise Unavailable("The registry is being changed faster than it can be read")


async def _load_parts(
    connection: AsyncConnection, known: ReferenceData | None, stamps: Mapping[RegistryPart, UUID]
) -> ReferenceData:
    stale = {part for part in RegistryPart if known is None or known.stamps.get(part) != stamps.get(part)}
    data = known or _nothing()
    if RegistryPart.SLA in stale:
        data = await _with_sla(connection, data)
    if RegistryPart.GRIDS in stale:
        data = await _with_grids(connection, data)
    if RegistryPart.CATALOGUE in stale:
        data = replace(
            data,
            departments=await registry.all_departments(connection),
            categories=await registry.all_categories(connection),
            rules=await routing.read_published(connection) or _NO_RULES,
        )
    if RegistryPart.CATALOGUE in stale or data.compiled_rules.time_zone.key != data.time_zone.key:
        data = replace(data, compiled_rules=await asyncio.to_thread(_compile, data))
    return replace(data, stamps=stamps)


def _compile(data: ReferenceData) -> CompiledRuleSet:
    parents = {code: category.parent_code for code, category in data.categories.items()}
    return compile_rules(data.rules, data.time_zone, parents)


async def _with_sla(connection: AsyncConnection, data: ReferenceData) -> ReferenceData:
    policies: dict[str, dict[int, SlaPolicy]] = {}
    for policy in await sla.all_policies(connection):
        policies.setdefault(policy.code, {})[policy.version] = policy
    calendars: dict[str, dict[int, WorkCalendar]] = {}
    for calendar in await sla.all_calendars(connection):
        calendars.setdefault(calendar.code, {})[calendar.version] = calendar
    return replace(
        data,
        policies=policies,
        calendars=calendars,
        default_calendar_code=await sla.default_calendar_code(connection),
        newest_policies={code: versions[max(versions)] for code, versions in policies.items()},
    )


async def _with_grids(connection: AsyncConnection, data: ReferenceData) -> ReferenceData:
    stored = await registry.all_grids(connection)
    return replace(
        data,
        grids={code: item.grid for code, item in stored.items()},
        spatial=await asyncio.to_thread(build_index, stored),
    )


def build_index(stored: Mapping[str, StoredGrid]) -> SpatialIndex:
    """The spatial index of all grids that have an outline, whenever they are or were valid."""
    return SpatialIndex(
        Area(code, item.wkb, item.grid.valid_from, item.grid.valid_to)
        for code, item in stored.items()
        if item.wkb is not None
    )


def _nothing() -> ReferenceData:
    return ReferenceData(
        departments={},
        categories={},
        rules=_NO_RULES,
        compiled_rules=compile_rules(_NO_RULES, _UTC),
        grids={},
        spatial=SpatialIndex(()),
        policies={},
        calendars={},
        default_calendar_code=None,
        newest_policies={},
        stamps={},
    )


class ReferenceCache:
    """One per process. Share it: concurrent callers wait for one load instead of loading each.

    A transaction that has written to the registry must use `load` instead: what it sees may yet be rolled back.
    """

    def __init__(self, refresh: Callable[..., Awaitable[ReferenceData]] = _refresh) -> None:
        self._refresh = refresh
        self._known: ReferenceData | None = None
        self._loading = asyncio.Lock()

    async def current(self, uow: UnitOfWork) -> ReferenceData:
        """The snapshot that is current inside this transaction; usually one small query."""
        known = self._known
        if known is not None and await changes.read_stamps(uow.connection) == known.stamps:
            return known
        async with self._loading:
            self._known = await self._refresh(uow.connection, self._known)
            return self._known
