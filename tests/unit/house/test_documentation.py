"""The documents hang together: links lead somewhere, decision records are complete, commands exist."""

import re
from pathlib import Path

import pytest

from tests.unit.house.repository import ROOT, name_of, tracked_files

DECISIONS = ROOT / "docs" / "adr"
HEADINGS = ["Context", "Decision", "Consequences", "Alternatives"]
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")


def markdown_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".md"]


def decision_records() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("[0-9]*.md"))


def anchors(text: str) -> set[str]:
    """The anchors a Markdown page offers, as code hosting sites make them from its headings."""
    headings = (heading.lower().replace("`", "") for heading in HEADING.findall(FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in headings}


def broken_links(path: Path, text: str) -> list[str]:
    broken = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        destination = (path.parent / file).resolve() if file else path
        if not destination.exists() or (
            anchor and anchor not in anchors(text if not file else destination.read_text(encoding="utf-8"))
        ):
            broken.append(target)
    return broken


def test_every_link_leads_somewhere() -> None:
    found = {
        name_of(path): broken
        for path in markdown_files()
        if (broken := broken_links(path, path.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize("text", ["[a](missing.md)", "[a](#nowhere)", "[a](README.md#nowhere)"])
def test_a_broken_link_is_found(text: str) -> None:
    assert broken_links(ROOT / "README.md", text)


@pytest.mark.parametrize("text", ["[a](LICENSE)", "# A `b`: c\n[a](#a-b-c)", "[a](https://example.org/x)"])
def test_a_good_link_is_left_alone(text: str) -> None:
    assert not broken_links(ROOT / "README.md", text)


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in decision_records()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 15


@pytest.mark.parametrize("path", decision_records(), ids=lambda path: path.stem)
def test_a_decision_record_has_its_parts_and_fits_a_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.search(r"^Status: (proposed|accepted|replaced by ADR \d+)$", text, re.MULTILINE)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) <= 60


def test_the_index_of_decisions_lists_each_once_with_its_title() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d+) \| \[(.*)\]\((.*)\) \|$", index, re.MULTILINE)
    titles = [
        (number, title, path.name)
        for path in decision_records()
        for number, title in re.findall(r"^# (\d+)\. (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert listed == titles


def test_every_make_target_the_documents_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = {
        (name_of(path), target)
        for path in markdown_files()
        for span in re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))
        for target in MAKE.findall(span)
    }
    assert not {(file, target) for file, target in named if target not in targets}
    assert named


def test_the_licence_is_the_one_the_package_declares() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
