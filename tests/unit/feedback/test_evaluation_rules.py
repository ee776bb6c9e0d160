"""What an answer, or silence, means for a case: T34 to T37, traps 17, 19, 29, 30."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.feedback.domain.attempts import Attempt, AttemptOutcome, CallStage, Tally, counts_at, weigh
from services.feedback.domain.case import CaseMove
from services.feedback.domain.evaluation import Answer, Reason, Verdict, conclude_answer, conclude_unasked
from services.feedback.domain.policy import FeedbackPolicy
from shared.errors import InvalidInput
from shared.vocabulary import EvaluationOutcome

POLICY = FeedbackPolicy(zone=ZoneInfo("Asia/Shanghai"))
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("satisfaction", [1, 2, 3, 4, 5, None])
def test_a_solved_matter_closes_whatever_the_grade(satisfaction: int | None) -> None:
    conclusion = conclude_answer(Answer(True, satisfaction), round_number=1, policy=POLICY)

    assert conclusion.verdict is Verdict.CLOSED
    assert conclusion.answer == Answer(True, satisfaction)


@pytest.mark.parametrize("satisfaction", [3, 4, 5])
def test_an_unsolved_matter_closes_when_the_citizen_is_at_least_basically_satisfied(satisfaction: int) -> None:
    assert conclude_answer(Answer(False, satisfaction), round_number=1, policy=POLICY).verdict is Verdict.CLOSED


@pytest.mark.parametrize("satisfaction", [1, 2, None])
def test_unsolved_and_dissatisfied_goes_back_to_the_department_in_round_one(satisfaction: int | None) -> None:
    conclusion = conclude_answer(Answer(False, satisfaction), round_number=1, policy=POLICY)

    assert conclusion.move is CaseMove.REQUEST_REDO
    assert conclusion.reason is Reason.DISSATISFIED


@pytest.mark.parametrize("satisfaction", [1, 2, None])
def test_unsolved_and_dissatisfied_goes_on_the_ledger_when_no_round_is_left(satisfaction: int | None) -> None:
    conclusion = conclude_answer(Answer(False, satisfaction), round_number=2, policy=POLICY)

    assert conclusion.move is CaseMove.PUT_ON_LEDGER
    assert conclusion.evaluation is EvaluationOutcome.EVALUATED


def test_a_missing_grade_is_no_satisfaction() -> None:
    assert not Answer(False, None).is_satisfied


@pytest.mark.parametrize("satisfaction", [0, 6, -1])
def test_a_grade_outside_one_to_five_is_refused(satisfaction: int) -> None:
    with pytest.raises(InvalidInput):
        Answer(True, satisfaction)


def test_an_anonymous_appellant_is_not_asked_and_leaves_no_evaluation() -> None:
    conclusion = conclude_unasked(anonymous=True, wants_reply=True)

    assert conclusion is not None
    assert (conclusion.reason, conclusion.evaluation) == (Reason.ANONYMOUS, EvaluationOutcome.NONE)


def test_who_asked_not_to_be_called_is_not_called() -> None:
    conclusion = conclude_unasked(anonymous=False, wants_reply=False)

    assert conclusion is not None
    assert (conclusion.reason, conclusion.evaluation) == (Reason.NO_REPLY_WANTED, EvaluationOutcome.NONE)


def test_everybody_else_is_owed_a_callback() -> None:
    assert conclude_unasked(anonymous=False, wants_reply=True) is None


def weigh_vain(at: datetime, tally: Tally, outcome: AttemptOutcome = AttemptOutcome.NO_ANSWER) -> tuple[bool, Tally]:
    weighed = weigh(Attempt(outcome), CallStage(at, tally, 1), POLICY)
    return weighed.counted, weighed.tally


def test_three_attempts_in_vain_at_different_times_close_without_an_evaluation() -> None:
    tally, conclusion = Tally(), None
    for hour in range(3):
        assert conclusion is None
        stage = CallStage(NOON + timedelta(hours=hour), tally, 1)
        weighed = weigh(Attempt(AttemptOutcome.NO_ANSWER), stage, POLICY)
        tally, conclusion = weighed.tally, weighed.conclusion

    assert conclusion is not None
    assert (conclusion.move, conclusion.evaluation) == (CaseMove.CLOSE_UNREACHED, EvaluationOutcome.NONE)


def test_an_attempt_before_thirty_minutes_have_passed_does_not_count() -> None:
    first = Tally(1, NOON)

    assert weigh_vain(NOON + timedelta(minutes=29, seconds=59), first) == (False, first)
    assert weigh_vain(NOON + timedelta(minutes=30), first) == (True, Tally(2, NOON + timedelta(minutes=30)))


def test_spacing_is_measured_from_the_last_attempt_that_counted() -> None:
    tally = Tally(1, NOON)
    for minutes in (10, 20):
        counted, tally = weigh_vain(NOON + timedelta(minutes=minutes), tally)
        assert not counted

    assert weigh_vain(NOON + timedelta(minutes=30), tally)[0]


def test_another_day_of_the_citys_own_calendar_is_another_time() -> None:
    before_midnight = datetime(2026, 3, 2, 15, 50, tzinfo=UTC)  # 23:50 in Shanghai

    assert counts_at(before_midnight + timedelta(minutes=15), Tally(1, before_midnight), POLICY)
    assert not counts_at(before_midnight + timedelta(minutes=5), Tally(1, before_midnight), POLICY)


def test_midnight_elsewhere_is_not_another_day() -> None:
    before_utc_midnight = datetime(2026, 3, 2, 23, 50, tzinfo=UTC)

    assert not counts_at(before_utc_midnight + timedelta(minutes=15), Tally(1, before_utc_midnight), POLICY)


def test_a_wrong_number_counts_as_an_attempt_in_vain() -> None:
    assert weigh_vain(NOON, Tally(), AttemptOutcome.WRONG_NUMBER) == (True, Tally(1, NOON))


def test_a_refusal_closes_at_once_without_an_evaluation() -> None:
    weighed = weigh(Attempt(AttemptOutcome.REFUSED), CallStage(NOON, Tally(), 1), POLICY)

    assert weighed.conclusion is not None
    assert (weighed.conclusion.verdict, weighed.conclusion.evaluation) == (Verdict.CLOSED, EvaluationOutcome.NONE)


def test_a_citizen_who_was_reached_must_have_said_whether_it_is_solved() -> None:
    with pytest.raises(InvalidInput) as caught:
        Attempt(AttemptOutcome.REACHED, None, 5)

    assert [problem.field for problem in caught.value.problems] == ["resolved"]


@pytest.mark.parametrize("outcome", [AttemptOutcome.NO_ANSWER, AttemptOutcome.REFUSED, AttemptOutcome.WRONG_NUMBER])
def test_nobody_can_answer_without_being_reached(outcome: AttemptOutcome) -> None:
    with pytest.raises(InvalidInput) as caught:
        Attempt(outcome, True, 5)

    assert [problem.field for problem in caught.value.problems] == ["resolved", "satisfaction"]
