"""How alike two matters are, and why: category, distance, time and text, each weighed by itself.

Being at the same place is never enough (trap 24): place, category and time together stay below what a suggestion needs,
so some of the text has to agree. Thresholds were set on real messages to a city, Chinese and English; see ADR 0020.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import log, log2, sqrt
from typing import Final

from services.intake.domain.categories import Category, Tree
from services.intake.domain.cells import metres_between
from services.intake.domain.machine import OPEN
from services.intake.domain.terms import Shared, hash_of, normalise, words_of
from shared.vocabulary import AppealStatus

WINDOW: Final = timedelta(days=180)
ENDED_WITHIN: Final = timedelta(days=30)
NEAR_METRES: Final = 500.0
SHOWN_FROM: Final = 0.30
SUGGESTED_FROM: Final = 0.55

TEXT: Final = 0.50
DISTANCE: Final = 0.22
CATEGORY: Final = 0.20
TIME: Final = 0.08
PERSON: Final = 0.04
OTHER_OBJECT: Final = -0.50
FAR_APART: Final = -0.35

_SAME_SPOT_METRES: Final = 25.0
_FAR_METRES: Final = 2_000.0
_FRESH: Final = timedelta(days=90)
# Weighted cosine of two texts: below the first they share phrases anybody uses, from the second on it is one matter.
_UNLIKE, _ALIKE = 0.08, 0.35
# Bits that shared words must tell before they count in full: three or four rare words.
_TELLING_BITS: Final = 60.0
_RAREST_BITS: Final = 12.0
_MOST_PIECES: Final = 4
_SAME_PARENT, _SAME_ROOT, _PARENT_AND_CHILD = 0.5, 0.3, 0.7
_LONGEST_CHAIN: Final = 20
# The number of a lamp, a building, a bus line: what tells two things of one kind apart.
_OBJECT: Final = re.compile(
    r"([0-9]+)\s*(?:号|栋|幢|单元|杆|路公交|路车|弄|线|室)|(?:#|\bno\.?|\bnumber|\bpole|\bunit)\s*([0-9]+)"
)


class Kind(StrEnum):
    """What a reason is about."""

    TEXT = "text"
    DISTANCE = "distance"
    CATEGORY = "category"
    TIME = "time"
    PERSON = "person"
    OBJECT = "object"


class Suggestion(StrEnum):
    """What the agent may want to do: handle both as one, or pass on that the same person asks again."""

    ATTACH = "attach"
    URGE = "urge"


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a score; a negative weight speaks against."""

    kind: Kind
    detail: str
    weight: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two matters are, from 0 to 1, and what says so, the weightiest first."""

    score: float
    reasons: Sequence[Reason]

    @property
    def is_shown(self) -> bool:
        return self.score >= SHOWN_FROM

    @property
    def is_suggested(self) -> bool:
        return self.score >= SUGGESTED_FROM


@dataclass(frozen=True, slots=True)
class Matter:
    """What of an appeal is compared: what it says, in public wording, what it is about, where and when."""

    texts: Sequence[str]
    place: str
    category_code: str | None
    point: tuple[float, float] | None
    at: datetime
    words: Set[str] = field(init=False)
    place_words: Set[str] = field(init=False)
    objects: Set[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", words_of(*self.texts))
        object.__setattr__(self, "place_words", words_of(self.place))
        object.__setattr__(self, "objects", objects_of(*self.texts))


def objects_of(*texts: str) -> set[str]:
    """Return the numbers that name a thing: a pole, a building, a house."""
    found = (match for text in texts for match in _OBJECT.finditer(normalise(text)))
    return {(match[1] or match[2]).lstrip("0") for match in found}


class Rarity:
    """How much a word tells, in bits: the fewer appeals use it, the more."""

    def __init__(self, shares: Mapping[int, float]) -> None:
        self._shares = shares

    def bits(self, word: str) -> float:
        share = self._shares.get(hash_of(word))
        return _RAREST_BITS if share is None else min(-log2(min(share, 1.0)), _RAREST_BITS)

    def share(self, word: str) -> float | None:
        """The share of appeals that use the word; None when it is rare."""
        return self._shares.get(hash_of(word))


class Comparison:
    """One matter, ready to be compared with many.

    Words of the place and of the category's name count where place and category are compared, and not as text again.
    """

    def __init__(self, matter: Matter, *, rarity: Rarity, tree: Tree) -> None:
        self._matter = matter
        self._bits_of = {word: rarity.bits(word) for word in matter.words | matter.place_words}
        self._tree = tree
        self._shared = Shared(*matter.texts)
        self._told = matter.words - matter.place_words - _names_of(tree.get(matter.category_code or ""))

    def with_other(self, other: Matter, *, same_person: bool = False) -> Likeness:
        """Return how alike the other matter is."""
        reasons = [*self._reasons(other)]
        if same_person:
            reasons.append(Reason(Kind.PERSON, "the same person", PERSON))
        total = sum(reason.weight for reason in reasons)
        reasons.sort(key=lambda reason: -abs(reason.weight))
        return Likeness(round(min(max(total, 0.0), 1.0), 3), reasons)

    def _reasons(self, other: Matter) -> Iterator[Reason]:
        mine = self._matter
        yield from self._by_text(other)
        if mine.point is not None and other.point is not None:
            yield from _by_distance(mine.point, other.point)
        else:
            yield from self._by_address(other)
        yield from _by_category(self._tree, mine.category_code, other.category_code)
        yield from _by_time(mine.at, other.at)
        if mine.objects and other.objects and not mine.objects & other.objects:
            detail = f"names {_listed(sorted(other.objects))}, not {_listed(sorted(mine.objects))}"
            yield Reason(Kind.OBJECT, detail, OTHER_OBJECT)

    def _by_text(self, other: Matter) -> Iterator[Reason]:
        mine = self._told - other.place_words
        told = other.words - other.place_words - self._matter.place_words
        told -= _names_of(self._tree.get(other.category_code or ""))
        shared = mine & told
        if not shared:
            return
        bits = self._bits(shared)
        alike = min(max((self._cosine(mine, told, shared) - _UNLIKE) / (_ALIKE - _UNLIKE), 0.0), 1.0)
        weight = round(TEXT * alike * min(bits / _TELLING_BITS, 1.0), 3)
        if weight:
            pieces = self._shared.with_words(shared)[:_MOST_PIECES]
            yield Reason(Kind.TEXT, f"both say {_listed(pieces)}", weight)

    def _by_address(self, other: Matter) -> Iterator[Reason]:
        """Where a point is missing, the words of the places are compared."""
        mine, theirs = self._matter.place_words, other.place_words
        shared = mine & theirs
        if shared and (weight := round(DISTANCE * self._cosine(mine, theirs, shared), 3)):
            pieces = Shared(self._matter.place).with_words(set(shared))[:_MOST_PIECES]
            yield Reason(Kind.DISTANCE, f"both at {_listed(pieces)}", weight)

    def _cosine(self, mine: Set[str], theirs: Set[str], shared: Set[str]) -> float:
        """Weigh what is shared against both; how rare the other's own words are is taken from the average of mine."""
        bits, all_bits = self._bits(shared), self._bits(mine)
        their_bits = bits + (len(theirs) - len(shared)) * all_bits / len(mine)
        return bits / sqrt(max(all_bits * their_bits, 1.0))

    def _bits(self, words: Set[str]) -> float:
        return sum(map(self._bits_of.__getitem__, words))


def _names_of(category: Category | None) -> set[str]:
    return words_of(category.name, category.name_zh) if category is not None else set()


def _by_distance(one: tuple[float, float], other: tuple[float, float]) -> Iterator[Reason]:
    metres = metres_between(one, other)
    if metres <= NEAR_METRES:
        near = 1.0 - log(max(metres, _SAME_SPOT_METRES) / _SAME_SPOT_METRES) / log(NEAR_METRES / _SAME_SPOT_METRES)
        yield Reason(Kind.DISTANCE, f"{metres:.0f} m apart", round(DISTANCE * near, 3))
    else:
        far = min((metres - NEAR_METRES) / (_FAR_METRES - NEAR_METRES), 1.0)
        yield Reason(Kind.DISTANCE, f"{metres / 1000:.1f} km apart", round(FAR_APART * far, 3))


def _by_category(tree: Tree, one: str | None, other: str | None) -> Iterator[Reason]:
    if one is None or other is None:
        return
    if one == other:
        yield Reason(Kind.CATEGORY, f"the same category {one}", CATEGORY)
        return
    mine, theirs = _chain(tree, one), _chain(tree, other)
    if one in theirs or other in mine:
        yield Reason(Kind.CATEGORY, f"category {other} above or below {one}", round(CATEGORY * _PARENT_AND_CHILD, 3))
    elif len(mine) > 1 and len(theirs) > 1 and mine[1] == theirs[1]:
        yield Reason(Kind.CATEGORY, f"category {other} beside {one}", round(CATEGORY * _SAME_PARENT, 3))
    elif mine[-1] == theirs[-1]:
        yield Reason(Kind.CATEGORY, f"category {other} of the same group", round(CATEGORY * _SAME_ROOT, 3))


def _chain(tree: Tree, code: str) -> list[str]:
    """Return the category and those above it."""
    chain = [code]
    while (category := tree.get(chain[-1])) is not None and category.parent_code and len(chain) < _LONGEST_CHAIN:
        chain.append(category.parent_code)
    return chain


def root_of(tree: Tree, code: str) -> str:
    """Return the topmost category above this one."""
    return _chain(tree, code)[-1]


def _by_time(one: datetime, other: datetime) -> Iterator[Reason]:
    apart = abs(one - other)
    if apart < _FRESH:
        days = apart.days
        detail = "the same day" if days == 0 else f"{days} day{'s' if days > 1 else ''} apart"
        yield Reason(Kind.TIME, detail, round(TIME * (1 - apart / _FRESH), 3))


def suggestion_for(likeness: Likeness, status: AppealStatus, *, same_person: bool) -> Suggestion | None:
    """Return what to suggest: nothing below the threshold, and nothing about a matter that has ended."""
    is_under_way = status in OPEN or status is AppealStatus.ATTACHED
    if not (likeness.is_suggested and is_under_way):
        return None
    return Suggestion.URGE if same_person else Suggestion.ATTACH


def _listed(pieces: Sequence[str]) -> str:
    return ", ".join(f"“{piece}”" for piece in pieces)
