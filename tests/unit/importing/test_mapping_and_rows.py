"""A row of a city's file becomes a past request in our codes and in UTC, or names every reason why it cannot."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import deploy.importing
from deploy.errors import StackError
from deploy.importing.mapping import FieldMapping, read_mapping
from deploy.importing.rows import BadRow, KnownCodes, PastRequest, RowReader
from shared.vocabulary import Channel

MAPPINGS = Path(deploy.importing.__file__).parent / "mappings"
NOW = datetime(2026, 8, 1, tzinfo=UTC)
MAPPING = """
system = "oldhotline"
[columns]
external_id = "id"
opened_at = "opened"
due_at = "due"
closed_at = "closed"
category = "kind"
department = "unit"
area = "ward"
longitude = "x"
latitude = "y"
channel = "how"
[times]
zone = "America/New_York"
formats = ["iso", "%m/%d/%Y %H:%M"]
[category.values]
"Pothole" = "0101"
"Gone" = "0199"
[area.values]
"1" = "990001001"
"9" = "990001999"
[channel.values]
"App" = "app"
"""
KNOWN = KnownCodes(categories={"0101"}, departments={"ROADS"}, grids={"990001001"})
ROW = {
    "id": "A-1",
    "opened": "2015-01-02T09:00:00",
    "due": "2015-01-05T09:00:00",
    "closed": "",
    "kind": "Pothole",
    "unit": "ROADS",
    "ward": "1",
    "x": "-71.05",
    "y": "42.35",
    "how": "App",
}


@pytest.fixture
def mapping(tmp_path: Path) -> FieldMapping:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING)
    return read_mapping(path)


@pytest.fixture
def reader(mapping: FieldMapping) -> RowReader:
    return RowReader(mapping, KNOWN, NOW)


def good(reader: RowReader, **cells: str) -> PastRequest:
    row = reader.read(2, {**ROW, **cells})
    assert isinstance(row, PastRequest), row
    return row


def reasons(reader: RowReader, **cells: str) -> tuple[str, ...]:
    row = reader.read(7, {**ROW, **cells})
    assert isinstance(row, BadRow)
    assert row.line == 7
    return row.reasons


def test_words_become_codes_and_local_times_become_utc(reader: RowReader) -> None:
    row = good(reader)

    assert (row.category_code, row.department_code, row.grid_code) == ("0101", "ROADS", "990001001")
    assert row.channel is Channel.APP
    assert row.opened_at == datetime(2015, 1, 2, 14, tzinfo=UTC)
    assert (row.longitude, row.latitude) == (-71.05, 42.35)
    assert row.closed_at is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("07/04/2015 12:00", "2015-07-04T16:00:00+00:00"),
        ("2015-07-04T12:00:00+08:00", "2015-07-04T04:00:00+00:00"),
        ("2015-11-01T01:30:00", "2015-11-01T05:30:00+00:00"),
        ("2015-03-08T02:30:00", "2015-03-08T07:30:00+00:00"),
    ],
)
def test_times_follow_their_offset_their_zone_and_its_clock_changes(reader: RowReader, text: str, utc: str) -> None:
    row = good(reader, opened=text, due="")

    assert row.opened_at == datetime.fromisoformat(utc)


def test_a_row_without_area_or_point_is_good(reader: RowReader) -> None:
    row = good(reader, ward="", x="", y="")

    assert (row.grid_code, row.longitude) == (None, None)


def test_a_request_that_was_closed_was_resolved_then(reader: RowReader) -> None:
    row = good(reader, closed="2015-01-04T09:00:00")

    assert row.resolved_at == row.closed_at == datetime(2015, 1, 4, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"id": ""}, "id: must be 1 to 100 printable characters"),
        ({"opened": ""}, "opened: is empty"),
        ({"opened": "yesterday"}, "opened: 'yesterday' is not a time the mapping knows"),
        ({"opened": "2031-01-01T00:00:00", "due": ""}, "it was opened in the future"),
        ({"due": "2014-01-01T00:00:00"}, "due before it was opened"),
        ({"closed": "2014-01-01T00:00:00"}, "closed before it was opened"),
        ({"kind": "Meteor"}, "kind: the mapping has no code for 'Meteor'"),
        ({"kind": "Gone"}, "kind: the system has no category 0199"),
        ({"unit": "NOBODY"}, "unit: the system has no department NOBODY"),
        ({"unit": ""}, "unit: the mapping has no code for ''"),
        ({"ward": "5"}, "ward: the mapping has no code for '5'"),
        ({"ward": "9"}, "ward: the system has no area 990001999"),
        ({"x": "200"}, "x, y: are not a point on earth"),
        ({"y": "north"}, "x, y: are not a point on earth"),
    ],
)
def test_a_bad_cell_is_named_with_its_column(reader: RowReader, cells: dict[str, str], reason: str) -> None:
    assert reason in reasons(reader, **cells)


def test_all_reasons_of_a_row_are_given_at_once(reader: RowReader) -> None:
    assert len(reasons(reader, id="", kind="Meteor", unit="NOBODY", x="200")) == 4


def test_columns_that_the_file_lacks_are_named(reader: RowReader) -> None:
    assert reader.missing_columns(["id", "opened", "kind", "unit"]) == ["closed", "due", "how", "ward", "x", "y"]


@pytest.mark.parametrize("name", ["boston", "baltimore"])
def test_the_mappings_that_come_along_are_good(name: str) -> None:
    mapping = read_mapping(MAPPINGS / f"{name}.toml")

    assert mapping.system == f"{name}311"
    assert len(mapping.category.codes) > 50
    assert len(mapping.department.codes) > 10


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("system = 'x'", "columns: Field required"),
        (MAPPING.replace("America/New_York", "Mars/Base"), "times.zone: is not the name of a time zone"),
        ("colour = 'red'\n" + MAPPING, "Extra inputs are not permitted"),
        (MAPPING.replace('"App" = "app"', '"App" = "pigeon"'), "names unknown channels: pigeon"),
        (MAPPING + "\n[department]\ntable = 'gone.csv'", "cannot be read: No such file"),
        ("system = ", "is not valid"),
    ],
)
def test_a_bad_mapping_is_refused_with_the_reason(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)

    with pytest.raises(StackError, match=fault):
        read_mapping(path)


def test_a_mapping_may_be_json_and_look_words_up_in_a_table(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("label,code\nRoad Office,ROADS\n")
    path = tmp_path / "m.json"
    path.write_text(
        '{"system": "s", "times": {"zone": "UTC"},'
        ' "columns": {"external_id": "id", "opened_at": "at", "category": "c", "department": "d"},'
        ' "department": {"table": "units.csv", "from_column": "label"}}'
    )
    mapping = read_mapping(path)

    assert mapping.department.code_of("Road Office") == "ROADS"
    assert mapping.department.code_of("Other") is None
    assert mapping.category.code_of("0101") == "0101"
