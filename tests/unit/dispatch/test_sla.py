"""SLA policies (section 3): the default table, which policy is chosen, and every due time from dispatch."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.defaults import default_policies
from services.dispatch.domain.calendar import Period
from services.dispatch.domain.sla import (
    Anchor,
    PolicyRequest,
    SlaPolicy,
    TimerRule,
    after_pause,
    compute_due_times,
    due_of,
    select_policy,
)
from services.dispatch.domain.sla_document import policy_from_document, policy_to_document
from shared.errors import InvalidInput
from shared.vocabulary import HandlingMode, TimerLevel, TimerName, Urgency
from tests.support.registry import SHANGHAI, chinese_calendar

CHINA = chinese_calendar()
POLICIES = {policy.code: policy for policy in default_policies()}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


FRIDAY = local("2026-09-18T16:00")


def chosen(
    urgency: Urgency,
    mode: HandlingMode = HandlingMode.COMMITTED,
    *,
    policy: str | None = None,
    made_for: Urgency | None = None,
    at: datetime = FRIDAY,
) -> str:
    return select_policy(POLICIES, PolicyRequest(urgency, mode, policy, made_for), CHINA, at).code


# --- the default table ----------------------------------------------------------------------------------------------

# code: (T_ACCEPT, T_DISPATCH, T_SIGN, T_CONTACT, T_RESOLVE) of section 3.2
TABLE = {
    "IMM": (None, None, None, None, "same day"),
    "U2H": ("5 minute", "5 minute", "15 minute", "30 minute", "2 hour"),
    "L24": ("15 minute", "15 minute", "1 hour", "2 hour", "24 hour"),
    "UM4H": ("2 hour", "1 hour", "1 working_hour", None, "4 working_hour"),
    "UM1D": ("2 hour", "1 hour", "2 working_hour", None, "1 working_day"),
    "C1D": ("2 hour", "2 working_hour", "4 working_hour", None, "1 working_day"),
    "G5D": ("2 hour", "4 working_hour", "1 working_day", "1 working_day", "5 working_day"),
    "X15D": ("2 hour", "1 working_day", "1 working_day", "1 working_day", "15 working_day"),
    "UP3D": ("2 hour", "1 working_day", "1 working_day", "1 working_day", "30 working_day"),
    "REF": ("1 working_day", None, None, None, "1 working_day"),
    "STAT": ("2 hour", "1 working_day", "1 working_day", "1 working_day", "60 day roll"),
    "PET": ("2 hour", "1 working_day", "1 working_day", "1 working_day", "60 day roll"),
}
COLUMNS = (TimerName.ACCEPT, TimerName.DISPATCH, TimerName.ACKNOWLEDGE, TimerName.CONTACT, TimerName.RESOLVE)


def written(rule: TimerRule | None) -> str | None:
    if rule is None:
        return None
    return "same day" if rule.same_day_end else str(rule.period)


def test_there_are_the_twelve_policies_of_the_specification() -> None:
    assert {
        code: tuple(written(policy.timers.get(name)) for name in COLUMNS) for code, policy in POLICIES.items()
    } == TABLE


@pytest.mark.parametrize("code", ["IMM", "U2H", "L24", "REF", "UP3D", "UM4H", "UM1D"])
def test_policies_that_may_not_be_extended(code: str) -> None:
    assert POLICIES[code].extension is None


@pytest.mark.parametrize(("code", "period"), [("C1D", "2"), ("G5D", "5"), ("X15D", "7")])
def test_policies_that_may_be_extended_once(code: str, period: str) -> None:
    extension = POLICIES[code].extension
    assert extension is not None
    assert (str(extension.period), extension.times) == (f"{period} working_day", 1)


def test_danger_is_never_paused() -> None:
    assert not POLICIES["U2H"].pausable
    assert not POLICIES["L24"].pausable
    assert POLICIES["G5D"].pausable


@pytest.mark.parametrize("code", sorted(TABLE))
def test_a_policy_reads_back_as_written(code: str) -> None:
    assert policy_from_document(policy_to_document(POLICIES[code])) == POLICIES[code]


# --- choosing -------------------------------------------------------------------------------------------------------


def test_a_category_keeps_its_policy_at_the_urgency_it_was_made_for() -> None:
    assert chosen(Urgency.P3, policy="UM1D", made_for=Urgency.P3) == "UM1D"
    assert chosen(Urgency.P4, policy="PET", made_for=Urgency.P4) == "PET"


def test_raised_urgency_makes_it_stricter() -> None:
    assert chosen(Urgency.P1, policy="G5D", made_for=Urgency.P3) == "U2H"
    assert chosen(Urgency.P2, policy="X15D", made_for=Urgency.P4) == "L24"


def test_lowered_urgency_never_makes_it_laxer() -> None:
    assert chosen(Urgency.P4, policy="U2H", made_for=Urgency.P1) == "U2H"


def test_without_a_category_policy_the_urgency_decides() -> None:
    assert [chosen(urgency) for urgency in Urgency] == ["U2H", "L24", "G5D", "X15D"]


def test_the_law_wins_over_every_stricter_policy() -> None:
    assert chosen(Urgency.P1, policy="STAT", made_for=Urgency.P4) == "STAT"


def test_a_matter_for_the_superior_is_to_be_reported_up_sooner_than_answered() -> None:
    assert chosen(Urgency.P3, HandlingMode.ESCALATED, policy="G5D", made_for=Urgency.P3) == "UP3D"
    assert chosen(Urgency.P1, HandlingMode.ESCALATED, policy="U2H", made_for=Urgency.P1) == "U2H"


def test_what_was_not_answered_at_once_has_the_policy_of_its_category() -> None:
    assert chosen(Urgency.P3, HandlingMode.IMMEDIATE, policy="C1D", made_for=Urgency.P3) == "C1D"


def test_stricter_is_what_is_due_first_from_that_moment_on() -> None:
    """On a Friday evening 24 hours are over before 4 working hours have begun; on a Monday morning they are not."""
    friday, monday = local("2026-03-06T17:30"), local("2026-03-09T08:30")
    assert chosen(Urgency.P2, policy="UM4H", made_for=Urgency.P3, at=friday) == "L24"
    assert chosen(Urgency.P2, policy="UM4H", made_for=Urgency.P3, at=monday) == "UM4H"


def test_no_policy_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput):
        select_policy({}, PolicyRequest(Urgency.P3, HandlingMode.COMMITTED), CHINA, FRIDAY)


@given(st.sampled_from(list(Urgency)), st.sampled_from(list(HandlingMode)), st.sampled_from([None, *sorted(TABLE)]))
def test_raising_the_urgency_never_postpones_the_result(
    urgency: Urgency, mode: HandlingMode, policy: str | None
) -> None:
    def due(at_urgency: Urgency) -> datetime:
        request = PolicyRequest(at_urgency, mode, policy, Urgency.P4)
        found = select_policy(POLICIES, request, CHINA, FRIDAY)
        return compute_due_times(found, CHINA, FRIDAY).resolve_due_at

    if mode is not HandlingMode.ESCALATED and policy is not None:
        assert due(urgency) <= due(Urgency.P4)


# --- due times ------------------------------------------------------------------------------------------------------


def test_every_leg_clock_starts_at_dispatch() -> None:
    times = compute_due_times(POLICIES["G5D"], CHINA, FRIDAY, FRIDAY - timedelta(days=3))
    assert times.acknowledge_due_at == local("2026-09-21")
    assert times.contact_due_at == local("2026-09-21")
    assert times.resolve_due_at == local("2026-09-25")
    assert times.return_until == local("2026-09-20T10:30")
    assert not times.provisional


def test_the_time_to_dispatch_starts_at_acceptance() -> None:
    times = compute_due_times(POLICIES["G5D"], CHINA, FRIDAY, local("2026-09-17T16:00"))
    assert times.dispatch_due_at == local("2026-09-18T10:30")


def test_danger_at_night_on_a_holiday_is_due_in_two_hours() -> None:
    times = compute_due_times(POLICIES["U2H"], CHINA, local("2026-10-01T23:30"))
    assert times.resolve_due_at == local("2026-10-02T01:30")
    assert times.acknowledge_due_at == local("2026-10-01T23:45")


def test_the_immediate_policy_ends_with_the_day() -> None:
    assert compute_due_times(POLICIES["IMM"], CHINA, FRIDAY).resolve_due_at == local("2026-09-19")


def test_the_interim_reply_stays_due_where_the_law_gives_longer() -> None:
    law = local("2026-12-01")
    times = compute_due_times(POLICIES["STAT"], CHINA, FRIDAY, statutory_due_at=law)
    assert times.resolve_due_at == law
    assert times.milestones == {"interim_reply": local("2026-09-25")}


def test_a_statutory_date_means_nothing_to_another_policy() -> None:
    times = compute_due_times(POLICIES["G5D"], CHINA, FRIDAY, statutory_due_at=local("2027-12-01"))
    assert times.resolve_due_at == local("2026-09-25")


def test_milestones_after_an_approval_are_not_counted_from_dispatch() -> None:
    assert POLICIES["UP3D"].milestones["reply_after_approval"].anchor is Anchor.APPROVAL
    assert set(compute_due_times(POLICIES["UP3D"], CHINA, FRIDAY).milestones) == {"report_up"}


def test_one_provisional_due_time_makes_the_ticket_provisional() -> None:
    start = local("2026-12-28T10:00")
    assert not compute_due_times(POLICIES["UM1D"], CHINA, start).provisional
    assert compute_due_times(POLICIES["G5D"], CHINA, start).provisional


def test_a_timer_of_a_later_step_is_counted_from_that_step() -> None:
    due = due_of(POLICIES["G5D"], CHINA, TimerName.REVIEW, FRIDAY)
    assert due is not None
    assert due.due_at == local("2026-09-21")
    assert due_of(POLICIES["IMM"], CHINA, TimerName.CONTACT, FRIDAY) is None


# --- the ladder -----------------------------------------------------------------------------------------------------


def ladder(code: str, start: datetime, timer: TimerName = TimerName.RESOLVE) -> dict[TimerLevel, datetime]:
    times = compute_due_times(POLICIES[code], CHINA, start)
    return {card.level: card.at for card in times.warnings if card.timer is timer}


def test_the_cards_of_a_general_matter() -> None:
    assert ladder("G5D", local("2026-09-21T08:30")) == {
        TimerLevel.NOTICE: local("2026-09-23T18:00"),
        TimerLevel.YELLOW_CARD: local("2026-09-29"),
        TimerLevel.RED_CARD: local("2026-09-30"),
    }


def test_the_cards_of_danger_come_at_half_and_at_due() -> None:
    start = local("2026-10-01T23:30")
    assert ladder("U2H", start) == {
        TimerLevel.NOTICE: start + timedelta(hours=1),
        TimerLevel.YELLOW_CARD: start + timedelta(hours=1),
        TimerLevel.RED_CARD: start + timedelta(hours=2),
    }


def test_a_yellow_card_never_comes_before_the_ticket() -> None:
    start = local("2026-09-21T09:00")
    assert ladder("UM4H", start)[TimerLevel.YELLOW_CARD] == local("2026-09-21T11:00")


def test_signing_late_shows_only_the_red_card() -> None:
    assert set(ladder("G5D", FRIDAY, TimerName.ACKNOWLEDGE)) == {TimerLevel.RED_CARD}


@given(
    st.sampled_from(sorted(TABLE)),
    st.datetimes(
        min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2026, 10, 1),  # noqa: DTZ001
        timezones=st.just(SHANGHAI),
    ),
)
def test_cards_come_after_dispatch_in_order_and_the_red_one_at_the_due_time(code: str, start: datetime) -> None:
    cards = ladder(code, start)
    assert start < cards[TimerLevel.NOTICE] <= cards[TimerLevel.RED_CARD]
    assert start < cards[TimerLevel.YELLOW_CARD] <= cards[TimerLevel.RED_CARD]
    assert cards[TimerLevel.RED_CARD] == compute_due_times(POLICIES[code], CHINA, start).resolve_due_at


# --- what a policy may not say --------------------------------------------------------------------------------------

GENERAL = policy_to_document(POLICIES["G5D"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timers": {"T_SIGN": "1 hour"}}, "/timers/T_RESOLVE"),
        ({"timers": {"T_RESOLVE": "soon"}}, "/timers/T_RESOLVE"),
        ({"timers": {"T_RESOLVE": "1 day", "T_NAP": "1 hour"}}, "/timers/T_NAP"),
        ({"timers": {"T_RESOLVE": {"warnings": ["L0"]}}}, "/timers/T_RESOLVE/period"),
        ({"timers": {"T_RESOLVE": {"period": "1 day", "same_day_end": True}}}, "/timers/T_RESOLVE/period"),
        ({"timers": {"T_RESOLVE": {"period": "1 day", "warnings": ["L9"]}}}, "/timers/T_RESOLVE/warnings"),
        ({"timers": {"T_RESOLVE": {"period": "1 day", "warnings": ["L2", "L2"]}}}, "/timers/T_RESOLVE/warnings"),
        ({"timers": {"T_RESOLVE": {"period": "1 day", "statutory": True}}}, "/timers/T_RESOLVE/statutory"),
        ({"natural_clock": True, "pause_reasons": []}, "/timers/T_DISPATCH"),
        ({"natural_clock": True, "timers": {"T_RESOLVE": "2 hour"}}, "/pause_reasons"),
        ({"milestones": {"interim": "never"}}, "/milestones/interim"),
        ({"color": "red"}, "/color"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy_from_document({**GENERAL, **change})
    assert field in [problem.field for problem in refused.value.problems]


def test_a_policy_always_promises_a_result() -> None:
    with pytest.raises(InvalidInput):
        SlaPolicy("EMPTY", 1, {})


# --- pauses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "due", "paused", "resumed", "expected"),
    [
        # around the clock: what was left, to the minute, over a weekend as well
        ("24 hour", "2026-09-19T16:00", "2026-09-18T18:00", "2026-09-21T09:00", "2026-09-22T07:00"),
        # workdays: one for each that began in between; Saturday the 19th adds none
        ("5 working_day", "2026-09-24T00:00", "2026-09-16T10:00", "2026-09-17T10:00", "2026-09-25T00:00"),
        ("5 working_day", "2026-09-24T00:00", "2026-09-16T10:00", "2026-09-16T17:00", "2026-09-24T00:00"),
        ("5 working_day", "2026-09-22T00:00", "2026-09-17T10:00", "2026-09-19T10:00", "2026-09-23T00:00"),
        # its last day was half over on Friday: what is left is the next workday, a Sunday that is made up for
        ("1 working_day", "2026-09-19T00:00", "2026-09-18T12:00", "2026-09-19T09:00", "2026-09-21T00:00"),
        # business hours: two were left, and two are left
        ("4 working_hour", "2026-09-16T11:00", "2026-09-16T09:00", "2026-09-17T15:00", "2026-09-17T17:00"),
    ],
)
def test_what_was_left_before_a_pause_is_left_after_it_in_the_timers_own_unit(
    period: str, due: str, paused: str, resumed: str, expected: str
) -> None:
    """Traps 2 and 7: resumed, not restarted, and nothing converted."""
    rule = TimerRule(Period.parse(period))
    assert after_pause(local(due), rule, CHINA, local(paused), local(resumed)) == local(expected)


@given(
    period=st.sampled_from(
        ["90 minute", "24 hour", "3 day", "5 working_day", "4 working_hour", "2 elapsed_working_day"]
    ),
    ahead=st.integers(1, 20_000),
    pause=st.integers(0, 20_000),
)
def test_a_clock_that_goes_on_never_runs_out_before_it_went_on(period: str, ahead: int, pause: int) -> None:
    due, resumed = FRIDAY + timedelta(minutes=ahead), FRIDAY + timedelta(minutes=pause)
    later = after_pause(due, TimerRule(Period.parse(period)), CHINA, FRIDAY, resumed)
    assert later >= resumed
