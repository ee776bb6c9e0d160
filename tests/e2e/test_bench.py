"""`minqing bench` measures every part on a stack of its own and writes its figures; values are not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_part_is_measured_and_written(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    sizes = ["--backlog", "250", "--growth", "1000", "--search", "3000"]
    short = ["--rounds", "1", "--seconds", "1", *sizes, "--output", str(output)]
    process = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "bench", *short],
        env=environment(tmp_path / "unused"),
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )

    assert process.returncode == 0, process.stdout + process.stderr
    document = json.loads(output.read_text())
    names = " | ".join(figure["name"] for figure in document["figures"])
    for expected in (
        "routing decision",
        "idle",
        "bare endpoint",
        "sustained",
        "waiting pull",
        "backlog",
        "growth: track",
        "look-alikes of an appeal",
        "search: a common word,",
    ):
        assert expected in names
    assert all(figure["value"] is not None for figure in document["figures"])
    assert {"cpus", "load_before"} <= document["circumstances"].keys()
