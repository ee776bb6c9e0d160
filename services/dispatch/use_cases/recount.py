"""Due times that move: after a pause (T5), under another category (T43), for an appeal that was detached (section 8).

A date is counted from where it was first counted from, and it never comes to lie in the past.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.sla import SlaPolicy, TimerRule, after_pause, warnings_of
from services.dispatch.domain.ticket import Dues, Leg, LegClocks, Matter, Pause, Ticket, TimerPlan
from services.dispatch.reference import ReferenceData
from services.dispatch.use_cases.clocks import clocks_after_return, first_clocks, redo_clocks
from shared.vocabulary import TimerLevel, TimerName

_FIRST_ROUND = 1


@dataclass(frozen=True, slots=True)
class Shift:
    """Moves what lay ahead when the clock stopped, each timer in its own unit; what was past stays where it was."""

    calendar: WorkCalendar
    rules: Mapping[TimerName, TimerRule]
    paused_at: datetime
    resumed_at: datetime

    @classmethod
    def of(cls, data: ReferenceData, clocks: LegClocks | None, paused_at: datetime, resumed_at: datetime) -> "Shift":
        """The units are those of the policy that is pinned; without one (an import, a triage) time is elapsed time."""
        policy = None
        if clocks is not None:
            policy = data.policies.get(clocks.policy_code, {}).get(clocks.policy_version)
        return cls(data.calendar(), {} if policy is None else policy.timers, paused_at, max(paused_at, resumed_at))

    @classmethod
    def past(cls, data: ReferenceData, clocks: LegClocks, pause: Pause | None) -> "Shift":
        """The shift of a pause that is over; of none, one that moves nothing."""
        if pause is None or pause.until is None:
            return cls(data.calendar(), {}, clocks.resolve_due_at, clocks.resolve_due_at)
        return cls.of(data, clocks, pause.at, pause.until)

    def moment(self, timer: TimerName, moment: datetime) -> datetime:
        if moment <= self.paused_at or self.resumed_at == self.paused_at:
            return moment
        return after_pause(moment, self.rules.get(timer), self.calendar, self.paused_at, self.resumed_at)

    def optional(self, timer: TimerName, moment: datetime | None) -> datetime | None:
        return None if moment is None else self.moment(timer, moment)

    def plan(self, plan: TimerPlan) -> TimerPlan:
        due_at = self.moment(plan.timer, plan.due_at)
        return replace(plan, fire_at=min(self.moment(plan.timer, plan.fire_at), due_at), due_at=due_at)

    def clocks(self, leg: Leg, clocks: LegClocks) -> LegClocks:
        """What the department has done already keeps the date it was done under."""
        return replace(
            clocks,
            acknowledge_due_at=clocks.acknowledge_due_at
            if leg.acknowledged_at is not None
            else self.optional(TimerName.ACKNOWLEDGE, clocks.acknowledge_due_at),
            contact_due_at=clocks.contact_due_at
            if leg.contacted_at is not None
            else self.optional(TimerName.CONTACT, clocks.contact_due_at),
            return_until=self.optional(TimerName.RETURN, clocks.return_until),
            resolve_due_at=clocks.resolve_due_at
            if leg.resolved_at is not None
            else self.moment(TimerName.RESOLVE, clocks.resolve_due_at),
            timers=tuple(self.plan(plan) for plan in clocks.timers),
        )


def dues_after_pause(data: ReferenceData, ticket: Ticket, waiting: Sequence[TimerPlan], resumed_at: datetime) -> Dues:
    """What remained of every date when papers were asked for, counted from `resumed_at` (trap 7)."""
    if ticket.pause is None:
        raise AssertionError("what is resumed was paused")
    leg = ticket.leg
    shift = Shift.of(data, None if leg is None else leg.clocks, ticket.pause.at, resumed_at)
    return Dues(
        clocks=shift.clocks(leg, leg.clocks) if leg is not None and ticket.has_open_leg else None,
        promised_by=shift.optional(TimerName.RESOLVE, ticket.promised_by),
        dispatch_due_at=shift.optional(TimerName.DISPATCH, ticket.dispatch_due_at),
        review_due_at=shift.optional(TimerName.REVIEW, ticket.review_due_at),
        timers=tuple(shift.plan(plan) for plan in waiting),
    )


def dues_recounted(data: ReferenceData, ticket: Ticket, matter: Matter, round_start: datetime, now: datetime) -> Dues:
    """The dates of a ticket that a department has, under the policy of `matter`, from the original start (T43).

    While papers are awaited "now" is when the clock stopped. What has been done keeps the date it was done under.
    Raises InvalidInput or NotFound when no policy promises anything.
    """
    leg, pause = ticket.leg, ticket.pause
    if leg is None:
        raise AssertionError("only a turn has dates to recount")
    floor = pause.at if pause is not None and pause.until is None else now
    first = first_clocks(data, matter, round_start)
    promised_by = max(Shift.past(data, first, pause).moment(TimerName.RESOLVE, first.resolve_due_at), floor)
    clocks = first
    if leg.round > _FIRST_ROUND:
        clocks = redo_clocks(data, matter, leg.dispatched_at)
    elif leg.dispatched_at > round_start:
        clocks = clocks_after_return(data, matter, leg.dispatched_at, promised_by)
    clocks = _not_before(leg, Shift.past(data, clocks, pause).clocks(leg, clocks), floor)
    plans = tuple(
        replace(plan, fire_at=max(plan.fire_at, floor), due_at=max(plan.due_at, floor)) for plan in clocks.timers
    )
    return Dues(replace(clocks, timers=()), promised_by, timers=plans)


def clocks_since(data: ReferenceData, matter: Matter, now: datetime, since: datetime, pause: Pause | None) -> LegClocks:
    """Clocks of an appeal that was handled with another: the department's own start now, the citizen's at `since`."""
    clocks = first_clocks(data, matter, now)
    policy = data.policy(clocks.policy_code)
    counted = policy.timers[TimerName.RESOLVE].due(data.calendar(), since).due_at
    due_at = max(Shift.past(data, clocks, pause).moment(TimerName.RESOLVE, counted), now)
    others = tuple(plan for plan in clocks.timers if plan.timer is not TimerName.RESOLVE)
    return replace(clocks, resolve_due_at=due_at, timers=(*others, *_rungs(data, policy, since, due_at, now)))


def _not_before(leg: Leg, clocks: LegClocks, floor: datetime) -> LegClocks:
    """Bring dates that would have passed to `floor`; done or over is what keeps its own."""
    old = leg.clocks
    ack_due, contact_due = clocks.acknowledge_due_at, clocks.contact_due_at
    is_window_over = old.return_until is None or old.return_until <= floor
    return replace(
        clocks,
        acknowledge_due_at=_later(ack_due, floor) if leg.acknowledged_at is None else old.acknowledge_due_at,
        contact_due_at=_later(contact_due, floor) if leg.contacted_at is None else old.contact_due_at,
        return_until=old.return_until if is_window_over else _later(clocks.return_until, floor),
        resolve_due_at=max(clocks.resolve_due_at, floor),
    )


def _later(moment: datetime | None, floor: datetime) -> datetime | None:
    return None if moment is None else max(moment, floor)


def _rungs(
    data: ReferenceData, policy: SlaPolicy, since: datetime, due_at: datetime, now: datetime
) -> Iterable[TimerPlan]:
    """The warnings that are still to come, and the breach."""
    for card in warnings_of(policy, data.calendar(), TimerName.RESOLVE, since, due_at):
        if card.at > now and card.level is not TimerLevel.RED_CARD:
            yield TimerPlan(card.timer, card.level, card.at, due_at)
    yield TimerPlan(TimerName.RESOLVE, TimerLevel.RED_CARD, due_at, due_at)
