"""Reads the CSV tables of a pack row by row and cell by cell, collecting what is wrong instead of stopping at it."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TypeVar

from deploy.city.faults import Faults

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
AREA_CODE = re.compile(r"\d{6}(\d{3}){0,4}")
CATEGORY_CODE = re.compile(r"(\d{2}){1,3}")
MAX_TEXT = 200
MAX_FILE_BYTES = 64 * 1024 * 1024

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


@dataclass(slots=True)
class Row:
    """One line of a table. A getter that meets a bad cell notes the fault and gives a stand-in; `ok` turns False."""

    file: str
    line: int
    cells: dict[str, str]
    faults: Faults
    ok: bool = field(default=True)

    @property
    def place(self) -> str:
        return f"line {self.line}"

    def fault(self, column: str, reason: str) -> None:
        self.ok = False
        self.faults.add(self.file, reason, place=self.place, field=column)

    def text(self, column: str, *, required: bool = True, longest: int = MAX_TEXT) -> str:
        value = self.cells.get(column, "").strip()
        if required and not value:
            self.fault(column, "is empty")
        elif len(value) > longest:
            self.fault(column, f"is longer than {longest} characters")
        elif any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in value):
            self.fault(column, "has control characters")
        return value

    def pattern(self, column: str, pattern: re.Pattern[str], what: str, *, required: bool = True) -> str:
        value = self.text(column, required=required)
        if value and not pattern.fullmatch(value):
            self.fault(column, f"'{value[:60]}' is not {what}")
        return value

    def code(self, column: str, *, required: bool = True) -> str:
        return self.pattern(column, CODE, "a code (letters, digits, - _ . up to 40)", required=required)

    def area(self, column: str, *, required: bool = True) -> str:
        return self.pattern(column, AREA_CODE, "an area code of 6, 9, 12, 15 or 18 digits", required=required)

    def category(self, column: str, *, required: bool = True) -> str:
        return self.pattern(column, CATEGORY_CODE, "a category code of 2, 4 or 6 digits", required=required)

    def maybe(self, column: str, options: type[E]) -> E | None:
        """Read one of `options`; an empty cell is None."""
        value = self.text(column, required=False)
        if not value:
            return None
        try:
            return options(value)
        except ValueError:
            self.fault(column, f"'{value[:60]}' is not one of {', '.join(options)}")
            return None

    def flag(self, column: str, *, default: bool | None = None) -> bool:
        value = self.text(column, required=default is None)
        if value in {"0", "1"}:
            return value == "1"
        if value:
            self.fault(column, f"'{value[:60]}' is neither 0 nor 1")
        return bool(default)

    def day(self, column: str) -> date:
        value = self.text(column)
        try:
            return date.fromisoformat(value)
        except ValueError:
            if value:
                self.fault(column, f"'{value[:60]}' is not a date like 2026-10-01")
            return date.min


def read_text(path: Path, faults: Faults) -> str | None:
    """Return the file as text, or None with the reason noted."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            faults.add(path.name, f"is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
            return None
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        faults.add(path.name, "is missing")
    except OSError as error:
        faults.add(path.name, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        faults.add(path.name, f"is not UTF-8 (byte {error.start})")
    return None


def read_rows(path: Path, *, required: Sequence[str], optional: Sequence[str] = (), faults: Faults) -> Iterator[Row]:
    """Yield the rows of a table whose header has all `required` columns and none that nobody knows."""
    text = read_text(path, faults)
    if text is None:
        return
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not _check_header(path.name, header, required=required, optional=optional, faults=faults):
            return
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) == len(header):
                    yield Row(path.name, line, dict(zip(header, cells, strict=True)), faults)
                else:
                    faults.add(path.name, f"has {len(cells)} cells, the header {len(header)}", place=f"line {line}")
            line = reader.line_num + 1
    except csv.Error as error:
        faults.add(path.name, f"is not a CSV table: {error}", place=f"line {reader.line_num}")


def _check_header(
    file: str, header: Sequence[str], *, required: Sequence[str], optional: Sequence[str], faults: Faults
) -> bool:
    before = len(faults.errors)
    for name in required:
        if name not in header:
            faults.add(file, "the column is missing", place="line 1", field=name)
    for name in sorted({name for name in header if name not in {*required, *optional}}):
        faults.add(file, "no such column is known", place="line 1", field=name or "(empty)")
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.add(file, "the column is there twice", place="line 1", field=name)
    return len(faults.errors) == before


def collect(rows: Iterator[Row], build: Callable[[Row], T]) -> tuple[list[tuple[Row, T]], bool]:
    """Build every row; rows with a fault are left out. The second value tells whether all were good."""
    good: list[tuple[Row, T]] = []
    complete = True
    for row in rows:
        built = build(row)
        if row.ok:
            good.append((row, built))
        else:
            complete = False
    return good, complete
