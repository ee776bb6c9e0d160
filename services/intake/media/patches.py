"""Cleaning in place: bytes of a file that others get as zeros, or as other bytes, while the original stays as it came.

The places of everything else stay what they were, so nothing inside the file has to be recomputed, and a clean copy
of a large video need not be stored.
"""

import base64
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.intake.domain.attachments import DamagedFile

_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Patch:
    """`length` bytes from `offset` on are shown as `shown`, or as zeros."""

    offset: int
    length: int
    shown: bytes | None = None


def merged(patches: Iterable[Patch]) -> list[Patch]:
    """In the order of their places, neighbouring zeros as one; of two that overlap the later named wins nothing.

    Raises DamagedFile for a file with so much to leave out that it cannot be an honest one.
    """
    found: list[Patch] = []
    for patch in sorted(patches, key=lambda patch: patch.offset):
        if not patch.length:
            continue
        before = found[-1] if found else None
        if before is not None and patch.offset <= before.offset + before.length:
            if patch.shown is None and before.shown is None:
                end = max(before.offset + before.length, patch.offset + patch.length)
                found[-1] = Patch(before.offset, end - before.offset)
                continue
            if patch.offset < before.offset + before.length:
                raise DamagedFile("names the same bytes twice")
        found.append(patch)
    if len(found) > _MOST:
        raise DamagedFile("has more descriptive data than can be left out")
    return found


def apply(patches: Sequence[Patch], piece: bytes, start: int) -> bytes:
    """Return a piece of the file that begins at `start` as others get it. `patches` are in order and do not overlap."""
    stop = start + len(piece)
    index = max(0, bisect_right(patches, start, key=lambda patch: patch.offset) - 1)
    changed: bytearray | None = None
    for patch in patches[index:]:
        if patch.offset >= stop:
            break
        first, last = max(start, patch.offset), min(stop, patch.offset + patch.length)
        if first >= last:
            continue
        changed = changed if changed is not None else bytearray(piece)
        shown = patch.shown if patch.shown is not None else bytes(patch.length)
        changed[first - start : last - start] = shown[first - patch.offset : last - patch.offset]
    return piece if changed is None else bytes(changed)


def to_json(patches: Iterable[Patch]) -> list[list[Any]]:
    """As they are kept in the sealed record."""
    return [[p.offset, p.length, None if p.shown is None else base64.b64encode(p.shown).decode()] for p in patches]


def from_json(stored: Iterable[Sequence[Any]]) -> list[Patch]:
    """The reverse of to_json."""
    return [Patch(offset, size, None if shown is None else base64.b64decode(shown)) for offset, size, shown in stored]
