"""Texts are cut into terms that every true hit shares, and a hit is one on the text itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.terms import (
    EVERY_APPEAL,
    Facts,
    Query,
    Shared,
    fact_terms,
    hash_of,
    normalise,
    terms_of,
    wanted_terms,
    words_of,
)


@pytest.mark.parametrize(
    ("words", "text", "hit"),
    [
        ("路灯", "小区路灯不亮", True),
        ("灯不", "小区路灯不亮", True),
        ("灯", "小区路灯不亮", True),
        ("灯路", "小区路灯不亮", False),
        ("路灯不亮", "路灯,不亮", False),
        ("路灯 不亮", "不亮的路灯", True),
        ("路灯 噪音", "小区路灯不亮", False),
        ("pothole", "A Pothole on Elm St", True),
        ("POTHOLE", "a pothole", True),
        ("pot", "a pothole", False),
        ("hole", "a pothole", False),
        ("catch-basin", "the catch basin is blocked", True),
        ("A3区", "位于Ａ３区的小区", True),
        ("A3区", "位于BA3区的小区", False),
        ("12号", "建设路12号", True),
        ("2号", "建设路12号", False),
        ("ＡＢＣ", "abc", True),
        ("Straße", "STRASSE", True),
        ("ﾊﾟﾝ", "パン", True),
        ("𠮷野", "在𠮷野家", True),
    ],
)
def test_a_hit_is_chinese_anywhere_and_other_words_whole(words: str, text: str, hit: bool) -> None:
    assert Query(words).matches("", text) is hit


@pytest.mark.parametrize("nothing", ["", "?!", "。。。", "  ", "___"])
def test_punctuation_alone_is_nothing_to_look_for(nothing: str) -> None:
    assert not Query(nothing)


def test_a_phrase_does_not_reach_over_the_end_of_a_field() -> None:
    assert not Query("路灯").matches("马路", "灯泡")


@given(text=st.text(max_size=60), begin=st.integers(0, 59), length=st.integers(1, 20))
def test_every_hit_carries_the_terms_that_are_asked_for(text: str, begin: int, length: int) -> None:
    """What the index would leave out can be no hit: otherwise a search would miss it."""
    query = Query(text[begin : begin + length])

    if query and query.matches(text):
        assert set(query.terms()) <= terms_of(text)


@given(st.text(alphabet="路灯不亮 ab12,。", max_size=30), st.text(alphabet="路灯不亮 ab12,。", min_size=1, max_size=4))
def test_no_hit_is_missed_by_its_terms(text: str, words: str) -> None:
    query = Query(words)

    if query and query.matches(text):
        assert set(query.terms()) <= terms_of(text)


def test_a_very_long_query_asks_for_few_terms_and_still_for_the_whole_text() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(200))
    query = Query(text)

    assert len(query.terms()) <= 12
    assert query.matches(text)
    assert not query.matches(text[:-1])


def test_terms_are_signed_32_bit_numbers_that_never_change() -> None:
    """They are stored: another number would make what is on record unfindable."""
    assert [hash_of(word) for word in ("路灯", "pothole", "灯")] == [879113293, -847440296, 924649540]
    assert hash_of("\x00every:appeal") == EVERY_APPEAL


@given(st.text(max_size=40))
def test_normalising_again_changes_nothing_that_is_cut(text: str) -> None:
    assert words_of(text) == words_of(normalise(text))


def test_a_grid_is_found_by_every_grid_it_lies_in() -> None:
    inside = fact_terms(Facts(grid_code="411002001002003"))

    for grid in ("411002", "411002001", "411002001002", "411002001002003"):
        assert wanted_terms(Facts(grid_code=grid)) <= inside
    for grid in ("411003", "411002001002003001"):
        assert not wanted_terms(Facts(grid_code=grid)) <= inside


def test_facts_of_different_kinds_do_not_meet() -> None:
    assert not wanted_terms(Facts(channel="other")) & wanted_terms(Facts(type="other"))


def test_a_fact_is_not_found_by_its_name_as_a_word() -> None:
    assert not set(Query("phone").terms()) & fact_terms(Facts(channel="phone"))


def test_what_two_texts_share_is_shown_in_its_longest_pieces() -> None:
    shared = Shared("学校门口的路灯不亮", "street light out")

    assert shared.with_words(words_of("门口路灯不亮很久", "the light")) == ["light", "路灯不亮", "门口"]
