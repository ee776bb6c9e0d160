"""Dates of campaigns: RFC 5545 rules on the city's clock, bounded, and what is owed of them."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain.campaigns import Campaign, CampaignKind, normalise_rule
from services.intake.use_cases.recurrence import check_plan, occurrence_at, occurrences, unheld
from shared.errors import InvalidInput

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def plan(rule: str, starts_at: str = "2026-03-05T09:00", **changes: object) -> Campaign:
    values: dict[str, object] = {
        "code": "c",
        "kind": CampaignKind.RECEPTION_DAY,
        "rule": rule,
        "starts_at": datetime.fromisoformat(starts_at),
        "duration": timedelta(hours=2),
        **changes,
    }
    return Campaign(**values)  # type: ignore[arg-type]


def local_dates(campaign: Campaign, zone: ZoneInfo, start: str, end: str) -> list[str]:
    found = occurrences(
        campaign,
        zone,
        start=datetime.fromisoformat(start).replace(tzinfo=zone),
        end=datetime.fromisoformat(end).replace(tzinfo=zone),
    )
    return [date.starts_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for date in found]


@pytest.mark.parametrize(
    ("rule", "starts_at", "dates"),
    [
        ("FREQ=WEEKLY;BYDAY=TH", "2026-03-05T09:00", ["03-05", "03-12", "03-19", "03-26", "04-02", "04-09", "04-16"]),
        ("FREQ=MONTHLY;BYDAY=3WE", "2026-01-21T09:00", ["03-18", "04-15"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31T09:00", ["03-31"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-30T09:00", ["03-31"]),
        ("FREQ=YEARLY;INTERVAL=1;BYMONTH=4,10;BYMONTHDAY=10", "2025-10-10T09:00", ["04-10"]),
        ("FREQ=DAILY;INTERVAL=20", "2026-03-01T09:00", ["03-01", "03-21", "04-10"]),
        ("FREQ=WEEKLY;UNTIL=20260312", "2026-03-05T09:00", ["03-05", "03-12"]),
        ("FREQ=WEEKLY;COUNT=3", "2026-02-26T09:00", ["03-05", "03-12"]),
    ],
)
def test_a_rule_gives_its_dates(rule: str, starts_at: str, dates: list[str]) -> None:
    check_plan(rule, datetime.fromisoformat(starts_at))
    found = local_dates(plan(rule, starts_at), SHANGHAI, "2026-03-01T00:00", "2026-04-20T00:00")

    assert found == [f"2026-{date} 09:00" for date in dates]


def test_summer_time_moves_no_reception() -> None:
    weekly = plan("FREQ=WEEKLY;BYDAY=SU", "2026-03-22T09:00")

    found = occurrences(weekly, BERLIN, start=datetime(2026, 3, 20, tzinfo=UTC), end=datetime(2026, 4, 6, tzinfo=UTC))

    assert [date.starts_at.hour for date in found] == [8, 7, 7]
    assert local_dates(weekly, BERLIN, "2026-03-20T00:00", "2026-04-06T00:00") == [
        "2026-03-22 09:00",
        "2026-03-29 09:00",
        "2026-04-05 09:00",
    ]


def test_a_time_that_the_change_leaves_out_is_moved_on_and_one_that_comes_twice_is_its_first() -> None:
    spring = plan("FREQ=DAILY;COUNT=2", "2026-03-28T02:30")
    autumn = plan("FREQ=DAILY;COUNT=2", "2026-10-24T02:30")

    assert local_dates(spring, BERLIN, "2026-03-28T00:00", "2026-03-30T00:00") == [
        "2026-03-28 02:30",
        "2026-03-29 03:30",
    ]
    [_, twice] = occurrences(
        autumn, BERLIN, start=datetime(2026, 10, 23, tzinfo=UTC), end=datetime(2026, 10, 27, tzinfo=UTC)
    )
    assert twice.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_window_includes_its_beginning_and_not_its_end() -> None:
    daily = plan("FREQ=DAILY", "2026-03-01T09:00")

    assert local_dates(daily, SHANGHAI, "2026-03-02T09:00", "2026-03-03T09:00") == ["2026-03-02 09:00"]


@pytest.mark.parametrize(
    ("rule", "about"),
    [
        ("FREQ=SECONDLY", "FREQ must be"),
        ("FREQ=MINUTELY;COUNT=9", "FREQ must be"),
        ("FREQ=HOURLY", "FREQ must be"),
        ("INTERVAL=2", "FREQ must be"),
        ("", "every part"),
        ("FREQ=DAILY;BYHOUR=1", "every part"),
        ("FREQ=DAILY;BYEASTER=1", "every part"),
        ("FREQ=DAILY\nEXDATE=20260101", "FREQ must be"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=100", "INTERVAL"),
        ("FREQ=DAILY;COUNT=10001", "COUNT"),
        ("FREQ=DAILY;COUNT=２", "COUNT"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY takes no number"),
        ("FREQ=DAILY;BYMONTHDAY=1", "use MONTHLY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTH=0", "BYMONTH"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs"),
        ("FREQ=WEEKLY;WKST=XX", "WKST"),
        ("FREQ=WEEKLY;UNTIL=2026-01-01", "UNTIL"),
        ("FREQ=WEEKLY;UNTIL=20260230", "UNTIL"),
        ("FREQ=WEEKLY;UNTIL=20261231T000000Z", "UNTIL"),
        ("FREQ=WEEKLY;UNTIL=20261231;COUNT=2", "exclude"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes up"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "never comes up"),
        ("FREQ=DAILY;UNTIL=20250101", "never comes up"),
        ("FREQ=DAILY;" + "BYMONTH=1," * 40, "longer than"),
    ],
)
def test_a_rule_that_cannot_be_planned_is_refused_at_once(rule: str, about: str) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidInput) as refused:
        check_plan(rule, datetime.fromisoformat("2026-01-01T09:00"))

    assert any(about in problem.message for problem in refused.value.problems), refused.value.problems
    assert {problem.field for problem in refused.value.problems} == {"/rule"}
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=7;BYDAY=TU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29,30;INTERVAL=99"]
)
def test_a_rule_that_hardly_or_never_comes_up_costs_little(rule: str) -> None:
    began = time.monotonic()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert occurrences(plan(rule), SHANGHAI, start=start, end=start + timedelta(days=365)) == []

    assert time.monotonic() - began < 2


def test_more_dates_than_the_bound_are_cut_off_and_too_long_a_time_is_refused() -> None:
    daily = plan("FREQ=DAILY", "2026-03-01T09:00")
    start = datetime(2026, 3, 1, tzinfo=UTC)

    assert len(occurrences(daily, SHANGHAI, start=start, end=start + timedelta(days=90), most=10)) == 10
    with pytest.raises(InvalidInput, match="too long"):
        occurrences(daily, SHANGHAI, start=start, end=start + timedelta(days=401))


@pytest.mark.parametrize("starts_at", ["1999-12-31T09:00", "2101-01-01T09:00"])
def test_a_plan_begins_in_our_time(starts_at: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_plan("FREQ=DAILY", datetime.fromisoformat(starts_at))

    assert [problem.field for problem in refused.value.problems] == ["/starts_at"]


def test_a_date_is_recognised_to_the_minute() -> None:
    monthly = plan("FREQ=MONTHLY;BYDAY=3WE", "2026-01-21T09:00")
    date = datetime(2026, 3, 18, 9, 0, tzinfo=SHANGHAI)

    assert occurrence_at(monthly, SHANGHAI, date) is not None
    assert occurrence_at(monthly, SHANGHAI, date + timedelta(minutes=1)) is None


def test_owed_is_what_lies_between_the_plan_and_its_end_and_was_not_held() -> None:
    first = datetime(2026, 3, 5, 9, tzinfo=SHANGHAI).astimezone(UTC)
    weekly = plan("FREQ=WEEKLY", rule_since=first + timedelta(days=1), retired_at=first + timedelta(days=20))
    held = frozenset({first + timedelta(days=7)})

    found = unheld(weekly, SHANGHAI, held=held, since=first - timedelta(days=30), until=first + timedelta(days=60))

    assert [date.starts_at for date in found] == [first + timedelta(days=14)]
    assert unheld(weekly, SHANGHAI, held=held, since=first + timedelta(days=30), until=first + timedelta(days=60)) == []


def test_rules_have_one_form() -> None:
    assert normalise_rule(" rrule:freq=weekly;byday=th; ") == "FREQ=WEEKLY;BYDAY=TH"
