"""What a text is found by: pairs of neighbouring Chinese characters, single ones, whole words of other scripts.

PostgreSQL's own means know no Chinese words here (ADR 0020), so the service cuts the text itself. A term is stored as
a 32-bit number; two words may share one, which is why every hit is checked on the text by `Query.matches`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from zlib import crc32

# Han with its extensions, 々 and 〇, kana, Hangul: scripts that put no space between words, or write syllables.
_PAIRED: Final = "々〇぀-ヿ㐀-䶿一-鿿가-힯豈-﫿\U00020000-\U0003ffff"
_RUN: Final = re.compile(rf"[{_PAIRED}]+|[^\W_{_PAIRED}]+")
_PHRASE: Final = re.compile(r"[^\W_]+")
_IS_PAIRED: Final = re.compile(rf"[{_PAIRED}]")
_HALF: Final = 1 << 31
_MOST_KEYS: Final = 12
_GRID_LEVELS: Final = (6, 9, 12, 15, 18)


def normalise(text: str) -> str:
    """Return a text in the one form that is compared: compatibility forms and letter case do not matter."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()


def hash_of(word: str) -> int:
    """Return a word's number: signed, 32 bits, the same on every machine and in every release."""
    number = crc32(word.encode())
    return number - 2 * _HALF if number >= _HALF else number


def terms_of(*texts: str) -> set[int]:
    """Return every term of these texts, each text by itself."""
    return {hash_of(word) for text in texts for word in _words_and_characters(normalise(text))}


def words_of(*texts: str) -> set[str]:
    """Return the pairs and words that tell what a text is about: what look-alikes are compared by."""
    found: set[str] = set()
    for text in texts:
        for run in _RUN.findall(normalise(text)):
            if _IS_PAIRED.match(run) is None:
                found.add(run)
            else:
                found.update([run[at : at + 2] for at in range(len(run) - 1)])
    return found


def _words_and_characters(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        if _IS_PAIRED.match(run) is None:
            yield run
        else:
            yield from run
            yield from (first + second for first, second in pairwise(run))


def apart_words_of(*texts: str) -> list[str]:
    """Return pairs and words none of which overlaps the next, each once: sharing two of them is sharing two words."""
    runs = (match[0] for text in texts for match in _RUN.finditer(normalise(text)))
    found = (
        word
        for run in runs
        for word in ([run] if _IS_PAIRED.match(run) is None else [run[at : at + 2] for at in range(0, len(run) - 1, 2)])
    )
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Facts:
    """What else than words an appeal is found by, and what of it a search asks for."""

    category_code: str | None = None
    grid_code: str | None = None
    channel: str | None = None
    type: str | None = None
    urgency: str | None = None
    mode: str | None = None


def fact_terms(facts: Facts) -> set[int]:
    """Return the terms an appeal carries for its facts: of a grid also those of every grid it lies in."""
    grid = facts.grid_code or ""
    return {
        *_plain_facts(facts),
        *(_fact("grid", grid[:level]) for level in _GRID_LEVELS if level <= len(grid)),
        EVERY_APPEAL,
    }


def wanted_terms(facts: Facts) -> set[int]:
    """Return the terms that appeals with these facts carry; a grid also finds what lies inside it."""
    grid = {_fact("grid", facts.grid_code)} if facts.grid_code else set()
    return {*_plain_facts(facts), *grid}


def category_term(code: str) -> int:
    """Return the term of the appeals in exactly this category."""
    return _fact("category", code)


def _plain_facts(facts: Facts) -> Iterator[int]:
    for name in ("category_code", "channel", "type", "urgency", "mode"):
        value: str | None = getattr(facts, name)
        if value is not None:
            yield category_term(value) if name == "category_code" else _fact(name, value)


def _fact(kind: str, value: str) -> int:
    return hash_of(f"\x00{kind}:{value}")


EVERY_APPEAL: Final = _fact("every", "appeal")


class Query:
    """The words of a search. Each must occur: Chinese as part of any text, other words as whole words."""

    __slots__ = ("_patterns", "phrases")

    def __init__(self, text: str) -> None:
        self.phrases: Sequence[str] = tuple(dict.fromkeys(_PHRASE.findall(normalise(text))))
        self._patterns = [_pattern_of(phrase) for phrase in self.phrases]

    def __bool__(self) -> bool:
        """Whether there is anything to look for: punctuation alone finds nothing."""
        return bool(self.phrases)

    def terms(self) -> list[int]:
        """Return terms that every hit carries; of a long query some, spread over it."""
        words = list(dict.fromkeys(word for phrase in self.phrases for word in _query_words(phrase)))
        step = max(1, -(-len(words) // _MOST_KEYS))
        return [hash_of(word) for word in words[::step]]

    def matches(self, *texts: str) -> bool:
        """Whether every phrase stands in one of the texts."""
        forms = [normalise(text) for text in texts]
        return all(any(pattern.search(form) for form in forms) for pattern in self._patterns)


def _query_words(phrase: str) -> Iterator[str]:
    for match in _RUN.finditer(phrase):
        run = match[0]
        if _IS_PAIRED.match(run) is None or len(run) == 1:
            yield run
        else:
            yield from (first + second for first, second in pairwise(run))


def _pattern_of(phrase: str) -> re.Pattern[str]:
    """A word of letters must not go on in the text; a Chinese one may stand anywhere."""
    letter = rf"[^\W_{_PAIRED}]"
    before = "" if _IS_PAIRED.match(phrase[0]) else rf"(?<!{letter})"
    behind = "" if _IS_PAIRED.match(phrase[-1]) else rf"(?!{letter})"
    return re.compile(f"{before}{re.escape(phrase)}{behind}")


class Shared:
    """The longest pieces of one text whose words another has too: what a person is shown as the reason."""

    def __init__(self, *texts: str) -> None:
        self._runs = tuple(dict.fromkeys(match[0] for text in texts for match in _RUN.finditer(normalise(text))))

    def with_words(self, words: Set[str]) -> list[str]:
        """Return the pieces made of these words, each once, the longest first."""
        pieces: dict[str, None] = {}
        for run in self._runs:
            if _IS_PAIRED.match(run) is None:
                if run in words:
                    pieces[run] = None
                continue
            for piece in _covered(run, words):
                pieces[piece] = None
        return sorted(pieces, key=len, reverse=True)


def _covered(run: str, words: Set[str]) -> Iterator[str]:
    start: int | None = None
    for index in range(len(run)):
        if run[index : index + 2] in words and index + 1 < len(run):
            start = index if start is None else start
        elif start is not None:
            yield run[start : index + 1]
            start = None
