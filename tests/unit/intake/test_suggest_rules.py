"""When a suggestion may decide, what the history keeps of it, and what learnt categories are called today."""

import pytest

from services.intake.domain.categories import Category
from services.intake.domain.suggestion import (
    AGENT_CHANNELS,
    CLEAR_WORDS,
    SELF_SERVICE,
    Advice,
    Source,
    Suggestion,
    Word,
    contested,
    decides,
    decision_of,
    lost_codes,
    mapped_code,
    suggestible,
)
from shared.vocabulary import AppealType, Channel

SURE = Suggestion("0101", 0.97, (Word("垃圾", 1.0),))


def advice(source: Source = Source.MODEL, *suggestions: Suggestion) -> Advice:
    return Advice(source, "v1" if source is Source.MODEL else None, suggestions or (SURE,))


def test_a_sure_model_decides() -> None:
    assert decides(advice(), accept_at=0.95, type_=AppealType.COMPLAINT)
    assert decides(advice(), accept_at=0.97, type_=None)


@pytest.mark.parametrize(
    ("given", "accept_at", "type_"),
    [
        (advice(), 0.98, AppealType.COMPLAINT),
        (advice(Source.LEXICON, Suggestion("0101", 1.0)), 0.5, AppealType.COMPLAINT),
        (advice(), 0.5, AppealType.REPORT),
        (Advice(Source.MODEL, "v1", ()), 0.0, None),
        (None, 0.0, None),
    ],
)
def test_whatever_else_waits_for_an_agent(given: Advice | None, accept_at: float, type_: AppealType | None) -> None:
    assert not decides(given, accept_at=accept_at, type_=type_)


def test_clear_words_for_what_a_model_has_not_learnt_stop_it() -> None:
    words = advice(Source.LEXICON, Suggestion("0204", CLEAR_WORDS, (Word("路灯", 1.0),)))
    heard = contested(advice(), words, {"0101", "0203"})

    assert [each.category_code for each in heard.suggestions] == ["0101", "0204"]
    assert not decides(heard, accept_at=0.95, type_=AppealType.COMPLAINT)


@pytest.mark.parametrize(
    ("code", "confidence"), [("0203", 0.9), ("0204", CLEAR_WORDS - 0.01)], ids=["learnt", "not clear"]
)
def test_other_words_do_not(code: str, confidence: float) -> None:
    words = advice(Source.LEXICON, Suggestion(code, confidence))

    assert contested(advice(), words, {"0101", "0203"}) == advice()


def test_the_third_suggestion_makes_room() -> None:
    three = advice(Source.MODEL, SURE, Suggestion("0203", 0.02), Suggestion("0205", 0.01))
    heard = contested(three, advice(Source.LEXICON, Suggestion("0204", 0.8)), {"0101", "0203", "0205"})

    assert [each.category_code for each in heard.suggestions] == ["0101", "0203", "0204"]


def test_the_history_tells_who_decided_and_by_what() -> None:
    assert decision_of(advice()) == {
        "category": {"by": "model", "version": "v1", "code": "0101", "confidence": 0.97, "words": ["垃圾"]}
    }


def test_every_channel_is_either_an_agents_or_the_citizens_own() -> None:
    assert frozenset(Channel) == AGENT_CHANNELS | SELF_SERVICE
    assert not AGENT_CHANNELS & SELF_SERVICE
    assert Channel.PHONE in AGENT_CHANNELS
    assert Channel.APP in SELF_SERVICE


TREE = {
    "01": Category("01", "heading", level=1),
    "0101": Category("0101", "in use", parent_code="01"),
    "0102": Category("0102", "retired", parent_code="01", retired=True, successor_code="0103"),
    "0103": Category("0103", "retired too", parent_code="01", retired=True, successor_code="0101"),
    "0104": Category("0104", "gone", parent_code="01", retired=True),
    "02": Category("02", "heading of nothing in use", level=1),
    "0201": Category("0201", "retired", parent_code="02", retired=True),
}


@pytest.mark.parametrize(
    ("code", "today"), [("0101", "0101"), ("0102", "0101"), ("0103", "0101"), ("0104", None), ("9999", None)]
)
def test_a_learnt_category_is_followed_to_what_it_is_called_today(code: str, today: str | None) -> None:
    assert mapped_code(TREE, code) == today


def test_what_leads_nowhere_is_named() -> None:
    assert lost_codes(TREE, ("0101", "0102", "0104", "9999")) == ("0104", "9999")


def test_only_what_an_appeal_can_be_given_is_suggested() -> None:
    assert set(suggestible(TREE)) == {"0101", "02"}
