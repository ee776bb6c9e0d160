"""Read single entries and pages of the registry."""

from collections.abc import Sequence
from uuid import UUID

from services.dispatch.db import registry, routing, sla
from services.dispatch.db.routing import RuleSetRecord
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.grid import StoredGrid
from services.dispatch.domain.registry import Department
from services.dispatch.domain.routing import Rule
from services.dispatch.domain.sla import SlaPolicy
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


async def get_department(uow: UnitOfWork, code: str) -> Department:
    """Raises NotFound."""
    found = await registry.find_department(uow.connection, code)
    if found is None:
        raise NotFound("There is no such department")
    return found


async def list_departments(uow: UnitOfWork, after: str | None, limit: int) -> Sequence[Department]:
    return await registry.page_departments(uow.connection, after=after, limit=limit)


async def get_grid(uow: UnitOfWork, code: str) -> StoredGrid:
    """Raises NotFound."""
    found = (await registry.grids_by_code(uow.connection, [code])).get(code)
    if found is None:
        raise NotFound("There is no such grid")
    return found


async def list_grids(uow: UnitOfWork, prefix: str | None, after: str | None, limit: int) -> Sequence[StoredGrid]:
    """Grids whose code begins with `prefix`, by code."""
    return await registry.page_grids(uow.connection, prefix=prefix, after=after, limit=limit)


async def get_rule_set(uow: UnitOfWork, rule_set_id: UUID) -> RuleSetRecord:
    """Raises NotFound."""
    found = await routing.find_rule_set(uow.connection, rule_set_id)
    if found is None:
        raise NotFound("There is no such rule set")
    return found


async def list_rule_sets(uow: UnitOfWork, before_version: int | None, limit: int) -> Sequence[RuleSetRecord]:
    """Newest first."""
    return await routing.page_rule_sets(uow.connection, before_version=before_version, limit=limit)


async def list_rules(uow: UnitOfWork, rule_set_id: UUID, after: str | None, limit: int) -> Sequence[Rule]:
    """The rules of one set by id. Raises NotFound."""
    await get_rule_set(uow, rule_set_id)
    return await routing.page_rules(uow.connection, rule_set_id, after=after, limit=limit)


async def get_policy(uow: UnitOfWork, code: str, version: int | None) -> SlaPolicy:
    """One version, the newest if None. Raises NotFound."""
    found = await sla.find_policy(uow.connection, code, version)
    if found is None:
        raise NotFound("There is no such SLA policy or version")
    return found


async def list_policies(uow: UnitOfWork, after: str | None, limit: int) -> Sequence[SlaPolicy]:
    """The newest version of each."""
    return await sla.page_policies(uow.connection, after=after, limit=limit)


async def get_calendar(uow: UnitOfWork, code: str, version: int | None) -> tuple[WorkCalendar, bool]:
    """One version, the newest if None, and whether it is the city's own. Raises NotFound."""
    found = await sla.find_calendar(uow.connection, code, version)
    if found is None:
        raise NotFound("There is no such calendar or version")
    return found, await sla.default_calendar_code(uow.connection) == code


async def list_calendars(uow: UnitOfWork, after: str | None, limit: int) -> tuple[Sequence[WorkCalendar], str | None]:
    """The newest version of each, and the code of the city's own."""
    page = await sla.page_calendars(uow.connection, after=after, limit=limit)
    return page, await sla.default_calendar_code(uow.connection)
