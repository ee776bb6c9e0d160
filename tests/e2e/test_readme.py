"""The first appeal of the README, typed as it stands there, goes all the way."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.vocabulary import Service
from tests.support.stack import RunningStack
from tests.unit.house.repository import ROOT

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash"),
]

PORTS = {"8001": Service.INTAKE, "8002": Service.DISPATCH, "8003": Service.FEEDBACK}
PATIENCE_SECONDS = 120


def commands() -> list[str]:
    """The shell blocks of the section, in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## A first appeal", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def script(stack: RunningStack) -> str:
    """All blocks in one shell. What only asks is asked again until it is there: events travel meanwhile."""
    first, *rest = commands()
    steps = [first]
    for number, block in enumerate(rest):
        steps.append(f"step_{number}() {{\n{block}\n}}")
        is_question = " -d " not in block
        steps.append(f"until step_{number}; do sleep 0.1; done" if is_question else f"step_{number}")
    steps.append('until [ "$(field status < progress.json)" = closed ]; do sleep 0.1; last_question; done')
    steps.insert(-1, f"last_question() {{ step_{len(rest) - 1}; }}")
    text = "\n".join(["set -uo pipefail", *steps])
    for port, service in PORTS.items():
        text = text.replace(f"http://127.0.0.1:{port}", stack.url(service))
    return text.replace("var/demo-keys.json", str(stack.data_dir / "demo-keys.json"))


def test_the_first_appeal_of_the_readme_reaches_its_end(stack: RunningStack, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script(stack)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    progress = json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))
    assert progress["status"] == "closed", done.stdout
    said = [line["status"] for line in progress["timeline"]]
    assert {"in_progress", "under_review", "awaiting_callback", "closed"} <= set(said)
