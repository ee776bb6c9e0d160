"""SLA policies (domain 3.2): what is promised, in which units, counted from where, and when somebody is warned.

A ticket pins the version of its policy and of its calendar; due times are a pure function of both and of the start.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.dispatch.domain.calendar import Due, Period, PeriodUnit, WorkCalendar
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import HandlingMode, TimerLevel, TimerName, Urgency

GENERAL_POLICY = "G5D"
POLICY_OF_URGENCY: Mapping[Urgency, str] = {
    Urgency.P1: "U2H",
    Urgency.P2: "L24",
    Urgency.P3: GENERAL_POLICY,
    Urgency.P4: "X15D",
}
# A matter that is dispatched is no longer answered at once or explained away: those two modes then keep the
# category's policy. Committed and supplement have none of their own.
POLICY_OF_MODE: Mapping[HandlingMode, str] = {HandlingMode.ESCALATED: "UP3D"}
LADDER = (TimerLevel.NOTICE, TimerLevel.YELLOW_CARD, TimerLevel.RED_CARD)
_HANDLING_TIMERS = (
    TimerName.ACCEPT,
    TimerName.DISPATCH,
    TimerName.ACKNOWLEDGE,
    TimerName.CONTACT,
    TimerName.RESOLVE,
    TimerName.RETURN,
)


class Anchor(StrEnum):
    """The moment a period is counted from."""

    DISPATCH = "dispatch"
    APPROVAL = "approval"
    REPORT_UP = "report_up"


@dataclass(frozen=True, slots=True)
class TimerRule:
    """How long one timer runs: a period, or until 24:00 of the same day; and which cards it shows on the way."""

    period: Period | None = None
    same_day_end: bool = False
    statutory: bool = False
    warnings: tuple[TimerLevel, ...] = ()

    def __post_init__(self) -> None:
        if (self.period is None) is not self.same_day_end:
            raise InvalidInput(
                "A timer runs for a period or until the end of the same day",
                [FieldProblem("/period", "exactly one of period and same_day_end must be given")],
            )
        unknown = [level for level in self.warnings if level not in LADDER]
        if unknown or len(set(self.warnings)) != len(self.warnings):
            raise InvalidInput(
                "A timer can show each of L0, L1 and L2 once",
                [FieldProblem("/warnings", "unknown or repeated level", [level.value for level in LADDER])],
            )

    def due(self, calendar: WorkCalendar, start: datetime) -> Due:
        if self.period is None:
            return calendar.end_of_same_day(start)
        return calendar.add(start, self.period)

    @property
    def is_working_time(self) -> bool:
        return self.period is not None and not self.period.is_natural and not self.period.roll


@dataclass(frozen=True, slots=True)
class Milestone:
    """A promise beside the result: an interim reply, a report to the superior, the reply after approval (LZ-12)."""

    period: Period
    anchor: Anchor = Anchor.DISPATCH


@dataclass(frozen=True, slots=True)
class Extension:
    """How often and by how much a result may be put off, from the old due date (trap 9)."""

    period: Period
    times: int = 1
    by_head_times: int = 0


@dataclass(frozen=True, slots=True)
class SlaPolicy:
    """One version of one policy.

    `natural_clock`: around the clock, never the working calendar (P1, P2; trap 5). `law_wins`: beats every stricter
    policy (STAT, trap 35). `pause_reasons` is empty where the clock may never be paused; `*` allows each reason of 3.5.
    """

    code: str
    version: int
    timers: Mapping[TimerName, TimerRule]
    name: str = ""
    name_en: str = ""
    extension: Extension | None = None
    pause_reasons: frozenset[str] = frozenset()
    natural_clock: bool = False
    law_wins: bool = False
    milestones: Mapping[str, Milestone] = field(default_factory=dict)
    basis: str = ""

    def __post_init__(self) -> None:
        problems = list(_policy_problems(self))
        if problems:
            raise InvalidInput(f"SLA policy {self.code} is not valid", problems)

    @property
    def pausable(self) -> bool:
        return bool(self.pause_reasons)


def _policy_problems(policy: SlaPolicy) -> Iterable[FieldProblem]:
    if TimerName.RESOLVE not in policy.timers:
        yield FieldProblem(f"/timers/{TimerName.RESOLVE}", "every policy promises a result")
    for name, rule in policy.timers.items():
        on_calendar = rule.period is not None and not rule.period.is_natural
        if policy.natural_clock and name in _HANDLING_TIMERS and on_calendar:
            yield FieldProblem(f"/timers/{name}", "a policy on the natural clock cannot count working time")
        if rule.statutory and not policy.law_wins:
            yield FieldProblem(f"/timers/{name}/statutory", "only a policy whose law wins has a statutory date")
    if policy.natural_clock and policy.pausable:
        yield FieldProblem("/pause_reasons", "P1 and P2 are never paused")


# --- selection ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """What decides which policy a ticket gets; the category's own defaults say what its policy was written for."""

    urgency: Urgency
    mode: HandlingMode
    category_policy: str | None = None
    category_urgency: Urgency | None = None


def select_policy(
    policies: Mapping[str, SlaPolicy], request: PolicyRequest, calendar: WorkCalendar, at: datetime
) -> SlaPolicy:
    """Choose the policy: category, urgency and mode each propose one, the stricter wins, a statutory one wins over all.

    Stricter is what falls due first when it starts at `at`: units are never converted to compare them (trap 2). The
    urgency proposes only when it differs from the one the category's policy was made for. Ties go to the category.
    Raises InvalidInput when no proposed policy exists.
    """
    proposed = [policies[code] for code in _proposals(request) if code in policies]
    if not proposed:
        raise InvalidInput(
            f"No SLA policy for urgency {request.urgency} and category policy {request.category_policy}",
            [FieldProblem("/policy_code", "no such policy", sorted(policies)[:50])],
        )
    for policy in proposed:
        if policy.law_wins:
            return policy
    if len(proposed) == 1:
        return proposed[0]
    return min(proposed, key=lambda policy: _strictness(policy, calendar, at))


def _proposals(request: PolicyRequest) -> Iterable[str]:
    if request.category_policy is not None:
        yield request.category_policy
    if request.category_policy is None or request.urgency is not request.category_urgency:
        yield POLICY_OF_URGENCY[request.urgency]
    if request.mode in POLICY_OF_MODE:
        yield POLICY_OF_MODE[request.mode]


def _strictness(policy: SlaPolicy, calendar: WorkCalendar, at: datetime) -> tuple[datetime, datetime]:
    """First obligation, then result: a policy that must report up within 2 days is stricter than 5 days to answer."""
    result = policy.timers[TimerName.RESOLVE].due(calendar, at).due_at
    first = [
        calendar.add(at, milestone.period).due_at
        for milestone in policy.milestones.values()
        if milestone.anchor is Anchor.DISPATCH
    ]
    return min([result, *first]), result


# --- due times ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """A rung of the ladder (3.6) to be fired for one timer at one instant."""

    timer: TimerName
    level: TimerLevel
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DueTimes:
    """What a ticket promises from one dispatch: exclusive UTC instants; None where the policy has no such timer."""

    resolve_due_at: datetime
    acknowledge_due_at: datetime | None
    contact_due_at: datetime | None
    return_until: datetime | None
    dispatch_due_at: datetime | None
    milestones: Mapping[str, datetime]
    warnings: tuple[Card, ...]
    provisional: bool


def compute_due_times(
    policy: SlaPolicy,
    calendar: WorkCalendar,
    dispatched_at: datetime,
    accepted_at: datetime | None = None,
    *,
    statutory_due_at: datetime | None = None,
) -> DueTimes:
    """Count T_SIGN, T_CONTACT, T_RESOLVE and T_RETURN from dispatch (T11, trap 1) and T_DISPATCH from acceptance.

    `statutory_due_at` replaces the result date of a policy whose law wins; its interim reply stays due (trap 35).
    """
    dues: dict[TimerName, Due] = {}
    warnings: list[Card] = []
    for name in (TimerName.ACKNOWLEDGE, TimerName.CONTACT, TimerName.RESOLVE, TimerName.RETURN):
        rule = policy.timers.get(name)
        if rule is None:
            continue
        due = rule.due(calendar, dispatched_at)
        if rule.statutory and statutory_due_at is not None:
            due = Due(statutory_due_at)
        dues[name] = due
        warnings.extend(warnings_of(policy, calendar, name, dispatched_at, due.due_at))
    milestones = {
        name: calendar.add(dispatched_at, milestone.period)
        for name, milestone in policy.milestones.items()
        if milestone.anchor is Anchor.DISPATCH
    }
    dispatch_rule = policy.timers.get(TimerName.DISPATCH)
    return DueTimes(
        resolve_due_at=dues[TimerName.RESOLVE].due_at,
        acknowledge_due_at=_moment(dues.get(TimerName.ACKNOWLEDGE)),
        contact_due_at=_moment(dues.get(TimerName.CONTACT)),
        return_until=_moment(dues.get(TimerName.RETURN)),
        dispatch_due_at=dispatch_rule.due(calendar, accepted_at).due_at if dispatch_rule and accepted_at else None,
        milestones={name: due.due_at for name, due in milestones.items()},
        warnings=tuple(sorted(warnings, key=lambda warning: (warning.at, warning.level, warning.timer))),
        provisional=any(due.provisional for due in (*dues.values(), *milestones.values())),
    )


def due_of(policy: SlaPolicy, calendar: WorkCalendar, timer: TimerName, start: datetime) -> Due | None:
    """When a timer that starts later (T_REVIEW at submission, T_CALLBACK at review) runs out; None without one."""
    rule = policy.timers.get(timer)
    return None if rule is None else rule.due(calendar, start)


def warnings_of(
    policy: SlaPolicy, calendar: WorkCalendar, timer: TimerName, start: datetime, due_at: datetime
) -> tuple[Card, ...]:
    """The rungs of one timer: L0 at half; L1 a working day before, or at half if that is past or natural; L2 at due."""
    rule = policy.timers[timer]
    found = []
    for level in rule.warnings:
        if level is TimerLevel.RED_CARD:
            at = due_at
        elif level is TimerLevel.NOTICE or policy.natural_clock:
            at = half_way(rule, calendar, start, due_at)
        else:
            at = calendar.subtract_working_days(due_at, 1)
            if at <= start:
                at = half_way(rule, calendar, start, due_at)
        found.append(Card(timer, level, at, due_at))
    return tuple(found)


def after_pause(
    moment: datetime, rule: TimerRule | None, calendar: WorkCalendar, paused_at: datetime, resumed_at: datetime
) -> datetime:
    """When a moment that lay ahead at `paused_at` comes, now that the clock went on at `resumed_at` (T5, T29, trap 7).

    What remained is kept in the timer's own unit (trap 2): workdays where it counts those, business hours where it
    counts those, else elapsed time.
    """
    period = None if rule is None else rule.period
    if period is None or period.is_natural or period.roll:
        return resumed_at + (moment - paused_at)
    if period.unit is not PeriodUnit.WORKING_DAY:
        return calendar.add_working_time(resumed_at, calendar.working_time_between(paused_at, moment))
    later = calendar.add_working_days(moment, calendar.workdays_between(paused_at, resumed_at))
    while later <= resumed_at:
        later = calendar.add_working_days(later, 1)
    return later


def half_way(rule: TimerRule, calendar: WorkCalendar, start: datetime, due_at: datetime) -> datetime:
    """When half of the time is used: of the business hours where the timer counts those, else of the elapsed time."""
    if rule.is_working_time:
        half = calendar.working_time_between(start, due_at) / 2
        if half > timedelta(0):
            return calendar.add_working_time(start, half)
    return start + (due_at - start) / 2


def _moment(due: Due | None) -> datetime | None:
    return None if due is None else due.due_at
