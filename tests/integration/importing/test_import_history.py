"""Past requests enter through intake with their own times, once each, and travel on as events of the past."""

import csv
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.city.load import load_city
from deploy.errors import StackError
from deploy.importing.command import MAPPINGS, import_history
from deploy.importing.mapping import read_mapping
from deploy.importing.run import ImportFiles, Summary
from deploy.settings import CITIES
from shared.vocabulary import Service

Urls = Mapping[Service, str]
BOSTON = read_mapping(MAPPINGS / "boston.toml")
MASTER_KEY = "a master key for tests, long enough"


def sample(path: Path, rows: int) -> Path:
    """The first rows of the sample that comes along."""
    with gzip.open(CITIES / "boston" / "requests.csv.gz", "rt", newline="") as file:
        lines = file.readlines()[: rows + 1]
    path.write_text("".join(lines))
    return path


def files_of(source: Path) -> ImportFiles:
    return ImportFiles(source, source.with_suffix(".progress"), source.with_suffix(".rejected.csv"))


async def imported(urls: Urls, source: Path) -> Summary:
    return await import_history(files_of(source), BOSTON, urls=urls, master_key=MASTER_KEY)


async def rows(urls: Urls, query: str) -> list[Any]:
    connection = await asyncpg.connect(urls[Service.INTAKE].replace("+asyncpg", ""))
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@pytest.fixture
async def boston(database_urls: Urls) -> Urls:
    await load_city(CITIES / "boston", database_urls)
    return database_urls


async def test_requests_keep_their_own_times_and_numbers(boston: Urls, tmp_path: Path) -> None:
    source = sample(tmp_path / "in.csv", 50)
    with source.open(newline="") as file:
        first = next(csv.DictReader(file))

    summary = await imported(boston, source)

    assert (summary.imported, summary.bad) == (50, 0)
    [(received, system)] = await rows(
        boston,
        "SELECT to_char(received_at AT TIME ZONE 'America/New_York', 'YYYY-MM-DD\"T\"HH24:MI:SS'), external_system "
        f"FROM intake.appeals WHERE external_id = '{first['case_enquiry_id']}'",
    )
    assert (received, system) == (first["open_dt"], "boston311")


async def test_every_imported_request_is_announced_to_both_other_services_as_past(boston: Urls, tmp_path: Path) -> None:
    await imported(boston, sample(tmp_path / "in.csv", 50))

    events = await rows(boston, "SELECT type, consumer, count(*) FROM intake.outbox GROUP BY 1, 2 ORDER BY 2")

    assert events == [("appeal.imported", "dispatch", 50), ("appeal.imported", "feedback", 50)]


async def test_importing_again_adds_nothing(boston: Urls, tmp_path: Path) -> None:
    source = sample(tmp_path / "in.csv", 30)
    await imported(boston, source)

    summary = await imported(boston, source)

    assert (summary.imported, summary.duplicates) == (0, 30)
    assert await rows(boston, "SELECT count(*) FROM intake.appeals") == [(30,)]


async def test_what_intake_refuses_is_reported_and_stops_nothing(boston: Urls, tmp_path: Path) -> None:
    source = sample(tmp_path / "in.csv", 20)
    text = source.read_text().splitlines()
    cells = text[3].split(",")
    cells[9:11] = ["10.0", "10.0"]
    source.write_text("\n".join([*text[:3], ",".join(cells), *text[4:]]) + "\n")

    summary = await imported(boston, source)

    assert (summary.imported, summary.bad) == (19, 1)
    report = source.with_suffix(".rejected.csv").read_text().splitlines()
    assert report[1].startswith("4,")
    assert "outside the service area" in report[1]


async def test_baltimore_enters_in_the_words_of_the_default_taxonomy(database_urls: Urls, tmp_path: Path) -> None:
    await load_city(CITIES / "weidu", database_urls)
    source = tmp_path / "baltimore.csv"
    source.write_text(
        "SRRecordID,SRType,MethodReceived,CreatedDate,SRStatus,DueDate,CloseDate,Agency\n"
        "1,SW-Dirty Street,API,2018-01-13T10:57:25,Closed,2018-01-20T10:57:25,2018-01-17T11:12:35,Solid Waste\n"
        "2,Never Heard Of,Phone,2018-01-13T10:57:25,Open,,,Mayor's Office\n"
        "3,SW-Dirty Street,Phone,2018-01-13T10:57:25,Open,,,Ministry of Magic\n"
    )

    summary = await import_history(
        files_of(source), read_mapping(MAPPINGS / "baltimore.toml"), urls=database_urls, master_key=MASTER_KEY
    )

    assert (summary.imported, summary.bad) == (2, 1)
    found = await rows(database_urls, "SELECT external_id, category_code FROM intake.appeals ORDER BY 1")
    assert found == [("1", "0102"), ("2", "9903")]


async def test_without_a_city_nothing_is_imported(database_urls: Urls, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no city is loaded"):
        await imported(database_urls, sample(tmp_path / "in.csv", 5))
