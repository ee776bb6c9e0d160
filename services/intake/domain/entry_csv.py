"""Letters, book entries and cards typed into a table: a CSV line becomes the same submission as a request would.

Every fault is told by line and column. Cells are data: nothing in them is ever calculated.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealType, Channel

MOST_LINES: Final = 500
_MOST_COLUMNS: Final = 60


class CsvKind(StrEnum):
    """What the lines of a table are."""

    BOX = "box"
    BOOK = "book"
    CARD = "card"
    SURVEY = "survey"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its names in both languages, where its cells go in a submission, and how they are read."""

    name: str
    name_zh: str
    pointer: str
    read: str = "text"
    required: bool = False
    example: str = ""


_MATTER: Final = (
    Column("type", "诉求类型", "/type", read="type", example="建议"),
    Column("title", "标题", "/title", required=True, example="增设路灯"),
    Column("description", "内容", "/description", example="村口夜间无照明"),
    Column("category_code", "分类代码", "/category_code"),
    Column("received_at", "收件时间", "/received_at", read="moment", example="2026-03-02 09:00"),
    Column("occurred_at", "发生时间", "/occurred_at", read="moment"),
    Column("address", "地址", "/location/address"),
    Column("grid_code", "网格编码", "/location/grid_code"),
    Column("longitude", "经度", "/location/longitude", read="number"),
    Column("latitude", "纬度", "/location/latitude", read="number"),
    Column("name", "姓名", "/reporter/name"),
    Column("phone", "电话", "/reporter/phone"),
    Column("anonymous", "匿名", "/reporter/anonymous", read="flag"),
    Column("confidential", "保密", "/reporter/confidential", read="flag"),
    Column("wants_reply", "需要回复", "/reporter/wants_reply", read="flag"),
    Column("external_system", "来源系统", "/external_ref/system"),
    Column("external_id", "来源编号", "/external_ref/id"),
    Column("first_contact_staff", "首问责任人", "/first_contact_staff"),
)
_PAPER: Final = (
    Column("location_id", "位置编号", "/channel_details/location_id", example="B-01"),
    Column("found_at", "发现时间", "/channel_details/found_at", read="moment", example="2026-03-01 17:30"),
    Column("sheet_number", "页号", "/channel_details/sheet_number"),
)
_CARD_NUMBER: Final = Column("card_number", "卡号", "/channel_details/card_number", example="1001")
COLUMNS: Final[Mapping[CsvKind, tuple[Column, ...]]] = MappingProxyType(
    {
        CsvKind.BOX: (*_PAPER, *_MATTER),
        CsvKind.BOOK: (*_PAPER, *_MATTER),
        CsvKind.CARD: (*_PAPER, _CARD_NUMBER, *_MATTER),
        CsvKind.SURVEY: (Column("survey_id", "问卷编号", "/channel_details/survey_id"), _CARD_NUMBER, *_MATTER),
    }
)
_CHANNEL_OF: Final = {
    CsvKind.BOX: Channel.BOX,
    CsvKind.BOOK: Channel.BOOK,
    CsvKind.CARD: Channel.CARD,
    CsvKind.SURVEY: Channel.SURVEY,
}
# What is written into a suggestion book or on a survey card is a suggestion, unless the table says otherwise (AR-05).
_USUAL_TYPE: Final = {CsvKind.BOOK: AppealType.SUGGESTION, CsvKind.SURVEY: AppealType.SUGGESTION}

_TYPES: Final = {
    "咨询": AppealType.CONSULTATION,
    "求助": AppealType.HELP,
    "投诉": AppealType.COMPLAINT,
    "举报": AppealType.REPORT,
    "建议": AppealType.SUGGESTION,
    "表扬": AppealType.PRAISE,
    "其他": AppealType.OTHER,
}
_YES: Final = frozenset({"yes", "y", "true", "1", "是"})
_NO: Final = frozenset({"no", "n", "false", "0", "否"})
_TIME: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*(Z|[+-]\d{2}:\d{2})?",
    re.ASCII,
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHARSETS: Final = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong in one cell; `column` is empty when it is the line."""

    column: str
    message: str


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line of a table: the submission it makes, or why it makes none; the header is line 1."""

    number: int
    item: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[CellProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table that was read; `columns` tells for each pointer of a submission which column it came from."""

    lines: tuple[CsvLine, ...]
    columns: Mapping[str, str]

    def column_of(self, pointer: str) -> str:
        """Return the column that a pointer into the submission is about; empty for none."""
        while pointer:
            if pointer in self.columns:
                return self.columns[pointer]
            pointer = pointer.rpartition("/")[0]
        return ""


def decode(body: bytes, charset: str | None) -> str:
    """Return the text of a table. Raises InvalidInput for a charset we do not read, or bytes that are not of it."""
    codec = _CHARSETS.get((charset or "utf-8").strip('"').lower())
    if codec is None:
        problem = FieldProblem("/Content-Type", "names a charset that is not read", ["utf-8", "gb18030"])
        raise InvalidInput("The table cannot be read.", [problem])
    try:
        return body.decode(codec)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        problem = FieldProblem(
            "", f"line {line} is not {codec.removesuffix('-sig')}; declare the charset, as in text/csv; charset=gb18030"
        )
        raise InvalidInput("The table cannot be read.", [problem]) from error


def read_table(text: str, kind: CsvKind, zone: tzinfo) -> CsvTable:
    """Read a table with a header line. Raises InvalidInput when the table as a whole cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows = list(_rows(reader))
    if not rows:
        raise _unreadable("the table is empty; its first line names the columns")
    names = [cell.strip() for cell in rows[0][1]]
    columns = _columns(names, kind)
    if len(rows) - 1 > MOST_LINES:
        raise _unreadable(f"has more than {MOST_LINES} lines; send them in parts")
    lines = tuple(_line(number, cells, names, columns, kind, zone) for number, cells in rows[1:])  # noqa: RUF100
    if not lines:
        raise _unreadable("the table has no lines below its header")
    return CsvTable(lines, {column.pointer: name for name, column in zip(names, columns, strict=True)})


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max((",", ";", "\t"), key=header.count)


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the number of the line it begins on. Raises InvalidInput."""
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(f"line {begins} is not CSV: a quotation mark is not closed, or a cell is too long") from error


def _unreadable(message: str) -> InvalidInput:
    return InvalidInput("The table cannot be read.", [FieldProblem("", message)])


def _columns(names: Sequence[str], kind: CsvKind) -> list[Column]:
    known = {name: column for column in COLUMNS[kind] for name in (column.name, column.name_zh)}
    problems = []
    found: list[Column] = []
    for index, name in enumerate(names[:_MOST_COLUMNS]):
        column = known.get(name) or known.get(name.lower())
        if column is None:
            problems.append(
                FieldProblem(f"/columns/{index}", "is not a known column", [column.name for column in COLUMNS[kind]])
            )
        elif column in found:
            problems.append(FieldProblem(f"/columns/{index}", f"is {column.name} for the second time"))
        else:
            found.append(column)
    problems += [
        FieldProblem("/columns", f"{column.name} ({column.name_zh}) is missing")
        for column in COLUMNS[kind]
        if column.required and column not in found
    ]
    if problems or len(names) > _MOST_COLUMNS:
        raise InvalidInput("The header line is not right.", problems)
    return found


def _line(
    number: int, cells: Sequence[str], names: Sequence[str], columns: Sequence[Column], kind: CsvKind, zone: tzinfo
) -> CsvLine:
    if len(cells) != len(columns):
        problem = CellProblem("", f"has {len(cells)} cells where the header has {len(columns)}")
        return CsvLine(number, problems=(problem,))
    item: dict[str, Any] = {"channel": _CHANNEL_OF[kind].value, "channel_details": {"entered_via": "csv"}}
    problems = []
    for name, column, cell in zip(names, columns, cells, strict=True):
        if not cell.strip():
            continue
        try:
            _put(item, column.pointer, _READERS[column.read](cell.strip(), zone))
        except ValueError as error:
            problems.append(CellProblem(name, str(error)))
    if "type" not in item and kind in _USUAL_TYPE:
        item["type"] = _USUAL_TYPE[kind].value
    return CsvLine(number, item, tuple(problems))


def _put(item: dict[str, Any], pointer: str, value: Any) -> None:
    *parents, last = pointer.removeprefix("/").split("/")
    for parent in parents:
        item = item.setdefault(parent, {})
    item[last] = value


def _text(cell: str, _zone: tzinfo) -> str:
    return cell


def _type(cell: str, _zone: tzinfo) -> str:
    return _TYPES[cell].value if cell in _TYPES else cell.lower()


def _flag(cell: str, _zone: tzinfo) -> bool:
    word = cell.lower()
    if word not in _YES | _NO:
        raise ValueError("must be yes or no (是 or 否)")
    return word in _YES


def _number(cell: str, _zone: tzinfo) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise ValueError("must be a number") from error


def _moment(cell: str, zone: tzinfo) -> str:
    """Read a time as people and spreadsheets write it; without an offset it is the city's."""
    match = _TIME.fullmatch(cell)
    try:
        if match is None:
            raise ValueError(cell)
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        if match[7]:
            moment = datetime.fromisoformat(f"{moment.replace(tzinfo=None).isoformat()}{match[7]}")
    except ValueError as error:
        raise ValueError("must be a time like 2026-03-02 09:30 or a date") from error
    return moment.isoformat()


_READERS: Final[Mapping[str, Callable[[str, tzinfo], Any]]] = {
    "text": _text,
    "type": _type,
    "flag": _flag,
    "number": _number,
    "moment": _moment,
}


def template(kind: CsvKind, *, chinese: bool = False) -> str:
    """Return a header line and one example, to be filled in with a spreadsheet."""
    columns = COLUMNS[kind]
    return write_table(
        [[column.name_zh if chinese else column.name for column in columns], [column.example for column in columns]]
    )


def write_table(rows: Sequence[Sequence[object]]) -> str:
    """Return CSV text that a spreadsheet opens as text: a cell that looks like a formula is quoted."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
