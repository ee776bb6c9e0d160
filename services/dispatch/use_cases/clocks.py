"""Which clocks a leg gets: from the policy chosen for the ticket and the city's calendar, both pinned by version."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.dispatch.domain.calendar import Period, PeriodUnit
from services.dispatch.domain.sla import Card, SlaPolicy, TimerRule, compute_due_times, due_of, warnings_of
from services.dispatch.domain.ticket import LegClocks, Matter, TimerPlan
from services.dispatch.reference import ReferenceData
from shared.vocabulary import TimerLevel, TimerName

# Where a policy does not say: one working day to review, half a working day to send on (PROP).
_DEFAULT_REVIEW = TimerRule(Period(1, PeriodUnit.WORKING_DAY), warnings=(TimerLevel.RED_CARD,))
_DEFAULT_DISPATCH = TimerRule(Period(4, PeriodUnit.WORKING_HOUR), warnings=(TimerLevel.RED_CARD,))


def first_clocks(data: ReferenceData, matter: Matter, at: datetime) -> LegClocks:
    """Clocks that all start at dispatch (T11, trap 1); also those of a redo, which starts anew (T35)."""
    policy = data.policy_for(matter.category_code, matter.urgency, matter.mode, at)
    calendar = data.calendar()
    due = compute_due_times(policy, calendar, at)
    contact_due_at = due.contact_due_at if matter.can_be_contacted else None
    dues = {
        TimerName.ACKNOWLEDGE: due.acknowledge_due_at,
        TimerName.CONTACT: contact_due_at,
        TimerName.RESOLVE: due.resolve_due_at,
    }
    return LegClocks(
        policy_code=policy.code,
        policy_version=policy.version,
        calendar_code=calendar.code,
        calendar_version=calendar.version,
        acknowledge_due_at=due.acknowledge_due_at,
        contact_due_at=contact_due_at,
        return_until=due.return_until,
        resolve_due_at=due.resolve_due_at,
        provisional=due.provisional,
        timers=_plans(due.warnings, dues),
    )


def clocks_after_return(data: ReferenceData, matter: Matter, at: datetime, promised_by: datetime) -> LegClocks:
    """Clocks of a second department: what is left of the citizen's date, but at least half of the policy (3.4)."""
    clocks = first_clocks(data, matter, at)
    policy, calendar = data.policy(clocks.policy_code), data.calendar()
    resolve_due_at = max(promised_by, _half(policy.timers[TimerName.RESOLVE]).due(calendar, at).due_at)
    if resolve_due_at == clocks.resolve_due_at:
        return clocks
    cards = warnings_of(policy, calendar, TimerName.RESOLVE, at, resolve_due_at)
    others = tuple(plan for plan in clocks.timers if plan.timer is not TimerName.RESOLVE)
    plans = _plans(cards, {TimerName.RESOLVE: resolve_due_at})
    return replace(clocks, resolve_due_at=resolve_due_at, timers=others + plans)


def redo_clocks(data: ReferenceData, matter: Matter, at: datetime) -> LegClocks:
    """A redo goes back to a department that has the matter already: nothing to sign, nothing to return (T35)."""
    clocks = first_clocks(data, matter, at)
    timers = tuple(plan for plan in clocks.timers if plan.timer is not TimerName.ACKNOWLEDGE)
    return replace(clocks, acknowledge_due_at=None, return_until=None, timers=timers)


def review_due(data: ReferenceData, policy_code: str, at: datetime) -> tuple[datetime, tuple[TimerPlan, ...]]:
    """When the hotline must have reviewed what was submitted at `at` (T_REVIEW)."""
    return _single(data, data.newest_policies.get(policy_code), TimerName.REVIEW, at)


def dispatch_due(data: ReferenceData, matter: Matter, at: datetime) -> tuple[datetime, tuple[TimerPlan, ...]]:
    """When a dispatcher must have sent on what waits since `at` (T_DISPATCH)."""
    policy = data.policy_for(matter.category_code, matter.urgency, matter.mode, at)
    return _single(data, policy, TimerName.DISPATCH, at)


def _single(
    data: ReferenceData, policy: SlaPolicy | None, timer: TimerName, at: datetime
) -> tuple[datetime, tuple[TimerPlan, ...]]:
    calendar = data.calendar()
    due = None if policy is None else due_of(policy, calendar, timer, at)
    if due is None:
        default = _DEFAULT_REVIEW if timer is TimerName.REVIEW else _DEFAULT_DISPATCH
        due = default.due(calendar, at)
    return due.due_at, (TimerPlan(timer, TimerLevel.RED_CARD, due.due_at, due.due_at),)


def _plans(cards: Iterable[Card], dues: dict[TimerName, datetime | None]) -> tuple[TimerPlan, ...]:
    """Turn cards into timers; a breach is always told, whether the policy shows a card for it or not."""
    plans = {
        (card.timer, card.level): TimerPlan(card.timer, card.level, card.at, card.due_at)
        for card in cards
        if dues.get(card.timer) is not None
    }
    for timer, due_at in dues.items():
        if due_at is not None:
            plans.setdefault((timer, TimerLevel.RED_CARD), TimerPlan(timer, TimerLevel.RED_CARD, due_at, due_at))
    return tuple(plans.values())


def _half(rule: TimerRule) -> TimerRule:
    """Half of a rule's period, rounded up to its unit; until 24:00 stays until 24:00."""
    if rule.period is None:
        return rule
    return replace(rule, period=replace(rule.period, count=(rule.period.count + 1) // 2))
