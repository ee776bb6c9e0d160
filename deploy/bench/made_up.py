"""Made-up appeals by the hundred thousand: words as unevenly common as real ones, places, states, all of one seed.

No text of a person is in it: the words are random syllables and characters, drawn by rank as natural words are.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final
from uuid import UUID

from deploy.bench.field import CENTRE, REACH

DAYS: Final = 400
_CHARACTERS: Final = 2_500
_WORDS: Final = 6_000
_NAMES: Final = 200_000
_CHINESE_SHARE: Final = 0.75
_SYLLABLES: Final = (
    "ba",
    "cor",
    "den",
    "fil",
    "gam",
    "hos",
    "jun",
    "kel",
    "lor",
    "mit",
    "nop",
    "rus",
    "sta",
    "tev",
    "wix",
)
_STATES: Final = {
    "closed": 0.90,
    "archived": 0.045,
    "in_progress": 0.03,
    "awaiting_callback": 0.015,
    "awaiting_acknowledgement": 0.008,
    "suspended": 0.0015,
    "reported_up": 0.0005,
}
_CHANNELS: Final = {"phone": 0.6, "app": 0.2, "web": 0.1, "wechat": 0.06, "grid": 0.03, "email": 0.008, "box": 0.002}
_TYPES: Final = {"help": 0.5, "complaint": 0.3, "consultation": 0.15, "suggestion": 0.05}


@dataclass(frozen=True, slots=True)
class MadeUp:
    """One appeal of the past."""

    id: UUID
    created_at: datetime
    title: str
    description: str
    category: str
    state: str
    channel: str
    type: str
    department: str
    grid: str
    longitude: float
    latitude: float


class Author:
    """Writes appeals; the same ones for the same seed and categories."""

    def __init__(self, categories: Sequence[str], seed: int = 311) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a load pattern
        characters = [chr(0x4E00 + 7 * number) for number in range(_CHARACTERS)]
        self.chinese = [self._chinese_word(characters) for _ in range(_WORDS)]
        self.english = ["".join(self._random.choices(_SYLLABLES, k=3)) for _ in range(_WORDS)]
        self._ranks = list(accumulate(1 / rank for rank in range(1, _WORDS + 1)))
        self.categories = list(categories)
        self._category_ranks = list(accumulate(1 / rank for rank in range(1, len(self.categories) + 1)))

    def _chinese_word(self, characters: Sequence[str]) -> str:
        return "".join(self._random.choices(characters, k=self._random.choice((2, 2, 2, 3, 4))))

    def appeals(self, count: int, until: datetime) -> Iterator[MadeUp]:
        """Write so many, the oldest first, evenly over the days before `until`."""
        step = timedelta(days=DAYS) / count
        for number in range(count):
            yield self._appeal(number, until - step * (count - number))

    def _appeal(self, number: int, at: datetime) -> MadeUp:
        chance = self._random
        identity = (
            (int(at.timestamp() * 1000) << 80) | (0x7 << 76) | (0b10 << 62) | (number << 20) | chance.getrandbits(20)
        )
        title, description = self.text()
        longitude, latitude = self.point()
        return MadeUp(
            id=UUID(int=identity),
            created_at=at,
            title=title,
            description=description,
            category=chance.choices(self.categories, cum_weights=self._category_ranks)[0],
            state=self._one_of(_STATES),
            channel=self._one_of(_CHANNELS),
            type=self._one_of(_TYPES),
            department=f"D{int(chance.paretovariate(0.6)) % 60:02d}",
            grid=f"411002{chance.randrange(1, 15):03d}{chance.randrange(1, 12):03d}{chance.randrange(1, 9):03d}",
            longitude=longitude,
            latitude=latitude,
        )

    def text(self) -> tuple[str, str]:
        """Return a title and a description: some thirty words, one in four texts in Latin letters."""
        chance = self._random
        is_chinese = chance.random() < _CHINESE_SHARE
        drawn = chance.choices(
            self.chinese if is_chinese else self.english, cum_weights=self._ranks, k=chance.randint(16, 44)
        )
        drawn.insert(3, self.name(chance.randrange(_NAMES), is_chinese=is_chinese))
        if is_chinese:
            sentences = ("".join(drawn[start : start + 5]) for start in range(5, len(drawn), 5))
            return "".join(drawn[:5]), ",".join(sentences) + "。"
        return " ".join(drawn[:5]), " ".join(drawn[5:]) + "."

    def name(self, number: int, *, is_chinese: bool) -> str:
        """Return the name of a street or an estate: one of very many."""
        if is_chinese:
            return "".join(chr(0x4E00 + (number * factor) % 20_000) for factor in (7_919, 104_729, 1_299_709))
        return "q" + "".join(_SYLLABLES[(number // len(_SYLLABLES) ** place) % len(_SYLLABLES)] for place in range(5))

    def point(self) -> tuple[float, float]:
        """Return a place in the city, denser towards its middle."""
        chance = self._random
        angle, radius = chance.uniform(0, 2 * math.pi), REACH * abs(chance.gauss(0, 0.8))
        return round(CENTRE[0] + radius * math.cos(angle), 6), round(CENTRE[1] + radius * math.sin(angle), 6)

    def _one_of(self, shares: dict[str, float]) -> str:
        return self._random.choices(list(shares), weights=list(shares.values()))[0]
