"""Turns one row of a city's file into a past request, or says what is wrong with it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.importing.mapping import FieldMapping
from shared.vocabulary import AppealType, Channel

MAX_EXTERNAL_ID = 100
MAX_TITLE = 200
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PastRequest:
    """One request of the past, in our codes, with its own times (UTC). `line` is where it stands in the file."""

    line: int
    system: str
    external_id: str
    type: AppealType
    channel: Channel
    category_code: str
    department_code: str
    grid_code: str | None
    opened_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    longitude: float | None
    latitude: float | None
    title: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out, and every reason why."""

    line: int
    external_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownCodes:
    """What the system knows now; a code outside of it would be refused far from the file and its line."""

    categories: Collection[str]
    departments: Collection[str]
    grids: Collection[str]


class RowReader:
    """Reads rows by one mapping. Pure: the same row gives the same answer for the same `now`."""

    def __init__(self, mapping: FieldMapping, known: KnownCodes, now: datetime) -> None:
        self._mapping = mapping
        self._known = known
        self._latest = now + CLOCK_SKEW

    def missing_columns(self, header: Collection[str]) -> list[str]:
        """The columns the mapping names and the file lacks."""
        named = self._mapping.columns.model_dump().values()
        return sorted({column for column in named if column is not None and column not in header})

    def read(self, line: int, cells: Mapping[str, str]) -> PastRequest | BadRow:
        reasons: list[str] = []
        columns, mapping = self._mapping.columns, self._mapping
        external_id = self._cell(cells, columns.external_id)
        if not external_id or len(external_id) > MAX_EXTERNAL_ID or not external_id.isprintable():
            reasons.append(f"{columns.external_id}: must be 1 to {MAX_EXTERNAL_ID} printable characters")
        opened_at = self._time(cells, columns.opened_at, reasons)
        if opened_at is None and self._cell(cells, columns.opened_at) == "":
            reasons.append(f"{columns.opened_at}: is empty")
        due_at = self._time(cells, columns.due_at, reasons)
        closed_at = self._time(cells, columns.closed_at, reasons)
        resolved_at = self._time(cells, columns.resolved_at, reasons)
        if opened_at is not None:
            self._check_order(opened_at, {"due": due_at, "closed": closed_at, "resolved": resolved_at}, reasons)
        category = self._code(mapping.category.code_of, cells, columns.category, reasons)
        department = self._code(mapping.department.code_of, cells, columns.department, reasons)
        grid = self._area(cells, reasons)
        if category is not None and category not in self._known.categories:
            reasons.append(f"{columns.category}: the system has no category {category}")
        if department is not None and department not in self._known.departments:
            reasons.append(f"{columns.department}: the system has no department {department}")
        longitude, latitude = self._point(cells, reasons)
        if reasons or opened_at is None or category is None or department is None:
            return BadRow(line, external_id[:MAX_EXTERNAL_ID], tuple(reasons))
        return PastRequest(
            line=line,
            system=mapping.system,
            external_id=external_id,
            type=mapping.type,
            channel=self._channel(cells),
            category_code=category,
            department_code=department,
            grid_code=grid,
            opened_at=opened_at,
            due_at=due_at,
            resolved_at=resolved_at or closed_at,
            closed_at=closed_at,
            longitude=longitude,
            latitude=latitude,
            title=self._cell(cells, columns.title)[:MAX_TITLE],
        )

    @staticmethod
    def _cell(cells: Mapping[str, str], column: str | None) -> str:
        return "" if column is None else (cells.get(column) or "").strip()

    def _time(self, cells: Mapping[str, str], column: str | None, reasons: list[str]) -> datetime | None:
        """A time without an offset is local; an hour that occurs twice is the first, one that never was moves on."""
        text = self._cell(cells, column)
        if not text:
            return None
        for form in self._mapping.formats:
            try:
                moment = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
            except ValueError:
                continue
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._mapping.zone)
            try:
                return moment.astimezone(UTC)
            except OverflowError:
                break
        reasons.append(f"{column}: '{text[:40]}' is not a time the mapping knows")
        return None

    def _check_order(self, opened_at: datetime, later: Mapping[str, datetime | None], reasons: list[str]) -> None:
        if opened_at > self._latest:
            reasons.append("it was opened in the future")
        for name, moment in later.items():
            if moment is None:
                continue
            if moment < opened_at:
                reasons.append(f"{name} before it was opened")
            elif name != "due" and moment > self._latest:
                reasons.append(f"{name} in the future")

    def _code(
        self, code_of: Callable[[str], str | None], cells: Mapping[str, str], column: str, reasons: list[str]
    ) -> str | None:
        word = self._cell(cells, column)
        code = code_of(word)
        if code is None:
            reasons.append(f"{column}: the mapping has no code for '{word[:60]}'")
        return code

    def _area(self, cells: Mapping[str, str], reasons: list[str]) -> str | None:
        """An area is optional; one that the mapping or the registry does not know is an error, not a guess."""
        column = self._mapping.columns.area
        word = self._cell(cells, column)
        if not word:
            return None
        code = self._mapping.area.code_of(word)
        if code is None:
            reasons.append(f"{column}: the mapping has no code for '{word[:60]}'")
        elif code not in self._known.grids:
            reasons.append(f"{column}: the system has no area {code}")
        return code

    def _channel(self, cells: Mapping[str, str]) -> Channel:
        code = self._mapping.channel.code_of(self._cell(cells, self._mapping.columns.channel))
        return Channel(code) if code in set(Channel) else Channel.PHONE

    def _point(self, cells: Mapping[str, str], reasons: list[str]) -> tuple[float | None, float | None]:
        columns = self._mapping.columns
        texts = (self._cell(cells, columns.longitude), self._cell(cells, columns.latitude))
        if not all(texts):
            return None, None
        try:
            longitude, latitude = float(texts[0]), float(texts[1])
        except ValueError:
            longitude = latitude = float("nan")
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            reasons.append(f"{columns.longitude}, {columns.latitude}: are not a point on earth")
            return None, None
        return longitude, latitude
