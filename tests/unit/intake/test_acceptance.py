"""When an appeal may be accepted, how urgent it is by whose word, and until when its scope must be decided."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.acceptance import SPOKEN, AcceptanceTerms, accept_due_at, is_held, moved_due_at
from services.intake.domain.appeals import Registered, Submission, register
from services.intake.domain.categories import Category
from services.intake.domain.people import Reporter
from shared.errors import InvalidInput
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GARBAGE = Category("0101", "Garbage", urgency=Urgency.P3, mode=HandlingMode.COMMITTED)
CONSULTATION = Category("0901", "Question", urgency=Urgency.P3, mode=HandlingMode.IMMEDIATE)
ELSEWHERE = Category("1604", "Integrity", urgency=Urgency.P3, mode=HandlingMode.ADVISORY)
TERMS = AcceptanceTerms()

moments = st.integers(0, 10_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
terms = st.sampled_from([timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=2)])


def registered(category: Category | None = GARBAGE, **said: Any) -> Registered:
    values: dict[str, Any] = {"type": AppealType.COMPLAINT, "channel": Channel.WEB, "title": "Garbage", **said}
    return register(Submission(**values), category=category, area=None, now=NOW)


@pytest.mark.parametrize(
    ("category", "mode", "status"),
    [
        (GARBAGE, None, AppealStatus.AWAITING_DISPATCH),
        (GARBAGE, HandlingMode.COMMITTED, AppealStatus.AWAITING_DISPATCH),
        (GARBAGE, HandlingMode.ESCALATED, AppealStatus.AWAITING_DISPATCH),
        (GARBAGE, HandlingMode.IMMEDIATE, AppealStatus.REGISTERED),
        (GARBAGE, HandlingMode.SUPPLEMENT, AppealStatus.REGISTERED),
        (GARBAGE, HandlingMode.ADVISORY, AppealStatus.REGISTERED),
        (CONSULTATION, None, AppealStatus.AWAITING_DISPATCH),
        (CONSULTATION, HandlingMode.IMMEDIATE, AppealStatus.REGISTERED),
        (ELSEWHERE, None, AppealStatus.REGISTERED),
        (ELSEWHERE, HandlingMode.COMMITTED, AppealStatus.AWAITING_DISPATCH),
        (None, HandlingMode.COMMITTED, AppealStatus.REGISTERED),
    ],
)
def test_what_an_agent_is_to_decide_waits_for_the_agent(
    category: Category | None, mode: HandlingMode | None, status: AppealStatus
) -> None:
    found = registered(category, mode=mode)

    assert found.status is status
    assert (found.accept_due_at is None) == (status is AppealStatus.AWAITING_DISPATCH)
    assert (found.accepted_at is None) == (status is AppealStatus.REGISTERED)


def test_papers_that_have_come_no_longer_hold_an_appeal_but_what_is_not_ours_stays_held() -> None:
    assert is_held(HandlingMode.SUPPLEMENT, chosen=True)
    assert not is_held(HandlingMode.SUPPLEMENT, chosen=True, papers_complete=True)
    assert is_held(HandlingMode.ADVISORY, chosen=False, papers_complete=True)


@pytest.mark.parametrize(
    ("asked", "care", "urgency"),
    [
        (None, (), Urgency.P3),
        (Urgency.P1, (), Urgency.P1),
        (Urgency.P4, (), Urgency.P4),
        (Urgency.P4, (SpecialCare.MINOR,), Urgency.P2),
        (Urgency.P1, (SpecialCare.MINOR,), Urgency.P1),
    ],
)
def test_an_agents_urgency_overrides_the_default_but_not_the_rule(
    asked: Urgency | None, care: tuple[SpecialCare, ...], urgency: Urgency
) -> None:
    found = registered(urgency=asked, urgency_reason="a school is next to it", special_care=care)

    assert found.classification.urgency is urgency


def test_an_urgency_without_a_reason_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        registered(urgency=Urgency.P1)

    assert [problem.field for problem in refused.value.problems] == ["/urgency_reason"]


def test_an_urgency_that_is_the_rules_own_needs_no_reason_and_leaves_no_trace() -> None:
    assert registered(urgency=Urgency.P3).decisions == {}


def test_what_was_decided_otherwise_than_by_rule_is_kept_with_its_reason() -> None:
    found = registered(
        urgency=Urgency.P4,
        urgency_reason="王小明 says it can wait",
        mode=HandlingMode.ESCALATED,
        special_care=(SpecialCare.MINOR,),
        reporter=Reporter(name="王小明"),
    )

    assert found.decisions == {
        "urgency": {"from": "P2", "to": "P2", "reason": "[name] says it can wait", "asked_for": "P4"},
        "mode": {"from": "committed", "to": "escalated"},
    }


@pytest.mark.parametrize("type_", list(AppealType))
@pytest.mark.parametrize("category", [None, GARBAGE, ELSEWHERE])
def test_a_report_is_always_confidential(type_: AppealType, category: Category | None) -> None:
    found = registered(category, type=type_, reporter=Reporter(confidential=False))

    assert found.confidential is (type_ is AppealType.REPORT)


@pytest.mark.parametrize(
    ("urgency", "channel", "minutes"),
    [
        (Urgency.P1, Channel.WEB, 5),
        (Urgency.P1, Channel.PHONE, 5),
        (Urgency.P2, Channel.BOX, 15),
        (Urgency.P3, Channel.PHONE, 15),
        (Urgency.P3, Channel.WINDOW, 15),
        (Urgency.P3, Channel.WEB, 120),
        (Urgency.P4, Channel.BOX, 120),
        (None, Channel.PHONE, 15),
        (None, Channel.EMAIL, 120),
    ],
)
def test_the_term_to_decide_follows_urgency_and_channel(
    urgency: Urgency | None, channel: Channel, minutes: int
) -> None:
    assert accept_due_at(TERMS, urgency, channel, NOW) == NOW + timedelta(minutes=minutes)


def test_the_term_starts_when_the_office_had_it() -> None:
    found = registered(None, received_at=NOW - timedelta(days=2))

    assert found.accept_due_at == NOW - timedelta(days=2) + timedelta(hours=2)


@given(due_at=moments, old=terms, new=terms, now=moments)
def test_another_term_counts_from_the_same_start_and_never_moves_a_due_time_into_the_past(
    due_at: datetime, old: timedelta, new: timedelta, now: datetime
) -> None:
    moved = moved_due_at(due_at, old_term=old, new_term=new, now=now)

    assert moved == due_at - old + new or moved == min(due_at, now)
    assert moved >= min(due_at, now)


def test_every_channel_has_a_term() -> None:
    assert set(Channel) > SPOKEN
