"""Texts as counted pieces: runs of one to four characters, as 64-bit hashes, so that no wording enters a model.

The same code serves training and suggesting, so the two can never differ. `VERSION` changes when the pieces do.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.intake.domain.suggestion import Question
from services.intake.suggestion.wording import normalised

VERSION: Final = 1
LONGEST_PIECE: Final = 4

Hashes = NDArray[np.uint64]
_FIRST: Final = np.uint64(0x9E3779B97F4A7C15)
_SECOND: Final = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT: Final = np.uint64(29)
_HALF: Final = np.uint64(32)
# Far above every code point: what an appeal says beside its text.
_CONTEXT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one text: their hashes, where each begins and how long it is, in `text`."""

    text: str
    hashes: Hashes
    starts: NDArray[np.int32]
    sizes: NDArray[np.int8]


def pieces_of(question: Question) -> Pieces:
    """Cut a question into its pieces; what it says of type, channel and place counts as pieces of no length."""
    text = normalised(question.text)
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    inside = np.fromiter((char.isalnum() for char in text), dtype=bool, count=len(text))
    hashes, starts, sizes = [], [], []
    running = np.zeros(len(points), np.uint64)
    whole = np.ones(len(points), bool)
    for size in range(1, min(LONGEST_PIECE, len(points)) + 1):
        count = len(points) - size + 1
        running = _mixed(running[:count] + points[size - 1 :] + np.uint64(size))
        whole = whole[:count] & inside[size - 1 :]
        hashes.append(running[whole])
        starts.append(np.flatnonzero(whole).astype(np.int32))
        sizes.append(np.full(len(hashes[-1]), size, np.int8))
    context = _context_of(question)
    hashes.append(context)
    starts.append(np.zeros(len(context), np.int32))
    sizes.append(np.zeros(len(context), np.int8))
    return Pieces(text, np.concatenate(hashes), np.concatenate(starts), np.concatenate(sizes))


def _context_of(question: Question) -> Hashes:
    said = [f"type={question.type.value}"] if question.type is not None else []
    if question.channel is not None:
        said.append(f"channel={question.channel.value}")
    if question.located is not None:
        said.append(f"located={question.located}")
    found = np.zeros(len(said), np.uint64)
    for index, words in enumerate(said):
        value = np.full(1, _CONTEXT, np.uint64)
        for byte in words.encode():
            value = _mixed(value + np.uint64(byte))
        found[index] = value[0]
    return found


def _mixed(values: Hashes) -> Hashes:
    """Spread values over all 64 bits; overflow is wanted."""
    values = values * _FIRST
    values ^= values >> _SHIFT
    values = values * _SECOND
    values ^= values >> _HALF
    return values
