"""A matter of the past becomes a ticket with its own times: it arms no timer that is over and is offered to nobody."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.dispatch.db import tickets
from services.dispatch.db.decisions import DecisionRecord
from services.dispatch.domain.ticket import Leg, LegClocks, LegOutcome, Resolution, Ticket, TimerPlan, is_late
from services.dispatch.domain.ticket_events import Imported
from services.dispatch.reference import ReferenceData
from services.dispatch.use_cases.clocks import first_clocks
from services.dispatch.use_cases.open_tickets import OpenedTicket, matter_of, store_opened
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealImported
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from shared.vocabulary import AppealStatus, TimerLevel, TimerName

IMPORTER = "import"
IMPORTED_POLICY = "imported"
_NO_REPLY = "(the reply was not part of the imported record)"


async def import_tickets(
    uow: UnitOfWork, workplace: Workplace, appeals: Sequence[tuple[UUID, AppealImported]]
) -> list[Ticket]:
    """Open one ticket per imported appeal, and return those that are new; idempotent per appeal. All or none.

    What was resolved or closed is closed; the rest is in progress, with breach timers only for what is still to come.
    """
    existing = await tickets.existing_appeals(uow, [appeal_id for appeal_id, _ in appeals])
    data = await workplace.reference.current(uow)
    opened = [_opened(data, id_, facts, uow.now) for id_, facts in appeals if id_ not in existing]
    await store_opened(uow, workplace, opened)
    return [each.ticket for each in opened]


def _opened(data: ReferenceData, appeal_id: UUID, facts: AppealImported, now: datetime) -> OpenedTicket:
    grid_code = data.area_of(facts.grid_code, facts.longitude, facts.latitude, facts.received_at)
    matter = matter_of(facts, grid_code)
    department = data.departments.get(facts.department_code)
    ended_at = facts.closed_at or facts.resolved_at
    ticket = Ticket(
        id=uuid7(),
        appeal_id=appeal_id,
        matter=matter,
        status=AppealStatus.IN_PROGRESS if ended_at is None else AppealStatus.CLOSED,
        round=1,
        created_at=now,
        updated_at=now,
        department_code=facts.department_code,
        department_name=department.name if department is not None else facts.department_code,
        returnable=False,
        imported=True,
        closed_at=ended_at,
    )
    clocks = _clocks(data, ticket, facts, now)
    leg = _leg(ticket, facts, clocks, ended_at)
    ticket = replace(ticket, leg=leg, promised_by=clocks.resolve_due_at)
    event = Imported(now, due_known=facts.resolve_due_at is not None)
    record = DecisionRecord(
        ticket_id=ticket.id,
        number=1,
        decided_at=facts.dispatched_at,
        decided_by=IMPORTER,
        department_code=facts.department_code,
        rule_id=None,
        rule_set_version=None,
        grid_path=(),
        considered=(),
        fallback=False,
        explanation="as recorded before the import",
    )
    return OpenedTicket(ticket, event, record, clocks.timers, IMPORTER)


def _leg(ticket: Ticket, facts: AppealImported, clocks: LegClocks, ended_at: datetime | None) -> Leg:
    resolved_at = facts.resolved_at or facts.closed_at
    return Leg(
        number=1,
        round=1,
        department_code=facts.department_code,
        department_name=ticket.department_name or "",
        dispatched_at=facts.dispatched_at,
        clocks=clocks,
        acknowledged_at=facts.dispatched_at,
        resolved_at=resolved_at,
        late_resolve=resolved_at is not None
        and facts.resolve_due_at is not None
        and is_late(resolved_at, facts.resolve_due_at),
        resolution=None if resolved_at is None else Resolution(_NO_REPLY, resolved=True),
        ended_at=ended_at,
        outcome=None if ended_at is None else LegOutcome.ACCEPTED,
    )


def _clocks(data: ReferenceData, ticket: Ticket, facts: AppealImported, now: datetime) -> LegClocks:
    """The due date of the record, if it has one; otherwise ours, counted from when it was dispatched."""
    calendar = data.calendar()
    if facts.resolve_due_at is None:
        clocks = first_clocks(data, ticket.matter, facts.dispatched_at)
    else:
        clocks = LegClocks(IMPORTED_POLICY, 0, calendar.code, calendar.version, None, None, None, facts.resolve_due_at)
    due_at = clocks.resolve_due_at
    is_open = ticket.closed_at is None and due_at > now
    plans = (TimerPlan(TimerName.RESOLVE, TimerLevel.RED_CARD, due_at, due_at),) if is_open else ()
    return replace(clocks, acknowledge_due_at=None, contact_due_at=None, return_until=None, timers=plans)
