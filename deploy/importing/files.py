"""Reads a CSV or CSV.gz file with line numbers; keeps the two files an import writes: progress and bad rows."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from deploy.errors import StackError
from deploy.importing.mapping import FieldMapping
from deploy.importing.rows import BadRow

csv.field_size_limit(1_000_000)


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it stands in the file; `fault` says why it could not even be split into cells."""

    number: int
    cells: dict[str, str]
    fault: str = ""


def open_text(path: Path, encoding: str) -> IO[str]:
    try:
        if path.suffix == ".gz":
            return TextIOWrapper(gzip.open(path), encoding=encoding, errors="strict", newline="")
        return path.open(encoding=encoding, newline="")
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror}") from error
    except LookupError as error:
        raise StackError(f"the mapping names an unknown encoding: {encoding}") from error


def count_lines(path: Path) -> int:
    """About how many rows there are: for the progress bar, so line breaks inside cells may be counted too."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            lines = 0
            while block := file.read(1 << 20):
                lines += block.count(b"\n")
    except (OSError, EOFError) as error:
        raise StackError(f"{path} cannot be read: {error}") from error
    return max(lines - 1, 0)


class CsvFile:
    """The header, then the rows; a row that cannot be split is passed on with its fault."""

    def __init__(self, path: Path, mapping: FieldMapping) -> None:
        self._path = path
        self._file = open_text(path, mapping.encoding)
        self._reader = csv.reader(self._file, delimiter=mapping.delimiter)
        try:
            self.header = [name.strip() for name in next(self._reader, [])]
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            self.close()
            raise StackError(f"{path} cannot be read: {error}") from error

    def __iter__(self) -> Iterator[Line]:
        width = len(self.header)
        while True:
            number = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(number, {}, f"is not a row of a CSV file: {error}")
                continue
            except (OSError, EOFError, UnicodeDecodeError) as error:
                raise StackError(f"{self._path} cannot be read after line {number - 1}: {error}") from error
            if not cells:
                continue
            fault = "" if len(cells) == width else f"has {len(cells)} cells, the header {width}"
            yield Line(number, dict(zip(self.header, cells, strict=False)), fault)

    def close(self) -> None:
        self._file.close()


# --- progress -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to `line` is stored; that line's own external id proves that the file is still the same one."""

    line: int
    external_id: str


def read_checkpoint(path: Path) -> Checkpoint | None:
    try:
        return Checkpoint(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"the checkpoint {path} cannot be read; remove it to begin anew: {error}") from error


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Whole or not at all: an import that is killed here finds the one before."""
    try:
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(json.dumps(asdict(checkpoint)), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise StackError(f"the checkpoint {path} cannot be written: {error.strerror}") from error


class BadRows:
    """The report of what was left out: line, external id, reasons. No bad rows, no file."""

    def __init__(self, path: Path, *, append: bool) -> None:
        self.path = path
        self.count = 0
        self._append = append and path.exists()
        self._file: IO[str] | None = None

    def add(self, row: BadRow) -> None:
        if self._file is None:
            self._file = self._open()
        csv.writer(self._file).writerow([row.line, row.external_id, "; ".join(row.reasons)])
        self.count += 1

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> IO[str]:
        try:
            file = self.path.open("a" if self._append else "w", encoding="utf-8", newline="")
        except OSError as error:
            raise StackError(f"the report {self.path} cannot be written: {error.strerror}") from error
        if not self._append:
            csv.writer(file).writerow(["line", "external_id", "reasons"])
        return file
