"""Labelled texts from a file: CSV or JSON lines, plain or gzipped; every fault is one line with its number."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final

from deploy.errors import StackError
from services.intake.domain.suggestion import Question
from services.intake.suggestion.examples import Example
from shared.vocabulary import AppealType, Channel

MOST_EXAMPLES: Final = 1_000_000
_LONGEST_CELL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `type` and `channel` are read where there are such."""

    text: str = "text"
    label: str = "label"


def read_examples(path: Path, columns: Columns) -> list[Example]:
    """Return the labelled texts of a file. Raises StackError naming file and line."""
    examples: list[Example] = []
    for number, row in _rows(path):
        missing = [name for name in (columns.text, columns.label) if not str(row.get(name) or "").strip()]
        if missing:
            raise StackError(f"{path}, line {number}: {' and '.join(missing)} missing or empty")
        if len(examples) >= MOST_EXAMPLES:
            raise StackError(f"{path} has more than {MOST_EXAMPLES:,} rows")
        examples.append(_example(path, number, row, columns))
    return examples


def _example(path: Path, number: int, row: dict[str, Any], columns: Columns) -> Example:
    try:
        type_ = AppealType(row["type"]) if row.get("type") else None
        channel = Channel(row["channel"]) if row.get("channel") else None
    except ValueError as error:
        raise StackError(f"{path}, line {number}: {error}") from error
    title, _, rest = str(row[columns.text]).strip().partition("\n")
    return Example(Question(title, rest, type_, channel), str(row[columns.label]).strip())


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    name = path.name.removesuffix(".gz")
    read = _json_lines if name.endswith((".jsonl", ".ndjson")) else _csv_rows if name.endswith(".csv") else None
    if read is None:
        raise StackError(f"{path}: give a .csv or .jsonl file, gzipped if you like")
    try:
        with _opened(path) as stream:
            yield from read(path, stream)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise StackError(f"{path} cannot be read: {error}") from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _csv_rows(path: Path, stream: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.DictReader(stream)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise StackError(f"{path}, line {reader.line_num}: {error}") from error


def _json_lines(path: Path, stream: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise StackError(f"{path}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise StackError(f"{path}, line {number}: not a JSON object")
        yield number, row
