"""What a citizen is told never runs backwards, whatever arrives in whichever order."""

from dataclasses import replace
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


HELD = replace(BEGINNING, status=AppealStatus.SUPPLEMENTING, held=True)
RELEASED = replace(BEGINNING, released_at=START + timedelta(minutes=500))
ENDED = [AppealStatus.CLOSED, AppealStatus.REFERRED, AppealStatus.NOT_ACCEPTED, AppealStatus.WITHDRAWN]
starts = st.sampled_from([BEGINNING, HELD, RELEASED, *(replace(HELD, status=status) for status in ENDED)])


@given(starts, st.lists(facts, max_size=8).flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_held_or_released_the_order_of_arrival_makes_no_difference(
    start: Progress, both: tuple[list[Fact], list[Fact]]
) -> None:
    told, shuffled = both

    assert follow(told, start) == follow(shuffled, start)
    assert follow(told + shuffled, start) == follow(told, start)


@given(starts, st.lists(facts, max_size=12))
def test_held_or_released_nothing_ever_goes_back(start: Progress, told: list[Fact]) -> None:
    seen = [start]
    for fact in told:
        seen.append(advance(seen[-1], fact))

    assert [position(progress) for progress in seen] == sorted(position(progress) for progress in seen)
    assert [progress.as_of for progress in seen] == sorted(progress.as_of for progress in seen)


@given(st.lists(facts, max_size=12), st.sampled_from([AppealStatus.SUPPLEMENTING, *ENDED]))
def test_what_intake_holds_nobody_else_moves(told: list[Fact], status: AppealStatus) -> None:
    after = follow(told, replace(HELD, status=status))

    assert (after.status, after.round, after.as_of) == (status, 1, START)


@given(st.lists(facts, max_size=12))
def test_what_ended_at_the_hotline_gets_no_department_afterwards(told: list[Fact]) -> None:
    ended = replace(HELD, status=AppealStatus.CLOSED)

    assert follow(told, ended) == ended


@given(st.lists(facts, max_size=12))
def test_after_a_release_only_what_happened_since_moves_it(told: list[Fact]) -> None:
    assert RELEASED.released_at is not None
    since = [fact for fact in told if fact.at >= RELEASED.released_at]
    after, expected = follow(told, RELEASED), follow(since, RELEASED)

    assert (after.status, after.round, after.as_of) == (expected.status, expected.round, expected.as_of)


@given(st.lists(facts, max_size=12), st.data())
def test_when_a_department_is_heard_of_during_the_wait_makes_no_difference(
    told: list[Fact], data: st.DataObject
) -> None:
    """Facts of before the hold come before, during or after it: the department known at the end is the same."""
    early = [replace(fact, at=min(fact.at, START + timedelta(minutes=499))) for fact in told]
    first, second = sorted([data.draw(st.integers(0, len(early))), data.draw(st.integers(0, len(early)))])
    before = follow(early[:first])
    held = follow(early[first:second], replace(before, status=AppealStatus.SUPPLEMENTING, held=True))
    released = replace(held, status=AppealStatus.AWAITING_DISPATCH, held=False, released_at=RELEASED.released_at)

    assert follow(early[second:], released).assignment == follow(early).assignment


STILL_BEFORE_IT = [status for status in AppealStatus if RANK[status] < RANK[AppealStatus.ATTACHED]]


@given(st.lists(facts, max_size=12))
def test_an_attached_appeal_is_moved_by_nothing_that_a_department_does(told: list[Fact]) -> None:
    from_dispatch = [
        replace(fact, round=1, status=fact.status if fact.status in STILL_BEFORE_IT else None) for fact in told
    ]
    attached = replace(BEGINNING, status=AppealStatus.ATTACHED)

    assert follow(from_dispatch, attached).status is AppealStatus.ATTACHED
