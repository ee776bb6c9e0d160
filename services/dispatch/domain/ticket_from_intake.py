"""What intake says of an appeal after it was accepted, done to its ticket: called back, paused, attached, changed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from services.dispatch.domain import ticket_events as facts
from services.dispatch.domain import ticket_moves as moves
from services.dispatch.domain.ticket import Classification, Leg, LegOutcome, Matter, Pause, Ticket
from services.dispatch.domain.ticket_events import Event, IntakeEvent
from services.dispatch.domain.ticket_moves import IntakeCommand
from shared.vocabulary import AppealStatus as S
from shared.vocabulary import AppealType


def classification_of(matter: Matter) -> Classification:
    """Return what T43 may change of a matter."""
    return Classification(
        matter.category_code,
        matter.category_name,
        matter.urgency,
        matter.mode,
        matter.title,
        matter.confidential,
        matter.type,
    )


def reclassified(matter: Matter, classification: Classification) -> Matter:
    """Return the matter under another classification; of what has become a report no words of the citizen stay."""
    becomes_report = classification.type is AppealType.REPORT
    return replace(
        matter,
        type=classification.type or matter.type,
        description="" if becomes_report else matter.description,
        place="" if becomes_report else matter.place,
        category_code=classification.category_code,
        category_name=classification.category_name,
        urgency=classification.urgency,
        mode=classification.mode,
        title=classification.title,
        confidential=classification.confidential,
    )


# --- deciding -------------------------------------------------------------------------------------------------


def decide_for_intake(ticket: Ticket, command: IntakeCommand, now: datetime) -> list[Event]:
    """Return what a legal command causes at `now`."""
    match command:
        case moves.Resume():
            return _decide_resumption(ticket, command, now)
        case moves.CallBack():
            return [facts.CalledBack(now, command.status, command.rule, command.reason, command.ended_at)]
        case moves.StopForPapers():
            return [facts.Paused(now, command.paused_at, command.due_at, _remaining(ticket, command.paused_at))]
        case moves.Attach():
            return [facts.Attached(now, command.master_appeal_id)]
        case moves.Detach():
            return [facts.Detached(now, command.matter, ticket.master_appeal_id)]
        case moves.Triage():
            return [facts.Triaged(now, command.reason, command.dispatch_due_at, command.timers)]
        case moves.Recategorize():
            return [_decide_change(ticket, command, now)]
        case _:
            return [_decide_mark(command, now)]


def _decide_mark(command: moves.Urge | moves.RaiseGroupRisk | moves.CountMembers | moves.Note, now: datetime) -> Event:
    """What leaves a mark and moves nothing."""
    match command:
        case moves.Urge():
            return facts.Urged(now, command.count, command.channel)
        case moves.RaiseGroupRisk():
            return facts.GroupRiskRaised(now, command.reason, command.households, command.persons, command.appeals)
        case moves.CountMembers():
            return facts.MembersCounted(now, command.members, command.reason)
        case moves.Note():
            return facts.Noted(now, command.reason)
        case _:
            assert_never(command)


def _decide_resumption(ticket: Ticket, command: moves.Resume, now: datetime) -> list[Event]:
    """T_SIGN may have run out in the moment before the pause, unseen by anybody: then T16 is made up for."""
    resumed: list[Event] = [facts.Resumed(now, command.resumed_at, command.dues)]
    pause, leg = ticket.pause, ticket.leg
    if pause is not None and pause.from_status is S.AWAITING_ACKNOWLEDGEMENT and leg is not None and leg.late_sign:
        resumed.append(facts.Acknowledged(now, automatic=True, late=True))
    return resumed


def _decide_change(ticket: Ticket, command: moves.Recategorize, now: datetime) -> Event:
    clocks = ticket.leg.clocks if ticket.leg is not None and command.dues is not None else None
    return facts.Recategorized(
        now,
        before=classification_of(ticket.matter),
        classification=command.classification,
        previous_policy=None if clocks is None else f"{clocks.policy_code}@{clocks.policy_version}",
        previous_calendar=None if clocks is None else f"{clocks.calendar_code}@{clocks.calendar_version}",
        dues=command.dues,
    )


def _remaining(ticket: Ticket, at: datetime) -> dict[str, int]:
    """What is left until each date that is still ahead and still means something, in seconds."""
    dates: dict[str, datetime | None] = {"promised_by": ticket.promised_by}
    if ticket.status is S.AWAITING_DISPATCH:
        dates["dispatch_due_at"] = ticket.dispatch_due_at
    if ticket.status is S.UNDER_REVIEW:
        dates["review_due_at"] = ticket.review_due_at
    leg = ticket.leg
    if leg is not None and leg.ended_at is None:
        dates["acknowledge_due_at"] = leg.clocks.acknowledge_due_at if leg.acknowledged_at is None else None
        dates["contact_due_at"] = leg.clocks.contact_due_at if leg.contacted_at is None else None
        dates["resolve_due_at"] = leg.clocks.resolve_due_at if leg.resolved_at is None else None
    left = {name: due_at - at for name, due_at in dates.items() if due_at is not None}
    return {name: int(span.total_seconds()) for name, span in left.items() if span > timedelta(0)}


# --- evolving -------------------------------------------------------------------------------------------------


def evolve_for_intake(ticket: Ticket, event: IntakeEvent) -> Ticket:
    """Return the ticket after `event`."""
    match event:
        case facts.CalledBack():
            leg = _ended(ticket.leg, event.at, LegOutcome.CALLED_BACK)
            return replace(ticket, status=event.status, closed_at=event.ended_at, pull_pending=False, leg=leg)
        case facts.Paused():
            pause = Pause(event.paused_at, ticket.status, ticket.pull_pending)
            return replace(ticket, status=S.SUPPLEMENTING, pause=pause, pull_pending=False)
        case facts.Resumed():
            return _resumed(ticket, event)
        case facts.Attached():
            leg = _ended(ticket.leg, event.at, LegOutcome.ATTACHED)
            return replace(
                ticket, status=S.ATTACHED, master_appeal_id=event.master_appeal_id, pull_pending=False, leg=leg
            )
        case facts.Detached():
            return replace(
                ticket,
                status=S.AWAITING_DISPATCH,
                master_appeal_id=None,
                matter=event.matter,
                department_code=None,
                department_name=None,
                promised_by=None,
                review_due_at=None,
                needs_consultation=False,
            )
        case facts.Recategorized():
            return _recategorized(ticket, event)
        case _:
            return _marked(ticket, event)


def _marked(ticket: Ticket, event: facts.Urged | facts.GroupRiskRaised | facts.MembersCounted | facts.Noted) -> Ticket:
    match event:
        case facts.Urged():
            return replace(ticket, urges=max(ticket.urges, event.count))
        case facts.GroupRiskRaised():
            return replace(ticket, group_risk=True)
        case facts.MembersCounted():
            return replace(ticket, members=event.members)
        case facts.Noted():
            return ticket
        case _:
            assert_never(event)


def _resumed(ticket: Ticket, event: facts.Resumed) -> Ticket:
    pause, dues, leg = ticket.pause, event.dues, ticket.leg
    if pause is None:
        raise AssertionError("what is resumed was paused")
    if leg is not None and dues.clocks is not None:
        leg = replace(leg, clocks=dues.clocks)
    return replace(
        ticket,
        status=pause.from_status,
        pause=replace(pause, until=event.resumed_at),
        pull_pending=pause.offered,
        leg=leg,
        promised_by=dues.promised_by,
        dispatch_due_at=dues.dispatch_due_at,
        review_due_at=dues.review_due_at,
    )


def _recategorized(ticket: Ticket, event: facts.Recategorized) -> Ticket:
    changed = replace(ticket, matter=reclassified(ticket.matter, event.classification))
    if event.dues is None or ticket.leg is None or event.dues.clocks is None:
        return changed
    leg = replace(ticket.leg, clocks=event.dues.clocks)
    return replace(changed, leg=leg, promised_by=event.dues.promised_by)


def _ended(leg: Leg | None, at: datetime, outcome: LegOutcome) -> Leg | None:
    """A turn that is over stays as it ended."""
    return leg if leg is None or leg.ended_at is not None else replace(leg, ended_at=at, outcome=outcome)
