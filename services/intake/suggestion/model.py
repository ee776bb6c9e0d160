"""A trained model as arrays: weights of pieces per category and a curve that turns a margin into a confidence.

NumPy only. A prediction is a look-up of the text's pieces and one sum over their rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.intake.domain.suggestion import MOST_SUGGESTIONS, Advice, Question, Source, Suggestion, Word
from services.intake.suggestion.features import LONGEST_PIECE, Hashes, Pieces, pieces_of

# The label of what belongs to none of the categories that were learnt; it is never suggested.
REST: Final = ""
_MOST_WORDS: Final = 5
_LEAST_CONFIDENT: Final = 0.02
_LONGEST_WORD: Final = 24
_MARKED: Final = 0.2
_SHORT_PIECE: Final = 2


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text in a model's terms: which rows its pieces are, what each weighs in it, and where it stands first."""

    text: str
    rows: NDArray[Any]
    values: NDArray[np.float32]
    starts: NDArray[np.int32]
    sizes: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Model:
    """`weights` has a row per known piece and a column per label; the hashes are sorted."""

    version: str
    labels: tuple[str, ...]
    hashes: Hashes
    rarity: NDArray[np.float32]
    weights: NDArray[np.float16]
    offsets: NDArray[np.float32]
    slopes: NDArray[np.float32]
    shifts: NDArray[np.float32]

    def advise(self, question: Question, renamed: Mapping[str, str | None] | None = None) -> Advice:
        """Return up to three categories, the best first; none when no piece of the text is known.

        `renamed` maps what was learnt to what is in use today; None leaves a label out.
        """
        encoded = encode(pieces_of(question), self.hashes, self.rarity)
        if not len(encoded.rows):
            return Advice(Source.MODEL, self.version, ())
        found = self._best(self.confidences(self.margins(encoded)), renamed or {})
        suggestions = (
            Suggestion(code, round(min(confidence, 1.0), 4), self._words(encoded, index))
            for code, confidence, index in found
        )
        return Advice(Source.MODEL, self.version, tuple(suggestions))

    def judge(self, question: Question) -> tuple[str, float]:
        """Return the most likely label, which may be the rest, and its confidence."""
        confidences = self.confidences(self.margins(encode(pieces_of(question), self.hashes, self.rarity)))
        best = int(np.argmax(confidences))
        return self.labels[best], float(confidences[best])

    def margins(self, encoded: Encoded) -> NDArray[np.float32]:
        """How far the text lies on each label's side."""
        margins: NDArray[np.float32] = encoded.values @ self.weights[encoded.rows].astype(np.float32) + self.offsets
        return margins

    def confidences(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each label's own probability, made smaller where they add up to more than one, never larger.

        A text that belongs to nothing that was learnt thus stays unlikely everywhere.
        """
        own = 1.0 / (1.0 + np.exp(-np.clip(self.slopes * margins + self.shifts, -30.0, 30.0)))
        confidences: NDArray[np.float32] = own / max(float(own.sum()), 1.0)
        return confidences

    def _best(
        self, confidences: NDArray[np.float32], renamed: Mapping[str, str | None]
    ) -> Sequence[tuple[str, float, int]]:
        """The likeliest categories in use; those that were merged since count together."""
        found: dict[str, tuple[float, int]] = {}
        for index in np.argsort(-confidences).tolist():
            label, confidence = self.labels[index], float(confidences[index])
            code = renamed.get(label, label) if label != REST else None
            if confidence < _LEAST_CONFIDENT:
                break
            if code in found:
                found[code] = (found[code][0] + confidence, found[code][1])
            elif code is not None:
                found[code] = (confidence, index)
        best = sorted(found.items(), key=lambda each: -each[1][0])[:MOST_SUGGESTIONS]
        return [(code, confidence, index) for code, (confidence, index) in best]

    def _words(self, encoded: Encoded, index: int) -> tuple[Word, ...]:
        """The stretches of the text whose pieces spoke most for a label."""
        said = encoded.values * self.weights[encoded.rows, index].astype(np.float32)
        worth = np.zeros(len(encoded.text) + LONGEST_PIECE)
        for step in range(LONGEST_PIECE):
            reach = encoded.sizes > step
            shares = said[reach] / encoded.sizes[reach]
            worth += np.bincount(encoded.starts[reach] + step, weights=shares, minlength=len(worth))
        return _stretches(encoded.text, worth[: len(encoded.text)])


def encode(pieces: Pieces, known: Hashes, rarity: NDArray[np.float32]) -> Encoded:
    """Look up a text's pieces among the known ones and weigh them: sublinear TF-IDF of Euclidean length 1.

    Characters and pairs that nobody has learnt count in the length as the rarest that were, so that a text of foreign
    words lies near no category; longer pieces are new in every text and say nothing.
    """
    hashes, firsts, counts = np.unique(pieces.hashes, return_index=True, return_counts=True)
    starts, sizes = pieces.starts[firsts], pieces.sizes[firsts]
    if not len(known) or not len(hashes):
        return Encoded(pieces.text, firsts[:0], np.zeros(0, np.float32), starts[:0], sizes[:0])
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    there = known[places] == hashes
    weights = (1.0 + np.log(counts)).astype(np.float32)
    rows = places[there]
    values = weights[there] * rarity[rows]
    foreign = weights[~there & (sizes > 0) & (sizes <= _SHORT_PIECE)] * rarity.max()
    length = float(np.sqrt(np.square(values).sum() + np.square(foreign).sum())) or 1.0
    return Encoded(pieces.text, rows, values / np.float32(length), starts[there], sizes[there])


def _stretches(text: str, worth: NDArray[Any]) -> tuple[Word, ...]:
    """Runs of characters above a fifth of the best one, the strongest first; words of Latin script are kept whole."""
    best = float(worth.max(initial=0.0))
    if best <= 0.0:
        return ()
    marked = worth > best * _MARKED
    found: dict[str, float] = {}
    position = 0
    for mark in np.flatnonzero(marked).tolist():
        if mark < position:
            continue
        start = end = mark
        while end < len(text) and marked[end] and text[end].isalnum():
            end += 1
        if end > start:
            start, end = _whole_word(text, start, end)
        word = text[start:end]
        position = max(end, mark + 1)
        if 1 < len(word) <= _LONGEST_WORD:
            found[word] = found.get(word, 0.0) + float(worth[start:end].sum())
    return _shares(found)


def _whole_word(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a stretch to the ends of the Latin word it cuts through."""
    while start > 0 and _is_latin(text[start - 1]) and _is_latin(text[start]):
        start -= 1
    while end < len(text) and _is_latin(text[end]) and _is_latin(text[end - 1]):
        end += 1
    return start, end


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _shares(found: Mapping[str, float]) -> tuple[Word, ...]:
    total = sum(value for value in found.values() if value > 0) or 1.0
    best = sorted(found.items(), key=lambda each: (-each[1], each[0]))[:_MOST_WORDS]
    return tuple(Word(word, round(value / total, 3)) for word, value in best if value > 0)
