"""The facts of a channel: which belong where, in which order in time, and what follows from them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake.api.channel_schemas import ChannelDetailsIn
from services.intake.domain.appeals import Submission, register
from services.intake.domain.categories import Category
from services.intake.domain.channels import (
    FIELDS,
    ReportKind,
    external_reference,
    is_personal,
    problems_of,
    shown,
    urgency_floor,
)
from services.intake.domain.people import Reporter
from shared.errors import InvalidInput
from shared.vocabulary import AppealType, Channel, SpecialCare, Urgency

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GARBAGE = Category("0101", "Garbage", urgency=Urgency.P3)


def faults(channel: Channel, **details: Any) -> dict[str, str]:
    found = problems_of(channel, details, received_at=NOW, latest=NOW)
    return {problem.field.removeprefix("/channel_details/"): problem.message for problem in found}


def said(channel: Channel, details: dict[str, Any] | None = None, **changes: Any) -> Submission:
    values: dict[str, Any] = {"type": AppealType.COMPLAINT, "title": "Matter", **changes}
    return Submission(channel=channel, channel_details=details, **values)


def test_every_channel_says_which_facts_it_takes_and_every_fact_can_be_sent() -> None:
    assert set(FIELDS) == set(Channel)
    assert {name for names in FIELDS.values() for name in names} == set(ChannelDetailsIn.model_fields)


@pytest.mark.parametrize("channel", list(Channel))
def test_each_fact_belongs_to_its_channels_and_to_no_other(channel: Channel) -> None:
    for name in ChannelDetailsIn.model_fields:
        is_misplaced = "does not belong" in faults(channel, **{name: 1}).get(name, "")
        assert is_misplaced == (name not in FIELDS[channel]), name


def test_a_misplaced_fact_is_told_what_the_channel_takes() -> None:
    [problem] = problems_of(Channel.BOX, {"queue_number": "A12"})

    assert problem.field == "/channel_details/queue_number"
    assert problem.allowed == ["location_id", "found_at", "sheet_number", "entered_via"]


def test_found_comes_before_received_and_neither_lies_ahead() -> None:
    later = NOW + timedelta(minutes=1)

    assert faults(Channel.BOX, found_at=NOW - timedelta(days=3)) == {}
    assert faults(Channel.BOX, found_at=later) == {"found_at": "lies after received_at"}
    assert faults(Channel.FROM_110, handed_over_at=later) == {"handed_over_at": "lies in the future"}
    assert faults(Channel.MEDIA, published_at=later) == {"published_at": "lies in the future"}


@pytest.mark.parametrize(
    ("value", "personal"),
    [
        ("13812345678", True),
        ("+86 138-1234-5678", True),
        ("138 1234 5678", True),
        ("call-13812345678-1", True),
        ("411002198001011234", True),
        ("wang@example.org", True),
        ("<13812345678@163.example>", True),
        ("<CAF.1@mail.example>", False),
        ("1772413200.5", False),
        ("20260302-093000-0042", False),
        ("0374-3112345", False),
        ("12345", False),
        ("B-01", False),
    ],
)
def test_what_looks_like_a_persons_number_is_recognised(value: str, personal: bool) -> None:
    assert is_personal(value) is personal


def test_ids_that_are_numbers_of_people_are_refused_and_numbers_of_other_systems_are_not() -> None:
    assert "call_id" in faults(Channel.PHONE, call_id="13812345678")
    assert faults(Channel.FROM_110, foreign_number="13812345678") == {}


def test_an_address_must_be_one() -> None:
    assert "url" in faults(Channel.MEDIA, url="javascript:alert(1)")
    assert faults(Channel.MEDIA, url="https://paper.example/7") == {}


def test_one_person_receives_at_a_reception() -> None:
    assert "deputy" in faults(Channel.DEPUTY_STATION, leader="A", deputy="B")


def test_a_monthly_report_is_no_appeal() -> None:
    [problem] = problems_of(Channel.BUILDING_CHIEF, {"report_kind": ReportKind.MONTHLY})

    assert "/v1/building-reports" in problem.message
    assert problem.allowed == ["hazard", "event"]


@pytest.mark.parametrize(
    ("channel", "kind", "floor"),
    [
        (Channel.BUILDING_CHIEF, "hazard", Urgency.P2),
        (Channel.BUILDING_CHIEF, "event", Urgency.P1),
        (Channel.BUILDING_CHIEF, None, None),
        (Channel.BUILDING_CHIEF, "monthly", None),
        (Channel.GRID, "event", None),
    ],
)
def test_what_a_building_chief_reports_presses(channel: Channel, kind: str | None, floor: Urgency | None) -> None:
    assert urgency_floor(channel, {"report_kind": kind} if kind else None) is floor


def test_a_hazard_is_same_day_livelihood_even_before_it_has_a_category() -> None:
    submission = said(Channel.BUILDING_CHIEF, {"report_kind": "hazard"})

    assert register(submission, category=None, area=None, now=NOW).classification.urgency is Urgency.P2
    assert register(submission, category=GARBAGE, area=None, now=NOW).classification.urgency is Urgency.P2


def test_an_agent_cannot_talk_an_event_down() -> None:
    submission = said(
        Channel.BUILDING_CHIEF,
        {"report_kind": "event"},
        urgency=Urgency.P4,
        urgency_reason="seems quiet",
        special_care=(SpecialCare.MINOR,),
    )

    found = register(submission, category=GARBAGE, area=None, now=NOW)

    assert found.classification.urgency is Urgency.P1
    assert found.decisions["urgency"]["asked_for"] == "P4"


@pytest.mark.parametrize(
    ("channel", "details", "reference"),
    [
        (Channel.FROM_110, {"foreign_number": "J1"}, ("from_110", "J1")),
        (Channel.SUPERIOR, {"system": "province", "foreign_number": "P9"}, ("province", "P9")),
        (Channel.SUPERIOR, {"system": "province"}, None),
        (Channel.PHONE, {"foreign_number": "J1"}, None),
    ],
)
def test_the_foreign_number_keeps_a_matter_from_being_entered_twice(
    channel: Channel, details: dict[str, Any], reference: tuple[str, str] | None
) -> None:
    assert external_reference(channel, details) == reference


def test_of_a_protected_person_nothing_that_leads_there_is_shown() -> None:
    details = {"informant_id": "I-7", "group": "cadre", "session_id": "s", "reference": "r"}

    assert shown(details, protected=False) == details
    assert shown(details, protected=True) == {"group": "cadre", "session_id": "s"}
    assert shown({"officer": "Li 13812345678"}, protected=False) == {"officer": "Li [phone]"}


@pytest.mark.parametrize(
    "changes",
    [{"type": AppealType.REPORT}, {"reporter": Reporter(anonymous=True)}, {"reporter": Reporter(confidential=True)}],
)
def test_what_leads_to_a_protected_person_goes_to_the_vault(changes: dict[str, Any]) -> None:
    found = register(
        said(Channel.PHONE, {"call_id": "c-1", "line": "12345"}, **changes), category=None, area=None, now=NOW
    )

    assert found.public.channel_details == {"line": "12345"}
    assert found.secrets["original"]["channel_details"] == {"call_id": "c-1", "line": "12345"}


def test_facts_are_checked_with_the_rest_of_the_submission() -> None:
    with pytest.raises(InvalidInput) as refused:
        register(
            said(Channel.BOX, {"found_at": NOW}, received_at=NOW - timedelta(days=1)), category=None, area=None, now=NOW
        )

    assert [problem.field for problem in refused.value.problems] == ["/channel_details/found_at"]
