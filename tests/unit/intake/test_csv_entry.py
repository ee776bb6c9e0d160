"""Tables of letters and cards: read in two charsets and languages, faults told by line and column."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain.entry_csv import COLUMNS, CsvKind, decode, read_table, safe_cell, template, write_table
from shared.errors import InvalidInput

ZONE = ZoneInfo("Asia/Shanghai")


def items(text: str, kind: CsvKind = CsvKind.BOX) -> list[dict[str, Any]]:
    return [dict(line.item) for line in read_table(text, kind, ZONE).lines]


def test_a_line_becomes_a_submission() -> None:
    [item] = items(
        "type,title,location_id,found_at,received_at,address,name,phone,anonymous\n"
        "complaint,Lamp,B-01,2026-03-01 17:30,2026/3/2 9:00,Road 7,王小明,13812345678,no\n"
    )

    assert item == {
        "channel": "box",
        "type": "complaint",
        "title": "Lamp",
        "received_at": "2026-03-02T09:00:00+08:00",
        "location": {"address": "Road 7"},
        "reporter": {"name": "王小明", "phone": "13812345678", "anonymous": False},
        "channel_details": {"entered_via": "csv", "location_id": "B-01", "found_at": "2026-03-01T17:30:00+08:00"},
    }


def test_the_header_may_be_chinese_and_in_any_order() -> None:
    [item] = items('内容,标题,诉求类型\n"多行\n内容",路灯,投诉\n')

    assert (item["type"], item["title"], item["description"]) == ("complaint", "路灯", "多行\n内容")


def test_what_stands_in_a_book_or_on_a_survey_card_is_a_suggestion() -> None:
    assert [items("title\nx\n", kind)[0].get("type") for kind in CsvKind] == [None, "suggestion", None, "suggestion"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_that_of_the_header(delimiter: str) -> None:
    assert items(delimiter.join(["title", "address"]) + "\n" + delimiter.join(["a", "b"]))[0]["title"] == "a"


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    table = read_table('title,description\n\none,"two\nlines"\n,\nthree,\n', CsvKind.BOX, ZONE)

    assert [(line.number, line.item["title"]) for line in table.lines] == [(3, "one"), (6, "three")]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-03-02", "2026-03-02T00:00:00+08:00"),
        ("2026/3/2 9:05", "2026-03-02T09:05:00+08:00"),
        ("2026年3月2日 09:05", "2026-03-02T09:05:00+08:00"),
        ("2026-03-02T09:05:06Z", "2026-03-02T09:05:06+00:00"),
        ("2026-03-02T09:05+01:00", "2026-03-02T09:05:00+01:00"),
    ],
)
def test_times_are_read_as_people_write_them(cell: str, moment: str) -> None:
    assert items(f"title,received_at\nx,{cell}\n")[0]["received_at"] == moment


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("received_at", "yesterday"),
        ("received_at", "2026-02-30"),
        ("received_at", "2026-03-02 25:00"),
        ("anonymous", "maybe"),
        ("longitude", "east"),
    ],
)
def test_a_cell_that_cannot_be_read_is_told_by_line_and_column(column: str, cell: str) -> None:
    [fine, bad] = read_table(f"title,{column}\nx,\ny,{cell}\n", CsvKind.BOX, ZONE).lines

    assert fine.problems == ()
    assert [(bad.number, problem.column) for problem in bad.problems] == [(3, column)]


def test_a_line_with_too_few_or_too_many_cells_is_told() -> None:
    lines = read_table("title,address\na\nb,c,d\ne,f\n", CsvKind.BOX, ZONE).lines

    assert [bool(line.problems) for line in lines] == [True, True, False]
    assert lines[0].problems[0].message == "has 1 cells where the header has 2"


def test_a_pointer_leads_back_to_the_column_of_the_file() -> None:
    table = read_table("标题,电话,发现时间\nx,1,\n", CsvKind.BOX, ZONE)

    assert table.column_of("/reporter/phone") == "电话"
    assert table.column_of("/channel_details/found_at") == "发现时间"
    assert table.column_of("/nothing") == ""


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", ""),
        ("title\n", ""),
        ("address\nx\n", "/columns"),
        ("title,colour\nx,y\n", "/columns/1"),
        ("title,标题\nx,y\n", "/columns/1"),
        ('title\n"open\n', ""),
        ("title\n" + "x\n" * 501, ""),
        (",".join(["title"] * 61) + "\nx\n", "/columns/1"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_as_a_whole(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table(text, CsvKind.BOX, ZONE)

    assert refused.value.problems[0].field == field


def test_five_hundred_lines_are_read() -> None:
    assert len(read_table("title\n" + "x\n" * 500, CsvKind.BOX, ZONE).lines) == 500


@pytest.mark.parametrize(
    ("charset", "codec"),
    [(None, "utf-8"), ("utf-8", "utf-8-sig"), ("GB18030", "gb18030"), ("gbk", "gbk"), ('"gb2312"', "gb2312")],
)
def test_both_charsets_of_spreadsheets_are_read(charset: str | None, codec: str) -> None:
    assert decode("标题,内容".encode(codec), charset) == "标题,内容"


def test_bytes_of_another_charset_are_told_with_their_line() -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(b"title\n" + "标题".encode("gb18030"), None)

    assert "line 2" in refused.value.problems[0].message
    assert "gb18030" in refused.value.problems[0].message


def test_an_unknown_charset_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(b"", "utf-7")

    assert refused.value.problems[0].allowed == ["utf-8", "gb18030"]


@pytest.mark.parametrize("kind", list(CsvKind))
@pytest.mark.parametrize("chinese", [False, True])
def test_a_template_can_be_sent_as_it_is(kind: CsvKind, chinese: bool) -> None:
    [line] = read_table(template(kind, chinese=chinese), kind, ZONE).lines

    assert line.problems == ()
    assert line.item["title"] == "增设路灯"
    assert len({column.name for column in COLUMNS[kind]}) == len(COLUMNS[kind])


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_what_is_echoed_is_never_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert write_table([[cell]]).lstrip('"').startswith("'")


def test_other_cells_are_echoed_as_they_are() -> None:
    assert write_table([["a,b", None, 7, "路灯"]]) == '"a,b",,7,路灯\r\n'
