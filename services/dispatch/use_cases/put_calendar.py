"""Write a new version of a working calendar."""

from dataclasses import dataclass, replace

from services.dispatch.db import changes, sla
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.calendar_document import calendar_to_document
from services.dispatch.domain.registry import (
    ChangeAction,
    RegistryChange,
    RegistryKind,
    RegistryPart,
    check_code,
)
from services.dispatch.domain.registry_rules import ExpectedVersion
from services.dispatch.use_cases.put_department import expect_version
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PutCalendar:
    """`make_default` makes it the city's own; the first calendar always is."""

    calendar: WorkCalendar
    actor: str
    make_default: bool = False
    expected: ExpectedVersion | None = None


@dataclass(frozen=True, slots=True)
class SavedCalendar:
    calendar: WorkCalendar
    created: bool
    is_default: bool


async def put_calendar(uow: UnitOfWork, command: PutCalendar) -> SavedCalendar:
    """Append a version; tickets keep the one they pinned. The same content again makes none.

    Raises StaleVersion when the caller has seen another version than the newest.
    """
    code = check_code(command.calendar.code, "/code")
    await changes.lock_parts(uow, [RegistryPart.SLA])
    before = await sla.find_calendar(uow.connection, code)
    expect_version(command.expected, None if before is None else before.version)
    calendar, change = next_calendar_version(command.calendar, before)
    default = await sla.default_calendar_code(uow.connection)
    becomes_default = default is None or (command.make_default and default != code)
    if change is not None:
        await sla.insert_calendar(uow, calendar, command.actor)
    if becomes_default or (change is not None and default == code):
        await sla.set_default_calendar(uow, code)
    recorded = [each for each in (change, default_change(default, code) if becomes_default else None) if each]
    await changes.record_changes(uow, command.actor, recorded)
    return SavedCalendar(calendar, created=before is None, is_default=becomes_default or default == code)


def next_calendar_version(
    wanted: WorkCalendar, before: WorkCalendar | None
) -> tuple[WorkCalendar, RegistryChange | None]:
    """The version to append, or the present one and None when the content is the same."""
    if before is not None and replace(wanted, version=before.version) == before:
        return before, None
    calendar = replace(wanted, version=1 if before is None else before.version + 1)
    return calendar, RegistryChange(
        RegistryKind.CALENDAR,
        calendar.code,
        None if before is None else {"version": before.version},
        {"version": calendar.version, **calendar_to_document(calendar)},
        ChangeAction.CREATED if before is None else ChangeAction.REPLACED,
    )


def default_change(before: str | None, after: str) -> RegistryChange:
    """That the city's calendar is another one now."""
    return RegistryChange(
        RegistryKind.CALENDAR,
        after,
        None if before is None else {"default_calendar": before},
        {"default_calendar": after},
    )
