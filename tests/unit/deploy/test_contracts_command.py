"""`minqing contracts`: what a person who changed an event is told."""

from pathlib import Path

import pytest

from deploy.cli import main
from shared.contracts.documentation import render_events_page


def test_check_agrees_with_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "check"]) == 0
    assert "the snapshots say what the models say" in capsys.readouterr().out


def test_snapshot_changes_nothing_when_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "snapshot"]) == 0
    assert capsys.readouterr().out == "0 snapshots changed\n"


def test_docs_writes_the_reference_page(tmp_path: Path) -> None:
    page = tmp_path / "events.md"
    assert main(["contracts", "docs", "--output", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == render_events_page()


def test_a_breaking_change_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case.gone.v1.json").write_text("{}", encoding="utf-8")
    assert main(["contracts", "snapshot", "--directory", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "breaking: case.gone.v1" in told.out
    assert told.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["case.gone.v1.json"]


def test_new_contracts_get_their_snapshots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "snapshot", "--directory", str(tmp_path)]) == 0
    assert main(["contracts", "check", "--directory", str(tmp_path)]) == 0
    assert "written: appeal.accepted.v1.json" in capsys.readouterr().out
