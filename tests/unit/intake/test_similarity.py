"""Alike is what says the same of the same thing; place, category and time alone never suffice (trap 24)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.categories import Category
from services.intake.domain.cells import CELL_DEGREES, cell_of, cells_around, metres_between
from services.intake.domain.similarity import (
    Comparison,
    Kind,
    Likeness,
    Matter,
    Rarity,
    Suggestion,
    objects_of,
    suggestion_for,
)
from services.intake.domain.terms import hash_of
from shared.vocabulary import AppealStatus

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
HERE = (113.82, 34.02)
TREE = {
    category.code: category
    for category in (
        Category("02", "Streets", "市政道路", level=1),
        Category("0201", "Street lamp", "路灯故障", parent_code="02"),
        Category("0202", "Pothole", "道路破损", parent_code="02"),
        Category("03", "Noise", "噪音", level=1),
    )
}
# What everybody writes.
COMMON = Rarity({hash_of(word): 0.5 for word in ("请尽", "尽快", "快处", "处理", "the", "please", "is")})


def matter(
    title: str,
    description: str = "",
    *,
    place: str = "",
    category: str | None = "0201",
    point: tuple[float, float] | None = HERE,
    at: datetime = NOON,
) -> Matter:
    return Matter((title, description), place, category, point, at)


def likeness(one: Matter, other: Matter, *, same_person: bool = False) -> Likeness:
    return Comparison(one, rarity=COMMON, tree=TREE).with_other(other, same_person=same_person)


def metres_north(metres: float) -> tuple[float, float]:
    return HERE[0], HERE[1] + metres / 111_195


def test_the_same_matter_in_other_words_is_suggested() -> None:
    one = matter("滨河苑捆绑销售车位", "开发商要求买房必须同时购买车位,否则不签合同")
    other = matter("投诉滨河苑开发商", "滨河苑买房必须同时购买车位,不买车位就不签购房合同", at=NOON - timedelta(days=3))

    assert likeness(one, other).is_suggested


def test_the_same_matter_in_english_is_suggested() -> None:
    one = matter("Deep pothole beside the bakery", "A cyclist fell into it", category="0202")
    other = matter("Pothole at bakery entrance", "Deep hole, cyclist fell yesterday", category="0202")

    assert likeness(one, other).is_suggested


@pytest.mark.parametrize(
    ("title", "other_title"),
    [
        ("路灯不亮", "夜市噪音扰民"),
        ("建设路12号垃圾", "建设路12号停水"),
        ("Broken lamp", "Barking dogs"),
        ("路灯故障", "路灯故障"),
        ("请尽快处理", "请尽快处理"),
    ],
)
def test_the_same_spot_and_category_alone_are_shown_and_not_suggested(title: str, other_title: str) -> None:
    """Different things at one address; titles that repeat the category or what everybody writes tell nothing."""
    found = likeness(matter(title, place="建设路12号"), matter(other_title, place="建设路12号"))

    assert found.is_shown
    assert not found.is_suggested


def test_two_lamps_with_numbers_of_their_own_are_two_matters() -> None:
    words = "号灯杆昨晚起一直闪烁,影响休息"
    same = likeness(matter(f"12{words}"), matter(f"12{words}"))
    other = likeness(matter(f"12{words}"), matter(f"15{words}", point=metres_north(30)))

    assert same.is_suggested
    assert not other.is_suggested
    assert [reason.weight < 0 for reason in other.reasons if reason.kind is Kind.OBJECT] == [True]


def test_the_same_words_kilometres_away_are_not_the_same_matter() -> None:
    words = "化粪池堵塞污水外溢臭气熏天"
    assert likeness(matter(words), matter(words, point=metres_north(200))).is_suggested

    assert not likeness(matter(words), matter(words, point=metres_north(3_000))).is_suggested


def test_where_a_point_is_missing_addresses_are_compared() -> None:
    def by(place: str) -> float:
        return likeness(matter("井盖缺失", place="建设路与文峰路口", point=None), matter("井盖缺失", place=place)).score

    assert by("建设路文峰路口") > by("七一路八龙路口")


@pytest.mark.parametrize(
    ("other", "weight"), [("0201", 0.2), ("02", 0.14), ("0202", 0.1), ("03", None), (None, None), ("gone", None)]
)
def test_kin_of_categories_counts_by_how_near_it_is(other: str | None, weight: float | None) -> None:
    found = likeness(matter("x"), matter("x", category=other))

    assert [reason.weight for reason in found.reasons if reason.kind is Kind.CATEGORY] == ([weight] if weight else [])


def test_a_score_is_the_sum_of_its_reasons_with_the_weightiest_first() -> None:
    found = likeness(matter("化粪池堵塞污水外溢"), matter("污水外溢", at=NOON - timedelta(days=10)), same_person=True)

    assert found.score == pytest.approx(sum(reason.weight for reason in found.reasons), abs=0.001)
    weights = [abs(reason.weight) for reason in found.reasons]
    assert weights == sorted(weights, reverse=True)
    assert {Kind.TEXT, Kind.DISTANCE, Kind.CATEGORY, Kind.TIME, Kind.PERSON} == {r.kind for r in found.reasons}
    assert any("污水外溢" in reason.detail for reason in found.reasons)


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 400))
def test_a_score_lies_between_nought_and_one(one: str, other: str, days: int) -> None:
    found = likeness(matter(one, place=other), matter(other, at=NOON - timedelta(days=days)), same_person=True)

    assert 0.0 <= found.score <= 1.0


@pytest.mark.parametrize(
    ("status", "same_person", "suggestion"),
    [
        (AppealStatus.IN_PROGRESS, False, Suggestion.ATTACH),
        (AppealStatus.IN_PROGRESS, True, Suggestion.URGE),
        (AppealStatus.ATTACHED, False, Suggestion.ATTACH),
        (AppealStatus.CLOSED, False, None),
    ],
)
def test_an_urge_is_suggested_for_the_same_person_and_nothing_once_ended(
    status: AppealStatus, same_person: bool, suggestion: Suggestion | None
) -> None:
    assert suggestion_for(Likeness(0.9, ()), status, same_person=same_person) is suggestion
    assert suggestion_for(Likeness(0.54, ()), status, same_person=same_person) is None


def test_numbers_name_a_thing_only_with_its_word() -> None:
    assert objects_of("12号灯杆", "停水3天", "2026年", "pole 7", "No. 15") == {"12", "7", "15"}


@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(0, 0.004), st.floats(-0.004, 0.004))
def test_whatever_is_near_lies_in_the_cells_around(longitude: float, latitude: float, x: float, y: float) -> None:
    there = ((longitude + x + 180) % 360 - 180, latitude + y)
    metres = metres_between((longitude, latitude), there)

    assert cell_of(*there) in set(cells_around(longitude, latitude, metres + 1))


def test_distance_is_in_metres() -> None:
    assert metres_between(HERE, metres_north(100)) == pytest.approx(100, rel=0.001)
    assert metres_between((179.9999, 0.0), (-179.9999, 0.0)) == pytest.approx(22.2, rel=0.01)
    assert CELL_DEGREES * 111_195 > 500
