"""Suggesting by words: names, synonyms and pieces of names of the categories, each weighed by how few share it.

No segmenter: Chinese terms are looked up as substrings, English ones as stems of words. A few hundred microseconds for
a text of ordinary length, nothing but the standard library.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from services.intake.domain.categories import Category, Tree
from services.intake.domain.suggestion import (
    MOST_SUGGESTIONS,
    Advice,
    Question,
    Source,
    Suggestion,
    Word,
    suggestible,
)
from services.intake.suggestion.wording import STOP_WORDS, is_chinese, normalised, runs, stem
from shared.vocabulary import AppealType

# How much a term says, by where it comes from.
_SYNONYM: Final = 1.0
_NAME: Final = 1.0
_ENGLISH_WORD: Final = 0.6
_BIGRAM: Final = 0.35
_OF_PARENT: Final = 0.3
# A category with no word in its favour but weak ones stays below every threshold.
_DOUBT: Final = 0.8
_IN_TITLE: Final = 1.3
_RIVALS: Final = 5
_MOST_CONFIDENT: Final = 0.9
_LEAST_CONFIDENT: Final = 0.05
_LONGEST_TERM: Final = 12
_MOST_WORDS: Final = 5
_PLACED: Final = 1.05

_PARTS: Final = re.compile(r"[与和及、,，/()（）&;；\"“”·\s]+|转介|\band\b|\bor\b")
# A type that names its category by itself is read like a word of the text.
_WORDS_OF_TYPE: Final[Mapping[AppealType, str]] = {
    AppealType.PRAISE: "表扬 praise",
    AppealType.SUGGESTION: "建议",
}


@dataclass(frozen=True, slots=True)
class _Hit:
    """A term found in a text."""

    term: str
    in_title: bool


class Lexicon:
    """The terms of one version of the taxonomy, compiled for looking them up."""

    __slots__ = ("_categories", "_longest", "_terms")

    def __init__(self, tree: Tree, synonyms: Mapping[str, Iterable[str]]) -> None:
        self._categories = suggestible(tree)
        weights: dict[str, dict[str, float]] = {}
        for category in self._categories.values():
            for term, strength in _terms_of(category, tree, synonyms.get(category.code, ())):
                known = weights.setdefault(term, {})
                known[category.code] = max(strength, known.get(category.code, 0.0))
        total = len(self._categories) + 1
        self._terms = {
            term: {code: strength * _rarity(len(by_code), total) * _size(term) for code, strength in by_code.items()}
            for term, by_code in weights.items()
        }
        self._longest: dict[str, int] = {}
        for term in weights:
            if is_chinese(term):
                self._longest[term[:2]] = max(len(term), self._longest.get(term[:2], 0))

    def advise(self, question: Question) -> Advice:
        """Return up to three categories whose words stand in the text, the best first; none when no word is known."""
        found: dict[str, dict[str, float]] = {}
        for hit in self._hits(question):
            for code, weight in self._terms[hit.term].items():
                words = found.setdefault(code, {})
                words[hit.term] = max(weight * (_IN_TITLE if hit.in_title else 1.0), words.get(hit.term, 0.0))
        scored = sorted(
            ((self._score(code, words, question), code, words) for code, words in found.items()),
            key=lambda each: (-each[0], each[1]),
        )
        total = sum(score for score, _, _ in scored[:_RIVALS]) + _DOUBT
        suggestions = (
            _suggestion(code, score / total, words) for score, code, words in scored[:MOST_SUGGESTIONS] if score > 0
        )
        return Advice(Source.LEXICON, None, tuple(s for s in suggestions if s.confidence >= _LEAST_CONFIDENT))

    def _score(self, code: str, words: dict[str, float], question: Question) -> float:
        """The sum of what the words say; a piece of a longer word that was found says nothing more."""
        kept: list[str] = []
        for term in sorted(words, key=len, reverse=True):
            if any(term in longer for longer in kept):
                del words[term]
            else:
                kept.append(term)
        placed = question.located and self._categories[code].location_required
        return sum(words.values()) * (_PLACED if placed else 1.0)

    def _hits(self, question: Question) -> Iterator[_Hit]:
        yield from self._hits_in(normalised(question.title), in_title=True)
        rest = question.text[len(question.title) :]
        said_by_type = _WORDS_OF_TYPE.get(question.type, "") if question.type is not None else ""
        yield from self._hits_in(normalised(f"{rest} {said_by_type}"), in_title=False)

    def _hits_in(self, text: str, *, in_title: bool) -> Iterator[_Hit]:
        english: list[str] = []
        for run in runs(text):
            if is_chinese(run):
                yield from self._chinese(run, in_title=in_title)
            elif run not in STOP_WORDS:
                english.append(stem(run))
        for size in (1, 2, 3, 4):
            for start in range(len(english) - size + 1):
                term = " ".join(english[start : start + size])
                if term in self._terms:
                    yield _Hit(term, in_title)

    def _chinese(self, run: str, *, in_title: bool) -> Iterator[_Hit]:
        terms, longest = self._terms, self._longest
        for start in range(len(run)):
            if run[start] in longest:
                yield _Hit(run[start], in_title)
            for end in range(start + 2, min(start + longest.get(run[start : start + 2], 0), len(run)) + 1):
                if run[start:end] in terms:
                    yield _Hit(run[start:end], in_title)


def _suggestion(code: str, confidence: float, words: Mapping[str, float]) -> Suggestion:
    total = sum(words.values()) or 1.0
    best = sorted(words.items(), key=lambda each: (-each[1], each[0]))[:_MOST_WORDS]
    shown = tuple(Word(term, round(weight / total, 3)) for term, weight in best)
    return Suggestion(code, round(min(confidence, _MOST_CONFIDENT), 3), shown)


def _rarity(categories: int, total: int) -> float:
    """Near 1 for a term of one category, falling with how many share it (inverse document frequency)."""
    return math.log(total / categories) / math.log(total) if total > 1 else 1.0


def _size(term: str) -> float:
    """Longer terms are rarely there by accident."""
    length = len(term) if is_chinese(term) else 1 + 2 * len(term.split())
    return (0.5, 0.8, 1.0, 1.2)[min(length, 4) - 1]


def _terms_of(category: Category, tree: Tree, synonyms: Iterable[str]) -> Iterator[tuple[str, float]]:
    for word in synonyms:
        yield from _phrase(word, _SYNONYM)
    yield from _of_name(category, 1.0)
    parent = tree.get(category.parent_code or "")
    if parent is not None:
        yield from _of_name(parent, _OF_PARENT)


def _of_name(category: Category, share: float) -> Iterator[tuple[str, float]]:
    for name in (category.name, category.name_zh):
        yield from _phrase(name, _NAME * share)
        for part in _PARTS.split(name):
            if len(part) > 1:
                yield from _phrase(part, _NAME * share)
        for run in runs(normalised(name)):
            if is_chinese(run):
                for left, right in pairwise(run):
                    yield left + right, _BIGRAM * share
            elif run not in STOP_WORDS:
                yield stem(run), _ENGLISH_WORD * share


def _phrase(text: str, strength: float) -> Iterator[tuple[str, float]]:
    """A name or synonym as one term: its Chinese characters together, or its English words in a row."""
    found = runs(normalised(text))
    chinese = "".join(run for run in found if is_chinese(run))
    english = [stem(run) for run in found if not is_chinese(run) and run not in STOP_WORDS]
    if chinese and len(chinese) <= _LONGEST_TERM and not english:
        yield chinese, strength
    if english and not chinese and len(english) <= 4:
        yield " ".join(english), strength
