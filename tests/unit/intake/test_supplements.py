"""Lists of papers: complete at once, ticked off by name, with a term that leaves time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.supplements import (
    LONGEST_TERM,
    SHORTEST_TERM,
    Deadline,
    Listed,
    Paper,
    PaperTerms,
    WaitsForNoPapers,
    check_list,
    check_may_wait,
    deadline_of,
    due_after_reminder,
    is_complete,
    tick_off,
)
from shared.errors import InvalidInput
from shared.vocabulary import Urgency

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LIST = [
    Listed(1, Paper("身份证复印件")),
    Listed(2, Paper("Deed of the house")),
    Listed(3, Paper("Photo"), delivered_at=NOW),
]


def test_the_general_term_leaves_three_days_after_the_reminder() -> None:
    assert deadline_of(PaperTerms(), now=NOW, asked_due_at=None) == Deadline(NOW + 14 * DAY, NOW + 11 * DAY)


@given(st.timedeltas(SHORTEST_TERM, LONGEST_TERM), st.timedeltas(timedelta(hours=1), 30 * DAY))
def test_the_reminder_lies_inside_every_term(term: timedelta, notice: timedelta) -> None:
    found = deadline_of(PaperTerms(notice=notice), now=NOW, asked_due_at=NOW + term)

    assert NOW < found.remind_at < found.due_at == NOW + term


@pytest.mark.parametrize("term", [-DAY, timedelta(hours=23), timedelta(days=60, seconds=1)])
def test_a_date_with_too_little_time_or_too_much_is_refused(term: timedelta) -> None:
    with pytest.raises(InvalidInput) as refused:
        deadline_of(PaperTerms(), now=NOW, asked_due_at=NOW + term)

    assert [problem.field for problem in refused.value.problems] == ["/due_at"]


@pytest.mark.parametrize(
    ("reminded", "due"), [(11 * DAY, 14 * DAY), (13 * DAY, 14 * DAY), (14 * DAY, 15 * DAY), (20 * DAY, 21 * DAY)]
)
def test_a_late_reminder_puts_the_end_off(reminded: timedelta, due: timedelta) -> None:
    deadline = Deadline(NOW + 14 * DAY, NOW + 11 * DAY)

    assert due_after_reminder(deadline, NOW + reminded) == NOW + due


def test_a_paper_is_named_once() -> None:
    check_list([Paper("Deed"), Paper("Photo")])
    with pytest.raises(InvalidInput) as refused:
        check_list([Paper("Deed"), Paper("Photo"), Paper(" deed ")])

    assert [problem.field for problem in refused.value.problems] == ["/items/2/name"]


@pytest.mark.parametrize("urgency", [Urgency.P1, Urgency.P2])
def test_what_presses_waits_for_no_papers(urgency: Urgency) -> None:
    with pytest.raises(WaitsForNoPapers):
        check_may_wait(urgency)


@pytest.mark.parametrize("urgency", [Urgency.P3, Urgency.P4, None])
def test_other_matters_may_wait(urgency: Urgency | None) -> None:
    check_may_wait(urgency)


def test_papers_are_found_by_name_however_it_is_spelt() -> None:
    assert tick_off(LIST, ["deed  of the HOUSE", "身份证复印件", "ＰＨＯＴＯ"]) == [2, 1, 3]


def test_what_was_not_asked_for_is_refused_naming_what_is_missing() -> None:
    with pytest.raises(InvalidInput) as refused:
        tick_off(LIST, ["Photo", "Passport"])

    [problem] = refused.value.problems
    assert (problem.field, problem.allowed) == ("/items/1/name", ["身份证复印件", "Deed of the house"])


def test_only_all_of_them_complete_a_list() -> None:
    assert not is_complete(LIST, [1])
    assert not is_complete(LIST, [3])
    assert is_complete(LIST, [1, 2])
