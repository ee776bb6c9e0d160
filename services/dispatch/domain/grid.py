"""Grid codes (section 6): strings of 6, 9, 12, 15 or 18 digits whose prefix is the parent; never numbers (trap 36).

A grid keeps its code for ever: a split or merge makes new codes with predecessors and dates of validity.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.errors import FieldProblem, InvalidInput

LENGTHS = (6, 9, 12, 15, 18)
_BLOCK = 3
_UNKNOWN_BLOCK = "000"
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class DutyHolder:
    """Who answers for a grid during a span of days; names here are public notice (BZ 6)."""

    post: str
    name: str
    department_code: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid(self, on: date) -> bool:
        return _covers(self.valid_from, self.valid_to, on)


@dataclass(frozen=True, slots=True)
class Grid:
    """One area of the registry. `valid_to` is the first day on which it no longer exists."""

    code: str
    name: str
    valid_from: date | None = None
    valid_to: date | None = None
    predecessors: tuple[str, ...] = ()
    duty_holders: tuple[DutyHolder, ...] = ()
    version: int = 1

    @property
    def level(self) -> int:
        return level_of(self.code)

    @property
    def is_special(self) -> bool:
        """Parks, campuses and stations have a grid block from 900 (专属网格)."""
        return len(self.code) >= 15 and self.code[12] == "9"

    def is_valid(self, on: date) -> bool:
        return _covers(self.valid_from, self.valid_to, on)


@dataclass(frozen=True, slots=True)
class StoredGrid:
    """A grid with its outline as it is stored (WKB of a polygon or multipolygon, WGS-84), if it has one."""

    grid: Grid
    wkb: bytes | None = None


def parse_code(text: str, *, field: str = "/grid_code") -> str:
    """Return the code without its trailing `000` blocks, which mean "the whole parent" or "not known".

    Raises InvalidInput for anything but 6, 9, 12, 15 or 18 digits and for an unknown block in front of a known one.
    """
    if len(text) not in LENGTHS or _DIGITS.fullmatch(text) is None:
        raise InvalidInput(
            "A grid code is a string of digits", [FieldProblem(field, "must be 6, 9, 12, 15 or 18 digits", LENGTHS)]
        )
    code = known_part(text)
    blocks = [code[index : index + _BLOCK] for index in range(LENGTHS[0], len(code), _BLOCK)]
    if _UNKNOWN_BLOCK in blocks:
        raise InvalidInput(
            "A grid code cannot know a smaller area inside an unknown one",
            [FieldProblem(field, "has a 000 block before a known one")],
        )
    return code


def known_part(code: str) -> str:
    """`411002001000000` says only the street: `411002001`."""
    while len(code) > LENGTHS[0] and code.endswith(_UNKNOWN_BLOCK):
        code = code[:-_BLOCK]
    return code


def padded(code: str, length: int = 15) -> str:
    """Fill up with `000` blocks: what is written on an appeal of which only the street is known."""
    return code.ljust(length, "0")


def level_of(code: str) -> int:
    """1 for a district (6 digits) up to 5 for a building unit (18 digits)."""
    return LENGTHS.index(len(code)) + 1


def parent_of(code: str) -> str | None:
    """The own code without its last block; None for a district."""
    return code[:-_BLOCK] if len(code) > LENGTHS[0] else None


def ancestors(code: str | None) -> tuple[str, ...]:
    """The code itself and every area around it, smallest first; empty for None."""
    if not code:
        return ()
    code = known_part(code)
    return tuple(code[:length] for length in range(len(code), LENGTHS[0] - 1, -_BLOCK))


def duty_holder(
    grids: Mapping[str, Grid], code: str, on: date, post: str | None = None
) -> tuple[str, DutyHolder] | None:
    """Return who answers for an area: the longest prefix with a holder that day; a vacant post falls to its parent.

    None only when not even the district has one (trap 37). Answers (grid code, holder).
    """
    for candidate in ancestors(code):
        grid = grids.get(candidate)
        if grid is None or not grid.is_valid(on):
            continue
        for holder in grid.duty_holders:
            if holder.is_valid(on) and (post is None or holder.post == post):
                return candidate, holder
    return None


def _covers(valid_from: date | None, valid_to: date | None, on: date) -> bool:
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)
