"""`minqing import` into a running stack: history is on record everywhere, once, and nobody has work with it."""

import csv
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.vocabulary import Service
from tests.support.databases import run_apart
from tests.support.polling import eventually_sync
from tests.support.stack import RunningStack, minqing

pytestmark = pytest.mark.xdist_group("stack")
HEADER = "SRRecordID,SRType,MethodReceived,CreatedDate,SRStatus,DueDate,CloseDate,Agency\n"
ROWS = (
    "E2E-1,SW-Dirty Street,API,2018-01-13T10:57:25,Closed,2018-01-20T10:57:25,2018-01-17T11:12:35,Solid Waste\n"
    "E2E-2,SW-Dirty Street,Phone,2018-01-13T10:57:25,Closed,2018-01-20T10:57:25,2018-01-23T11:12:35,Solid Waste\n"
    "E2E-3,TRM-Pothole Repair,Phone,2018-01-13T10:57:25,Open,2018-01-20T10:57:25,,Transportation\n"
    "E2E-4,TRM-Pothole Repair,Phone,last week,Open,,,Transportation\n"
)
TICKETS = (
    "SELECT status, l.late_resolve, pull_pending FROM dispatch.tickets t JOIN dispatch.ticket_legs l "
    "ON l.ticket_id = t.id WHERE imported ORDER BY status, l.late_resolve"
)


def rows(stack: RunningStack, service: Service, query: str) -> list[tuple[Any, ...]]:
    url = str(stack.state()["database_urls"][service.value]).replace("+asyncpg", "")

    async def fetch() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return run_apart(fetch)


def run_import(stack: RunningStack, source: Path) -> subprocess.CompletedProcess[str]:
    return minqing("import", str(source), "--mapping", "baltimore", env=stack.env)


def test_history_enters_once_with_its_own_end_and_arms_nothing(stack: RunningStack, tmp_path: Path) -> None:
    source = tmp_path / "past.csv"
    source.write_text(HEADER + ROWS)

    first = run_import(stack, source)

    assert first.returncode == 0, first.stdout + first.stderr
    assert "3 imported, 0 on record already, 1 bad" in first.stdout
    with (tmp_path / "past.csv.rejected.csv").open(newline="") as file:
        _, rejected = list(csv.reader(file))
    assert rejected == ["5", "E2E-4", "CreatedDate: 'last week' is not a time the mapping knows"]
    eventually_sync(lambda: len(rows(stack, Service.DISPATCH, TICKETS)) == 3, timeout=30.0)
    assert rows(stack, Service.DISPATCH, TICKETS) == [
        ("closed", False, False),
        ("closed", True, False),
        ("in_progress", False, False),
    ]
    armed = "SELECT count(*) FROM dispatch.timers m JOIN dispatch.tickets t ON t.id = m.ticket_id WHERE t.imported"
    assert rows(stack, Service.DISPATCH, armed) == [(0,)]

    again = run_import(stack, source)

    assert "0 imported, 3 on record already, 1 bad" in again.stdout


def test_a_file_that_is_not_there_is_one_clear_line(stack: RunningStack, tmp_path: Path) -> None:
    done = run_import(stack, tmp_path / "gone.csv")

    assert done.returncode == 1
    assert done.stderr.startswith("minqing: ")
    assert len(done.stderr.splitlines()) == 1
