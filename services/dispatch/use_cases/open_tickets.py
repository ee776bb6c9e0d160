"""T10 and T11: an accepted appeal becomes a ticket, is routed, and is sent to a department or laid before a dispatcher.

Many appeals at once cost eight statements. One ticket per appeal, always: the database refuses a second.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.dispatch.db import appeal_marks, decisions, history, tickets, timers
from services.dispatch.db.appeal_marks import EarlyMarks
from services.dispatch.db.decisions import DecisionRecord
from services.dispatch.db.history import HistoryEntry
from services.dispatch.domain.registry import Department
from services.dispatch.domain.routing import RoutingDecision, RoutingFacts
from services.dispatch.domain.ticket import LegClocks, Matter, Ticket, TimerPlan
from services.dispatch.domain.ticket_events import Event, Triaged
from services.dispatch.domain.ticket_machine import decide, evolve
from services.dispatch.domain.ticket_moves import CountMembers, Dispatch, RaiseGroupRisk, Urge
from services.dispatch.reference import ReferenceData
from services.dispatch.use_cases.carry_out import INTAKE_ACTOR, SYSTEM_ACTOR, carry_out, tell
from services.dispatch.use_cases.clocks import dispatch_due, first_clocks
from services.dispatch.use_cases.recount import clocks_since
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts.events import AppealDetached, AppealFacts
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput, NotFound
from shared.ids import uuid7
from shared.vocabulary import AppealStatus

ROUTER = "rule engine"


@dataclass(frozen=True, slots=True)
class OpenedTicket:
    """A new ticket with everything that is stored and told with it."""

    ticket: Ticket
    event: Event
    decision: DecisionRecord
    timers: tuple[TimerPlan, ...]
    actor: str


@dataclass(slots=True)
class _Memo:
    """Clocks depend on few things while the moment is fixed, as it is in a transaction: once per kind of matter."""

    known: dict[object, LegClocks] = field(default_factory=dict)

    def get(self, key: object, make: Callable[[], LegClocks]) -> LegClocks:
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]


async def open_tickets(
    uow: UnitOfWork, workplace: Workplace, appeals: Sequence[tuple[UUID, AppealFacts]]
) -> list[Ticket]:
    """Open and route one ticket per appeal and return those that are new; an appeal that has one is passed over.

    Publishes `ticket.dispatched` or `ticket.triaged` for each. All or none. What was said of an appeal before it got
    its ticket is put on it.
    """
    appeal_ids = [appeal_id for appeal_id, _ in appeals]
    existing = await tickets.existing_appeals(uow, appeal_ids)
    early = await appeal_marks.early_marks(uow, appeal_ids)
    data = await workplace.reference.current(uow)
    memo = _Memo()
    opened = [_open(data, memo, id_, facts, uow.now) for id_, facts in appeals if id_ not in existing]
    await store_opened(uow, workplace, opened)
    for each in opened:
        if each.ticket.appeal_id in early:
            await _put_on(uow, workplace, each.ticket, early[each.ticket.appeal_id])
    return [each.ticket for each in opened]


async def _put_on(uow: UnitOfWork, workplace: Workplace, ticket: Ticket, marks: EarlyMarks) -> None:
    """One of a thousand appeals is urged, or has others attached to it, before it has a ticket."""
    reason = "before it had a ticket"
    if marks.members != ticket.members:
        ticket = await carry_out(uow, workplace, ticket, CountMembers(marks.members, reason), INTAKE_ACTOR)
    if marks.urges > ticket.urges:
        ticket = await carry_out(uow, workplace, ticket, Urge(marks.urges, ticket.matter.channel), INTAKE_ACTOR)
    if marks.group_risk:
        matter, members = ticket.matter, ticket.members
        command = RaiseGroupRisk(reason, matter.households, max(1, matter.signatories), members.appeals)
        await carry_out(uow, workplace, ticket, command, INTAKE_ACTOR)


async def store_opened(uow: UnitOfWork, workplace: Workplace, opened: Sequence[OpenedTicket]) -> None:
    """Write new tickets, tell the others and wake the departments."""
    await tickets.insert_tickets(uow, [each.ticket for each in opened])
    await decisions.record_decisions(uow, [each.decision for each in opened])
    await history.append(uow, [HistoryEntry.of(None, each.ticket, each.event, each.actor) for each in opened])
    await timers.arm(uow, _plans(opened))
    for each in opened:
        tell(uow, each.ticket, each.event)
    workplace.offer(
        uow,
        {
            each.ticket.department_code
            for each in opened
            if each.ticket.pull_pending and each.ticket.department_code is not None
        },
    )


def matter_of(facts: AppealFacts, grid_code: str) -> Matter:
    """Take from an appeal what handling needs."""
    return Matter(
        receipt_number=facts.receipt_number,
        type=facts.type,
        channel=facts.channel,
        category_code=facts.category_code,
        category_name=facts.category_name,
        urgency=facts.urgency,
        mode=facts.mode,
        title=facts.title,
        description=facts.description,
        place=facts.place,
        grid_code=grid_code,
        longitude=facts.longitude,
        latitude=facts.latitude,
        anonymous=facts.anonymous,
        confidential=facts.confidential,
        wants_reply=facts.wants_reply,
        special_care=facts.special_care,
        households=facts.households,
        signatories=facts.signatories,
        received_at=facts.received_at,
        accepted_at=facts.accepted_at,
    )


def route_facts(data: ReferenceData, facts: AppealFacts, now: datetime) -> tuple[str, RoutingDecision]:
    """Find the area of an appeal as it was when it was filed (section 6), and decide who answers."""
    grid_code = data.area_of(facts.grid_code, facts.longitude, facts.latitude, facts.received_at)
    asked = RoutingFacts(
        type=facts.type,
        category_code=facts.category_code,
        urgency=facts.urgency,
        channel=facts.channel,
        grid_code=grid_code,
        special_care=frozenset(facts.special_care),
        at=now,
    )
    return grid_code, data.route(asked)


def _open(data: ReferenceData, memo: _Memo, appeal_id: UUID, facts: AppealFacts, now: datetime) -> OpenedTicket:
    grid_code, decision = route_facts(data, facts, now)
    ticket = Ticket(
        id=uuid7(),
        appeal_id=appeal_id,
        matter=matter_of(facts, grid_code),
        status=AppealStatus.AWAITING_DISPATCH,
        round=1,
        created_at=now,
        updated_at=now,
    )
    clocks, why_not = _clocks(data, memo, ticket.matter, decision, now)
    if clocks is not None and isinstance(facts, AppealDetached):
        clocks = clocks_since(data, ticket.matter, now, facts.accepted_at, None)
    if clocks is None:
        return _triage(data, ticket, decision, why_not, now)
    department = data.departments[decision.department_code or ""]
    command = Dispatch(department.code, department.name, clocks, decision.explanation)
    (event,) = decide(ticket, command, now)
    record = DecisionRecord.by_rules(ticket.id, decision, at=now, by=ROUTER)
    return OpenedTicket(evolve(ticket, event), event, record, clocks.timers, ROUTER)


def _clocks(
    data: ReferenceData, memo: _Memo, matter: Matter, decision: RoutingDecision, now: datetime
) -> tuple[LegClocks | None, str]:
    """Return the clocks of the department the rules chose, or why a dispatcher must choose instead."""
    department, why_not = chosen_department(data, decision)
    if department is None:
        return None, why_not
    key = (matter.category_code, matter.urgency, matter.mode, matter.can_be_contacted)
    try:
        return memo.get(key, lambda: first_clocks(data, matter, now)), ""
    except (InvalidInput, NotFound) as error:
        return None, f"no due times can be promised: {error.detail}"


def chosen_department(data: ReferenceData, decision: RoutingDecision) -> tuple[Department | None, str]:
    """Return the department the rules chose, or why it cannot be sent there."""
    department = data.departments.get(decision.department_code or "")
    if decision.department_code is None:
        return None, decision.explanation
    if department is None or not department.is_active:
        what = "does not exist" if department is None else "is retired"
        return None, f"rule {decision.rule_id} names department {decision.department_code}, which {what}"
    return department, ""


def _triage(data: ReferenceData, ticket: Ticket, decision: RoutingDecision, reason: str, now: datetime) -> OpenedTicket:
    """Lay it before a dispatcher; T_DISPATCH counts from acceptance (T10)."""
    accepted_at = ticket.matter.accepted_at
    try:
        due_at, plans = dispatch_due(data, ticket.matter, accepted_at)
    except (InvalidInput, NotFound):
        due_at, plans = accepted_at, ()
    event = Triaged(now, reason, due_at, plans)
    record = DecisionRecord.by_rules(ticket.id, decision, at=now, by=ROUTER, explanation=reason)
    return OpenedTicket(evolve(ticket, event), event, record, plans, SYSTEM_ACTOR)


def _plans(opened: Sequence[OpenedTicket]) -> Iterable[tuple[UUID, int, TimerPlan]]:
    return [(each.ticket.id, each.ticket.leg_number, plan) for each in opened for plan in each.timers]
