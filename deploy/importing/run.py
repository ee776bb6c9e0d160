"""The import itself: read, map, store in batches, remember how far it came. A bad row never stops the others."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from deploy.errors import StackError
from deploy.importing.files import (
    BadRows,
    Checkpoint,
    CsvFile,
    Line,
    read_checkpoint,
    write_checkpoint,
)
from deploy.importing.mapping import FieldMapping
from deploy.importing.rows import BadRow, PastRequest, RowReader

BATCH = 500


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """How many of a batch are new, how many were there already, and which were refused with what reason."""

    imported: int
    duplicates: int
    refused: tuple[BadRow, ...] = ()


class Store(Protocol):
    """Where past requests go."""

    async def store(self, batch: Sequence[PastRequest]) -> StoredBatch: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import did; `resumed_at` is the line an earlier one had come to."""

    rows: int = 0
    imported: int = 0
    duplicates: int = 0
    bad: int = 0
    resumed_at: int | None = None
    seconds: float = 0.0

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """The file to read and the two that are written beside it."""

    source: Path
    checkpoint: Path
    rejected: Path


async def import_file(
    files: ImportFiles,
    mapping: FieldMapping,
    reader: RowReader,
    store: Store,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Import the file from its checkpoint on; `on_rows` hears how many more rows are done.

    Idempotent: what is on record already counts as a duplicate. The checkpoint is removed at the end of the file.
    Raises StackError when the file cannot be read or is not the one the checkpoint was written for.
    """
    began = time.monotonic()
    file = CsvFile(files.source, mapping)
    try:
        missing = reader.missing_columns(file.header)
        if missing:
            raise StackError(f"{files.source} has no column {', '.join(missing)} that the mapping names")
        checkpoint = read_checkpoint(files.checkpoint)
        lines = iter(file)
        skipped = _skip(lines, checkpoint, files, mapping.columns.external_id)
        on_rows(skipped)
        rejected = BadRows(files.rejected, append=checkpoint is not None)
        run = _Run(reader, store, rejected, files.checkpoint, mapping.columns.external_id)
        try:
            summary = await run.all(lines, on_rows)
        finally:
            rejected.close()
    finally:
        file.close()
    files.checkpoint.unlink(missing_ok=True)
    resumed_at = checkpoint.line if checkpoint is not None else None
    return replace(summary, resumed_at=resumed_at, seconds=time.monotonic() - began)


def _skip(lines: Iterator[Line], checkpoint: Checkpoint | None, files: ImportFiles, id_column: str) -> int:
    """Go to the row after the checkpoint, and make sure that it was written for this file."""
    if checkpoint is None:
        return 0
    for count, line in enumerate(lines, start=1):
        if line.number == checkpoint.line and line.cells.get(id_column, "").strip() == checkpoint.external_id:
            return count
        if line.number >= checkpoint.line:
            break
    raise StackError(
        f"the checkpoint {files.checkpoint} belongs to another file than {files.source}: "
        f"line {checkpoint.line} is not {checkpoint.external_id}; remove it to begin anew"
    )


class _Run:
    """One pass over the rest of a file."""

    def __init__(self, reader: RowReader, store: Store, rejected: BadRows, checkpoint: Path, id_column: str) -> None:
        self._reader = reader
        self._store = store
        self._rejected = rejected
        self._checkpoint = checkpoint
        self._id_column = id_column
        self._seen: set[str] = set()

    async def all(self, lines: Iterator[Line], on_rows: Callable[[int], None]) -> Summary:
        summary = Summary()
        batch: list[Line] = []
        for line in lines:
            batch.append(line)
            if len(batch) == BATCH:
                summary = await self._batch(batch, summary)
                on_rows(len(batch))
                batch = []
        if batch:
            summary = await self._batch(batch, summary)
            on_rows(len(batch))
        return summary

    async def _batch(self, lines: Sequence[Line], summary: Summary) -> Summary:
        good: list[PastRequest] = []
        bad: list[BadRow] = []
        repeated = 0
        for line in lines:
            row = self._read(line)
            if isinstance(row, BadRow):
                bad.append(row)
            elif row.external_id in self._seen:
                repeated += 1
            else:
                self._seen.add(row.external_id)
                good.append(row)
        stored = await self._store.store(good) if good else StoredBatch(0, 0)
        for refused in sorted((*bad, *stored.refused), key=lambda each: each.line):
            self._rejected.add(refused)
        self._rejected.flush()
        last = lines[-1]
        write_checkpoint(self._checkpoint, Checkpoint(last.number, last.cells.get(self._id_column, "").strip()))
        return Summary(
            rows=summary.rows + len(lines),
            imported=summary.imported + stored.imported,
            duplicates=summary.duplicates + stored.duplicates + repeated,
            bad=summary.bad + len(bad) + len(stored.refused),
        )

    def _read(self, line: Line) -> PastRequest | BadRow:
        if line.fault:
            return BadRow(line.number, line.cells.get(self._id_column, "").strip(), (line.fault,))
        return self._reader.read(line.number, line.cells)
