"""What a citizen is told never runs backwards, whatever arrives in whichever order."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.progress import RANK, Assignment, Fact, Progress, advance
from shared.vocabulary import AppealStatus, Stage

START = datetime(2026, 3, 2, tzinfo=UTC)
BEGINNING = Progress(AppealStatus.AWAITING_DISPATCH, 1, START)

moments = st.integers(0, 1000).map(lambda minutes: START + timedelta(minutes=minutes))
rounds = st.integers(1, 3)
assignments = st.builds(
    Assignment,
    round=rounds,
    leg=st.integers(1, 3),
    at=moments,
    department_code=st.sampled_from("abc"),
    department_name=st.sampled_from("ABC"),
    promised_by=st.none() | moments,
)
facts = st.builds(
    Fact,
    at=moments,
    round=rounds,
    status=st.none() | st.sampled_from(list(AppealStatus)),
    assignment=st.none() | assignments,
)


def follow(told: list[Fact], start: Progress = BEGINNING) -> Progress:
    return reduce(advance, told, start)


def position(progress: Progress) -> tuple[int, int]:
    return progress.round, RANK[progress.status]


@given(st.lists(facts, max_size=12))
def test_neither_state_nor_moment_ever_goes_back(told: list[Fact]) -> None:
    seen = [BEGINNING]
    for fact in told:
        seen.append(advance(seen[-1], fact))

    assert [position(progress) for progress in seen] == sorted(position(progress) for progress in seen)
    assert [progress.as_of for progress in seen] == sorted(progress.as_of for progress in seen)


@given(st.lists(facts, max_size=8).flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_of_arrival_makes_no_difference(both: tuple[list[Fact], list[Fact]]) -> None:
    told, shuffled = both

    assert follow(told) == follow(shuffled)


@given(st.lists(facts, max_size=8), st.data())
def test_repetition_makes_no_difference(told: list[Fact], data: st.DataObject) -> None:
    repeated = told + data.draw(st.lists(st.sampled_from(told), max_size=5)) if told else told

    assert follow(repeated) == follow(told)


def test_every_state_has_its_own_place_on_the_path() -> None:
    assert set(RANK) == set(AppealStatus)
    assert len(set(RANK.values())) == len(RANK)


def test_a_new_round_begins_again_further_along() -> None:
    closed = advance(BEGINNING, Fact(START, 1, AppealStatus.CLOSED))
    again = advance(closed, Fact(START, 2, AppealStatus.IN_PROGRESS))

    assert (again.status, again.round, again.stage) == (AppealStatus.IN_PROGRESS, 2, Stage.HANDLING)
    assert advance(again, Fact(START, 1, AppealStatus.ARCHIVED)) == again
