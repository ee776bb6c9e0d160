"""Suggested categories: what is asked, what is answered, and when a suggestion may decide by itself.

Pure: who suggests (the words of the taxonomy, or a model trained on the city's own records) is not known here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from services.intake.domain.categories import Category, Tree, current_successor
from shared.vocabulary import AppealType, Channel

MOST_SUGGESTIONS: Final = 3
# From this confidence of the lexicon on its words are plain enough to stop a model.
CLEAR_WORDS: Final = 0.45
# What comes later in a long letter repeats what was said before; it also bounds the time a suggestion takes.
LONGEST_TEXT: Final = 4_000

# Where nobody of the office stands between the citizen and the record: a category that came along there is the
# citizen's guess, not a confirmation.
SELF_SERVICE: Final = frozenset(
    {
        Channel.WEB,
        Channel.WECHAT,
        Channel.APP,
        Channel.SMS,
        Channel.EMAIL,
        Channel.WEB_MAILBOX,
        Channel.MESSAGE_BOARD,
        Channel.MEDIA,
        Channel.VIDEO_IOT,
        Channel.OPEN311,
    }
)
AGENT_CHANNELS: Final = frozenset(Channel) - SELF_SERVICE


class Source(StrEnum):
    """Who suggests: the words of the taxonomy, or a trained model that was switched on."""

    LEXICON = "lexicon"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Question:
    """What there is to judge by. `located` is None where nobody has said anything about a place yet."""

    title: str
    description: str = ""
    type: AppealType | None = None
    channel: Channel | None = None
    located: bool | None = None

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.description}"[:LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text that spoke for a category, and its share of the decision, 0 to 1."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One category with the confidence that it is the right one, 0 to 1, and the words that decided."""

    category_code: str
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """Up to three suggestions, the best first; `version` names the model, None for the lexicon.

    `is_contested` where the words of the text speak for a category that the model has never seen.
    """

    source: Source
    version: str | None
    suggestions: tuple[Suggestion, ...]
    is_contested: bool = False

    @property
    def top(self) -> Suggestion | None:
        return self.suggestions[0] if self.suggestions else None


def decides(advice: Advice | None, *, accept_at: float, type_: AppealType | None) -> bool:
    """Tell whether the first suggestion sets the category by itself, so that the appeal is accepted.

    Only a trained model may, only from `accept_at` on, and only among the categories it has learnt. A report is always
    read by a person first: the wrong department may be the one it is about (section 9).
    """
    if advice is None or advice.top is None or advice.is_contested or type_ is AppealType.REPORT:
        return False
    return advice.source is Source.MODEL and advice.top.confidence >= accept_at


def contested(advice: Advice, words: Advice, learnt: Collection[str]) -> Advice:
    """Return a model's advice as it stands after the lexicon was heard.

    A model knows only what it was taught: a text about anything else it puts with what is most like it, and can be
    sure of it. Where the words speak clearly for a category it has not learnt, that one is shown too and nothing is
    decided.
    """
    other = words.top
    if other is None or other.confidence < CLEAR_WORDS or other.category_code in learnt:
        return advice
    kept = advice.suggestions[: MOST_SUGGESTIONS - 1]
    return replace(advice, suggestions=(*kept, other), is_contested=True)


def decision_of(advice: Advice) -> dict[str, Any]:
    """What the history keeps of a category that a model has set: which version, how sure it was, by which words."""
    top = advice.top
    if top is None:
        return {}
    return {
        "category": {
            "by": "model",
            "version": advice.version,
            "code": top.category_code,
            "confidence": top.confidence,
            "words": [each.word for each in top.words],
        }
    }


def suggestible(tree: Tree) -> Mapping[str, Category]:
    """The categories an appeal can be given: in use, and not only the heading of others in use."""
    headings = {category.parent_code for category in tree.values() if not category.retired}
    return {code: category for code, category in tree.items() if not category.retired and code not in headings}


def mapped_code(tree: Tree, code: str) -> str | None:
    """What a category that was learnt is called today: itself, its successor, or None when nothing follows it."""
    category = tree.get(code)
    if category is None:
        return None
    if not category.retired:
        return code
    following = current_successor(tree, category)
    return following.code if following is not None else None


def lost_codes(tree: Tree, codes: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the codes that lead to no category in use."""
    return tuple(code for code in codes if mapped_code(tree, code) is None)
