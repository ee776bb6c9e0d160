"""The closing table counts what it says: each share has its own base, and due times are exclusive."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy.city.build_boston import boston_calendar
from deploy.demo.compare import RoutedTicket, Share, compare, drawn_at, flags_recomputed, is_on_time
from deploy.demo.learn import Observation, learn
from deploy.demo.requests import CityRequest
from deploy.importing.rows import PastRequest
from services.dispatch.domain.sla_document import policy_from_document
from shared.vocabulary import AppealType, Channel

CALENDAR = boston_calendar()
OPENED = datetime(2015, 7, 6, 14, 0, tzinfo=UTC)  # a Monday, 10:00 in Boston
DUE = datetime(2015, 7, 7, 14, 0, tzinfo=UTC)
POLICIES = {
    "WD1": policy_from_document(
        {"code": "WD1", "name": "1 working day", "timers": {"T_RESOLVE": "1 elapsed_working_day"}}
    )
}
LEARNED = learn([Observation("0101", "1", "A")] * 3 + [Observation("0101", "2", "B")])
AS_OF = OPENED + timedelta(days=30)


def request(
    *, department: str = "A", area: str | None = "1", on_time: bool | None = True, due: datetime | None = DUE
) -> CityRequest:
    past = PastRequest(
        line=2,
        system="s",
        external_id="1",
        type=AppealType.HELP,
        channel=Channel.PHONE,
        category_code="0101",
        department_code=department,
        grid_code=area,
        opened_at=OPENED,
        due_at=due,
        resolved_at=None,
        closed_at=OPENED + timedelta(hours=1),
        longitude=None,
        latitude=None,
        title="",
    )
    return CityRequest(past, on_time, {})


def ticket(department: str | None = "A", *, off_by: timedelta = timedelta(0)) -> RoutedTicket:
    at = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    if department is None:
        return RoutedTicket(None, None, None, None)
    return RoutedTicket(department, "WD1", at, at + timedelta(days=1) + off_by)


def test_routing_is_counted_by_type_alone_and_as_dispatched() -> None:
    pairs = [
        (request(department="A", area="1"), ticket("A")),
        (request(department="B", area="2"), ticket("B")),
        (request(department="C", area=None), ticket("A")),
    ]

    found = compare(pairs, LEARNED, POLICIES, CALENDAR, AS_OF)

    assert found.by_type == Share(1, 3)
    assert found.by_type_and_area == Share(2, 3)
    assert found.as_predicted == Share(3, 3)


def test_a_ticket_that_does_not_follow_the_rules_shows() -> None:
    found = compare([(request(), ticket("B")), (request(), ticket(None))], LEARNED, POLICIES, CALENDAR, AS_OF)

    assert found.as_predicted == Share(0, 2)
    assert found.to_triage == 1


@pytest.mark.parametrize(
    ("city_due", "equal", "same_day"),
    [
        (DUE, 1, 1),
        (DUE + timedelta(seconds=119), 1, 1),
        (DUE + timedelta(minutes=3), 0, 1),
        (DUE + timedelta(days=1), 0, 0),
    ],
)
def test_due_times_are_counted_from_the_opening_and_compared_to_two_minutes(
    city_due: datetime, equal: int, same_day: int
) -> None:
    found = compare([(request(due=city_due), ticket())], LEARNED, POLICIES, CALENDAR, AS_OF)

    assert found.due_equal == Share(equal, 1)
    assert found.due_same_day == Share(same_day, 1)


def test_requests_without_a_due_time_are_not_in_the_base() -> None:
    found = compare([(request(due=None), ticket())], LEARNED, POLICIES, CALENDAR, AS_OF)

    assert found.due_equal == Share(0, 0)
    assert found.due_equal.rate is None
    assert str(found.due_equal) == "none"


def test_a_ticket_whose_due_time_is_not_its_policys_shows() -> None:
    found = compare(
        [(request(), ticket()), (request(), ticket(off_by=timedelta(seconds=1)))], LEARNED, POLICIES, CALENDAR, AS_OF
    )

    assert found.due_by_policy == Share(1, 2)


def test_on_time_is_before_the_due_time_and_open_requests_are_judged_when_the_file_was_drawn() -> None:
    assert is_on_time(DUE - timedelta(microseconds=1), DUE, AS_OF)
    assert not is_on_time(DUE, DUE, AS_OF)
    assert not is_on_time(None, DUE, AS_OF)
    assert is_on_time(None, AS_OF + timedelta(days=1), AS_OF)


def test_flags_are_recomputed_from_the_citys_own_times() -> None:
    late = request(on_time=False)
    late = replace(late, past=replace(late.past, closed_at=DUE))

    assert flags_recomputed([request(), late, request(on_time=False), request(on_time=None)], AS_OF) == Share(2, 3)
    assert drawn_at([request(), late]) == DUE
