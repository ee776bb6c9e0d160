"""A ticket that waits for dispatch is routed by the rules once more: it came back, or it is another matter now."""

from dataclasses import replace
from datetime import datetime

from services.dispatch.db import decisions
from services.dispatch.db.decisions import DecisionRecord
from services.dispatch.domain.registry import Department
from services.dispatch.domain.routing import RoutingDecision, RoutingFacts
from services.dispatch.domain.ticket import LegClocks, Ticket
from services.dispatch.domain.ticket_moves import Dispatch, Triage
from services.dispatch.reference import ReferenceData
from services.dispatch.use_cases.carry_out import SYSTEM_ACTOR, carry_out
from services.dispatch.use_cases.clocks import clocks_after_return, dispatch_due, first_clocks
from services.dispatch.use_cases.open_tickets import ROUTER, chosen_department
from services.dispatch.use_cases.recount import clocks_since
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput, NotFound


async def route_anew(
    uow: UnitOfWork, workplace: Workplace, ticket: Ticket, *, since: datetime | None = None, is_in_triage: bool = False
) -> Ticket:
    """Dispatch a locked ticket that waits for dispatch, or lay it before a dispatcher.

    `since`: where the citizen's clock started, for a ticket that was handled with another meanwhile. A department that
    has returned it is never chosen again: then a dispatcher decides. With `is_in_triage` one has it on the list
    already, and keeps it there until the time that was set.
    """
    data = await workplace.reference.current(uow)
    decision = data.route(_facts(ticket, uow.now))
    department, why_not = chosen_department(data, decision)
    if department is not None and department.code in ticket.returned_by:
        why_not = f"department {department.code} has returned it"
        department = None
    clocks: LegClocks | None = None
    if department is not None:
        try:
            clocks = _clocks(data, ticket, uow.now, since)
        except (InvalidInput, NotFound) as error:
            why_not = f"no due times can be promised: {error.detail}"
    if is_in_triage and clocks is None:
        return ticket
    number = await decisions.next_number(uow, ticket.id)
    if department is None or clocks is None:
        record = DecisionRecord.by_rules(ticket.id, decision, at=uow.now, by=ROUTER, explanation=why_not)
        after = await _lay_before_a_dispatcher(uow, workplace, data, ticket, why_not)
    else:
        record = DecisionRecord.by_rules(ticket.id, decision, at=uow.now, by=ROUTER)
        after = await _send(uow, workplace, ticket, department, clocks, decision)
    await decisions.record_decisions(uow, [replace(record, number=number)])
    return after


def _facts(ticket: Ticket, now: datetime) -> RoutingFacts:
    matter = ticket.matter
    return RoutingFacts(
        type=matter.type,
        category_code=matter.category_code,
        urgency=matter.urgency,
        channel=matter.channel,
        grid_code=matter.grid_code,
        special_care=frozenset(matter.special_care),
        at=now,
    )


def _clocks(data: ReferenceData, ticket: Ticket, now: datetime, since: datetime | None) -> LegClocks:
    if since is not None:
        return clocks_since(data, ticket.matter, now, since, ticket.pause)
    if ticket.promised_by is not None:
        return clocks_after_return(data, ticket.matter, now, ticket.promised_by)
    return first_clocks(data, ticket.matter, now)


async def _send(
    uow: UnitOfWork,
    workplace: Workplace,
    ticket: Ticket,
    department: Department,
    clocks: LegClocks,
    decision: RoutingDecision,
) -> Ticket:
    command = Dispatch(department.code, department.name, clocks, decision.explanation)
    return await carry_out(uow, workplace, ticket, command, ROUTER)


async def _lay_before_a_dispatcher(
    uow: UnitOfWork, workplace: Workplace, data: ReferenceData, ticket: Ticket, reason: str
) -> Ticket:
    try:
        due_at, plans = dispatch_due(data, ticket.matter, uow.now)
    except (InvalidInput, NotFound):
        due_at, plans = uow.now, ()
    return await carry_out(uow, workplace, ticket, Triage(reason, due_at, plans), SYSTEM_ACTOR)
