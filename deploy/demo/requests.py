"""The requests of the demonstration: read through the same mapping as an import, with the city's own on-time flag."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.city import CityPack
from deploy.errors import StackError
from deploy.importing.files import CsvFile
from deploy.importing.mapping import FieldMapping
from deploy.importing.rows import KnownCodes, PastRequest, RowReader

FLAG_COLUMN = "ontime_status"
LEARNING_MONTHS = 6


@dataclass(frozen=True, slots=True)
class CityRequest:
    """One request as the city recorded it; `on_time` is the city's own flag, None where it has none."""

    past: PastRequest
    on_time: bool | None
    cells: dict[str, str]

    @property
    def counted(self) -> bool:
        """Whether lateness can be judged: it has a due time and a flag."""
        return self.past.due_at is not None and self.on_time is not None


@dataclass(frozen=True, slots=True)
class Requests:
    """The file in two parts: what is learned from, and what is then sent; `left_out` could not be read."""

    header: Sequence[str]
    history: Sequence[CityRequest]
    following: Sequence[CityRequest]
    left_out: int


def read_requests(path: Path, mapping: FieldMapping, pack: CityPack, now: datetime) -> Requests:
    """Read a whole file. Raises StackError when it is not one the mapping fits or covers too little time."""
    known = KnownCodes(
        {category.code for category in pack.categories},
        {department.code for department in pack.departments},
        {grid.code for grid in pack.grids},
    )
    reader = RowReader(mapping, known, now)
    file = CsvFile(path, mapping)
    try:
        missing = reader.missing_columns([*file.header]) or sorted({FLAG_COLUMN} - set(file.header))
        if missing:
            raise StackError(f"{path} has no column {', '.join(missing)}")
        found: list[CityRequest] = []
        left_out = 0
        for line in file:
            row = None if line.fault else reader.read(line.number, line.cells)
            if isinstance(row, PastRequest):
                found.append(CityRequest(row, _flag(line.cells[FLAG_COLUMN]), line.cells))
            else:
                left_out += 1
        header = file.header
    finally:
        file.close()
    history, following = _split(found, path, mapping)
    return Requests(header, history, following, left_out)


def _flag(text: str) -> bool | None:
    return {"ONTIME": True, "OVERDUE": False}.get(text.strip().upper())


def _split(
    found: Sequence[CityRequest], path: Path, mapping: FieldMapping
) -> tuple[list[CityRequest], list[CityRequest]]:
    """The first six months teach; the months after them are sent, in the order of opening."""
    ordered = sorted(found, key=lambda each: (each.past.opened_at, each.past.external_id))
    if not ordered:
        raise StackError(f"{path} has no request that can be read")
    first = ordered[0].past.opened_at.astimezone(mapping.zone)
    year, month = divmod(first.year * 12 + first.month - 1 + LEARNING_MONTHS, 12)
    border = datetime(year, month + 1, 1, tzinfo=mapping.zone)
    history = [each for each in ordered if each.past.opened_at < border]
    following = [each for each in ordered if each.past.opened_at >= border]
    if not following:
        raise StackError(f"{path} ends before {border:%B %Y}: there is nothing to send after six months of learning")
    return history, following


def write_history(path: Path, header: Sequence[str], requests: Iterable[CityRequest]) -> None:
    """The learning months as a file of their own, in the city's format, for `minqing import`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(each.cells for each in requests)
