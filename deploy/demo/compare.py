"""Holds what the system did against what the city recorded. Pure: figures in, table out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.city.due_periods import TOLERANCE
from deploy.demo.learn import Learned
from deploy.demo.requests import CityRequest
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.sla import SlaPolicy
from shared.vocabulary import TimerName

# Microseconds are cut when a time travels as text; a due time is otherwise a pure function of its start.
STORAGE_PRECISION = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Share:
    """Numerator and denominator; an empty base has no rate."""

    hits: int
    base: int

    @property
    def rate(self) -> float | None:
        return self.hits / self.base if self.base else None

    def __str__(self) -> str:
        return "none" if self.rate is None else f"{self.hits:,} of {self.base:,} ({100 * self.rate:.1f} %)"


@dataclass(frozen=True, slots=True)
class RoutedTicket:
    """What the running dispatcher made of one request."""

    department_code: str | None
    policy_code: str | None
    dispatched_at: datetime | None
    resolve_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of the closing table."""

    by_type: Share
    by_type_and_area: Share
    as_predicted: Share
    to_triage: int
    due_equal: Share
    due_same_day: Share
    due_by_policy: Share
    city_on_time: Share
    our_on_time: Share
    flag_recomputed: Share


def compare(
    pairs: Sequence[tuple[CityRequest, RoutedTicket]],
    learned: Learned,
    policies: Mapping[str, SlaPolicy],
    calendar: WorkCalendar,
    as_of: datetime,
) -> Comparison:
    """`pairs` are the requests that were sent, each with its ticket; `as_of` is when the city's file was drawn."""
    due = [(request, _due_from_opening(request, ticket, policies, calendar)) for request, ticket in pairs]
    compared = [(request, ours) for request, ours in due if ours is not None and request.past.due_at is not None]
    counted = [(request, ours) for request, ours in compared if request.counted]
    dispatched = [ticket for _, ticket in pairs if ticket.dispatched_at is not None]
    return Comparison(
        by_type=_share(
            (learned.by_type_alone(each.past.category_code) == each.past.department_code for each, _ in pairs)
        ),
        by_type_and_area=_share(ticket.department_code == each.past.department_code for each, ticket in pairs),
        as_predicted=_share(
            ticket.department_code == learned.by_type_and_area(each.past.category_code, each.past.grid_code)
            for each, ticket in pairs
        ),
        to_triage=sum(ticket.department_code is None for _, ticket in pairs),
        due_equal=_share(_is_equal(each.past.due_at, ours) for each, ours in compared),
        due_same_day=_share(_is_same_day(each.past.due_at, ours, calendar) for each, ours in compared),
        due_by_policy=_share(_follows_policy(ticket, policies, calendar) for ticket in dispatched),
        city_on_time=_share(each.on_time is True for each, _ in counted),
        our_on_time=_share(is_on_time(each.past.closed_at, ours, as_of) for each, ours in counted),
        flag_recomputed=flags_recomputed((each for each, _ in counted), as_of),
    )


def is_on_time(closed_at: datetime | None, due_at: datetime, as_of: datetime) -> bool:
    """On time is before the due time, which is exclusive; what is still open is judged at `as_of`."""
    return (closed_at or as_of) < due_at


def flags_recomputed(requests: Iterable[CityRequest], as_of: datetime) -> Share:
    """How many of the city's own flags follow from its own due and closing times."""
    return _share(
        is_on_time(each.past.closed_at, each.past.due_at, as_of) == each.on_time
        for each in requests
        if each.past.due_at is not None and each.on_time is not None
    )


def drawn_at(requests: Iterable[CityRequest]) -> datetime:
    """When the city's file was drawn: not recorded, so the latest closing in it."""
    return max(each.past.closed_at or each.past.opened_at for each in requests)


def _share(hits: Iterable[bool]) -> Share:
    found = list(hits)
    return Share(sum(found), len(found))


def _due_from_opening(
    request: CityRequest, ticket: RoutedTicket, policies: Mapping[str, SlaPolicy], calendar: WorkCalendar
) -> datetime | None:
    """When the policy that the dispatcher pinned falls due, counted from when the request was opened at the city."""
    if ticket.policy_code is None:
        return None
    return policies[ticket.policy_code].timers[TimerName.RESOLVE].due(calendar, request.past.opened_at).due_at


def _is_equal(city: datetime | None, ours: datetime) -> bool:
    """Equal to within the two minutes by which the city's own clocks differ."""
    return city is not None and abs(city - ours) <= TOLERANCE


def _is_same_day(city: datetime | None, ours: datetime, calendar: WorkCalendar) -> bool:
    return city is not None and calendar.local_date(city) == calendar.local_date(ours)


def _follows_policy(ticket: RoutedTicket, policies: Mapping[str, SlaPolicy], calendar: WorkCalendar) -> bool:
    """Whether the due time on the ticket is its policy counted from its dispatch (T11)."""
    if ticket.policy_code is None or ticket.dispatched_at is None or ticket.resolve_due_at is None:
        return False
    due = policies[ticket.policy_code].timers[TimerName.RESOLVE].due(calendar, ticket.dispatched_at).due_at
    return abs(due - ticket.resolve_due_at) <= STORAGE_PRECISION
