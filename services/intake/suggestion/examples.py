"""What a model learns from: texts with the category a person gave them, each once, split before anything else.

A text that stands in both parts would be recognised, not understood, and the report would be too good.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.intake.domain.suggestion import Question
from services.intake.suggestion.model import REST
from services.intake.suggestion.wording import normalised, runs

FEWEST_PER_LABEL: Final = 10
FEWEST_LABELS: Final = 2


class TooFewExamples(Exception):
    """There is not enough to learn from; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Example:
    """One confirmed record: what was said, and the category it belongs to."""

    question: Question
    label: str


@dataclass(frozen=True, slots=True)
class Split:
    """The part to learn from, the part held back, and what was left out."""

    training: tuple[Example, ...]
    held_back: tuple[Example, ...]
    repetitions: int
    rare: dict[str, int]


def split(examples: Iterable[Example], *, held_back: float, seed: int, fewest: int = FEWEST_PER_LABEL) -> Split:
    """Drop repetitions, put rare labels together as the rest, hold back a share of every label.

    Texts that differ in punctuation and spaces only are one; its last label counts. Raises TooFewExamples when fewer
    than two labels have enough.
    """
    given = list(examples)
    latest = {"".join(runs(normalised(example.question.text))): example for example in given}
    latest.pop("", None)
    counts = Counter(example.label for example in latest.values())
    rare = {label: count for label, count in sorted(counts.items()) if count < fewest}
    if len(counts) - len(rare) < FEWEST_LABELS:
        raise TooFewExamples(
            f"{len(counts) - len(rare)} categories have {fewest} or more different texts; at least "
            f"{FEWEST_LABELS} are needed ({len(given)} records were read)"
        )
    by_label: dict[str, list[Example]] = {}
    for example in latest.values():
        label = REST if example.label in rare else example.label
        by_label.setdefault(label, []).append(replace(example, label=label))
    training: list[Example] = []
    kept: list[Example] = []
    chance = random.Random(seed)  # noqa: S311 - a shuffle that can be repeated
    for label, found in sorted(by_label.items()):
        if label == REST and len(found) < fewest:
            continue
        chance.shuffle(found)
        share = min(max(1, round(len(found) * held_back)), len(found) - 1)
        kept += found[:share]
        training += found[share:]
    return Split(tuple(training), tuple(kept), len(given) - len(latest), rare)


def labels_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """Every label once, in order."""
    return tuple(sorted({example.label for example in examples}))
