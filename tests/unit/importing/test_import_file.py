"""An import stores every good row once, reports every bad one, and goes on where it was interrupted."""

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.importing import run
from deploy.importing.mapping import FieldMapping, read_mapping
from deploy.importing.rows import BadRow, KnownCodes, PastRequest, RowReader
from deploy.importing.run import ImportFiles, StoredBatch, Summary, import_file

MAPPING = """
system = "old"
[columns]
external_id = "id"
opened_at = "opened"
category = "kind"
department = "unit"
[times]
zone = "UTC"
"""


class MemoryStore:
    """Keeps what it is given, by external id; can be told to break down after some batches."""

    def __init__(self, breaks_after: int | None = None, refuses: frozenset[str] = frozenset()) -> None:
        self.kept: dict[str, PastRequest] = {}
        self.batches = 0
        self.breaks_after = breaks_after
        self.refuses = refuses

    async def store(self, batch: Sequence[PastRequest]) -> StoredBatch:
        if self.breaks_after is not None and self.batches >= self.breaks_after:
            raise ConnectionError("the database went away")
        self.batches += 1
        refused = tuple(
            BadRow(each.line, each.external_id, ("no",)) for each in batch if each.external_id in self.refuses
        )
        taken = [each for each in batch if each.external_id not in self.refuses]
        new = [each for each in taken if each.external_id not in self.kept]
        self.kept.update({each.external_id: each for each in new})
        return StoredBatch(len(new), len(taken) - len(new), refused)


@pytest.fixture
def mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FieldMapping:
    monkeypatch.setattr(run, "BATCH", 10)
    path = tmp_path / "m.toml"
    path.write_text(MAPPING)
    return read_mapping(path)


def files(tmp_path: Path, rows: Sequence[str], name: str = "in.csv") -> ImportFiles:
    source = tmp_path / name
    text = "id,opened,kind,unit\n" + "".join(f"{row}\n" for row in rows)
    source.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return ImportFiles(source, tmp_path / "in.progress", tmp_path / "in.rejected.csv")


def row(number: int) -> str:
    return f"R{number},2015-01-01T00:00:00,0101,ROADS"


async def imported(found: ImportFiles, mapping: FieldMapping, store: MemoryStore) -> Summary:
    known = KnownCodes({"0101"}, {"ROADS"}, set())
    return await import_file(found, mapping, RowReader(mapping, known, datetime(2026, 1, 1, tzinfo=UTC)), store)


def report(found: ImportFiles) -> list[list[str]]:
    with found.rejected.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz"])
async def test_every_row_is_stored_once(tmp_path: Path, mapping: FieldMapping, name: str) -> None:
    store = MemoryStore()
    found = files(tmp_path, [row(number) for number in range(25)], name)

    summary = await imported(found, mapping, store)

    assert (summary.rows, summary.imported, summary.bad) == (25, 25, 0)
    assert store.kept["R24"].line == 26
    assert not found.checkpoint.exists()
    assert not found.rejected.exists()


async def test_bad_rows_are_reported_with_line_and_reason_and_stop_nothing(
    tmp_path: Path, mapping: FieldMapping
) -> None:
    rows = [row(1), "R2,never,0101,ROADS", "R3,too,few", '"R4\nX",2015-01-01T00:00:00,0101,ROADS', row(5), row(6)]
    store = MemoryStore(refuses=frozenset({"R6"}))
    found = files(tmp_path, rows)

    summary = await imported(found, mapping, store)

    assert (summary.imported, summary.bad) == (2, 4)
    assert report(found) == [
        ["line", "external_id", "reasons"],
        ["3", "R2", "opened: 'never' is not a time the mapping knows"],
        ["4", "R3", "has 3 cells, the header 4"],
        ["5", "R4\nX", "id: must be 1 to 100 printable characters"],
        ["8", "R6", "no"],
    ]


async def test_an_interrupted_import_goes_on_after_the_last_stored_row(tmp_path: Path, mapping: FieldMapping) -> None:
    store = MemoryStore(breaks_after=2)
    found = files(tmp_path, ["bad,row,x", *(row(number) for number in range(34))])
    with pytest.raises(ConnectionError):
        await imported(found, mapping, store)
    assert len(store.kept) == 19

    store.breaks_after = None
    summary = await imported(found, mapping, store)

    assert summary.resumed_at == 21
    assert (summary.rows, summary.imported, summary.duplicates) == (15, 15, 0)
    assert len(store.kept) == 34
    assert [line[0] for line in report(found)] == ["line", "2"]


async def test_importing_again_finds_only_duplicates(tmp_path: Path, mapping: FieldMapping) -> None:
    store = MemoryStore()
    found = files(tmp_path, [row(number) for number in range(12)])
    await imported(found, mapping, store)

    summary = await imported(found, mapping, store)

    assert (summary.imported, summary.duplicates) == (0, 12)


async def test_the_same_reference_twice_in_a_file_is_stored_once(tmp_path: Path, mapping: FieldMapping) -> None:
    store = MemoryStore()

    summary = await imported(files(tmp_path, [row(1), row(2), row(1)]), mapping, store)

    assert (summary.imported, summary.duplicates) == (2, 1)


async def test_a_checkpoint_of_another_file_is_refused(tmp_path: Path, mapping: FieldMapping) -> None:
    store = MemoryStore(breaks_after=1)
    with pytest.raises(ConnectionError):
        await imported(files(tmp_path, [row(number) for number in range(30)]), mapping, store)

    with pytest.raises(StackError, match="belongs to another file"):
        await imported(files(tmp_path, [row(number) for number in range(100, 130)]), mapping, MemoryStore())


async def test_a_file_without_the_columns_of_the_mapping_is_refused(tmp_path: Path, mapping: FieldMapping) -> None:
    found = files(tmp_path, [])
    found.source.write_text("id,opened\n")

    with pytest.raises(StackError, match="has no column kind, unit"):
        await imported(found, mapping, MemoryStore())


async def test_a_file_that_is_no_gzip_is_one_clear_line(tmp_path: Path, mapping: FieldMapping) -> None:
    found = files(tmp_path, [], "in.csv.gz")
    found.source.write_text("plain text")

    with pytest.raises(StackError, match="cannot be read"):
        await imported(found, mapping, MemoryStore())
