"""`minqing city check` says what a person must put right, and its exit code says whether there is anything."""

import os
from pathlib import Path

import pytest

from deploy.cli import main
from tests.unit.city.packs import TABLES, write_pack


def test_a_good_pack_is_summed_up_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["city", "check", str(write_pack(tmp_path))]) == 0

    said = capsys.readouterr()
    assert said.out == (
        "Testville: no faults; 2 departments, 2 categories, 3 areas (3 with polygons), 2 rules, 1 policies, "
        "working days 2026-01-01 to 2026-01-03\n"
    )
    assert said.err == ""


def test_every_fault_of_a_bad_pack_is_a_line_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = TABLES["rules.csv"] + "R3,0101,990001001,NOBODY\nR4,0199,,GOV\n"

    assert main(["city", "check", str(write_pack(tmp_path, rules=bad))]) == 1

    first, *faults = capsys.readouterr().err.splitlines()
    assert first == f"minqing: the city pack {tmp_path} has 2 faults; nothing was written"
    assert faults == [
        "  rules.csv: line 4: department_code: there is no department 'NOBODY'",
        "  rules.csv: line 5: category_code: there is no category 0199",
    ]


def test_warnings_are_shown_and_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = TABLES["categories.csv"] + "0102,Signs,P3,committed,\n"

    assert main(["city", "check", str(write_pack(tmp_path, categories=more))]) == 0
    assert capsys.readouterr().out.startswith("warning: rules.csv: 1 categories without a rule")


def test_a_pack_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["city", "check", f"{os.sep}no{os.sep}such{os.sep}pack"]) == 1

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("minqing: there is no city pack")
