"""`minqing demo`, as a person starts it: it routes by what it has learned, and leaves nothing behind."""

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from deploy.settings import CITIES
from tests.support.stack import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
EVERY = 12


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """Every twelfth request of the sample: all months, a few hundred rows."""
    with gzip.open(CITIES / "boston" / "requests.csv.gz", "rt", newline="") as file:
        header, *rows = file.readlines()
    path = tmp_path / "small.csv"
    path.write_text(header + "".join(rows[::EVERY]))
    return path


def scratch_directories() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("mq-demo-*")}


def leftovers(before: set[str]) -> list[int]:
    """Processes that work in a directory of a demonstration begun since."""
    lines = {process.pid: " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    return [pid for pid, line in lines.items() if "mq-demo-" in line and not any(name in line for name in before)]


def test_the_demonstration_routes_every_request_as_learned_and_stops_what_it_started(
    small_file: Path, tmp_path: Path
) -> None:
    before = scratch_directories()
    figures_file = tmp_path / "figures.json"
    process = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "demo", "--data", str(small_file), "--json", str(figures_file)],
        env=environment(tmp_path / "unused"),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )

    assert process.returncode == 0, process.stdout + process.stderr
    figures = json.loads(figures_file.read_text())
    assert figures["unrouted"] == figures["refused"] == 0
    assert figures["as_predicted"]["rate"] == figures["due_by_policy"]["rate"] == 1.0
    assert figures["by_type_and_area"]["base"] > 100
    assert figures["due_equal"]["rate"] > 0.9
    assert figures["flag_recomputed"]["rate"] > 0.95
    assert figures["history_flags_recomputed"]["hits"] == figures["history_flags_recomputed"]["base"] > 0
    assert scratch_directories() <= before
    assert not leftovers(before)


def test_a_file_that_cannot_serve_is_one_clear_line_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    process = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "demo", "--data", str(tmp_path / "other.csv")],
        env=environment(tmp_path / "unused"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert process.returncode == 1
    assert process.stderr.startswith("minqing: ")
    assert "has no column" in process.stderr
