"""The table of requirements is complete, and what it names exists."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.unit.house.repository import ROOT, parsed

TABLE = ROOT / "docs" / "requirements.md"
NOT_YET = "not yet"
ROW = re.compile(r"^\| ((?:LZ|HZ|WD|AR|YQ)-\d{2}|T\d+|trap \d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
CODE_SPAN = re.compile(r"`([^`]+)`")

EXPECTED = [
    *(f"LZ-{n:02d}" for n in range(1, 29)),
    *(f"HZ-{n:02d}" for n in range(1, 16)),
    *(f"WD-{n:02d}" for n in range(1, 16)),
    *(f"AR-{n:02d}" for n in range(1, 11)),
    *(f"YQ-{n:02d}" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 44)),
    *(f"trap {n}" for n in range(1, 46)),
]


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    rule: str
    place: str
    proof: str

    @property
    def files(self) -> list[str]:
        return CODE_SPAN.findall(self.place)

    @property
    def tests(self) -> list[str]:
        return CODE_SPAN.findall(self.proof)


def requirements(text: str) -> list[Requirement]:
    return [Requirement(*found) for found in ROW.findall(text)]


def table() -> list[Requirement]:
    return requirements(TABLE.read_text(encoding="utf-8"))


@cache
def known_tests(path: Path) -> frozenset[str]:
    """Names of the tests of a file, as pytest addresses them."""
    names = set()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{inner.name}" for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef)}
            names |= {
                f"{node.name}::{inner.name}" for inner in ast.walk(node) if isinstance(inner, ast.AsyncFunctionDef)
            }
        elif isinstance(node, ast.Assign):  # a stateful machine: TestTicket = Machine.TestCase
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(name for name in names if name.rpartition("::")[2].lower().startswith("test"))


def missing_test(address: str) -> bool:
    file, _, name = address.partition("::")
    path = ROOT / file
    return not (file.startswith("tests/") and path.is_file() and name in known_tests(path))


def test_every_rule_is_listed_exactly_once_and_in_order() -> None:
    assert [requirement.id for requirement in table()] == EXPECTED


def test_no_row_is_overlooked() -> None:
    text = TABLE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and not line.startswith(("| id ", "|---"))]
    assert len(rows) == len(table())


def test_every_place_exists() -> None:
    found = {r.id: [file for file in r.files if not (ROOT / file).exists()] for r in table()}
    assert not {id_: files for id_, files in found.items() if files}


def test_every_test_exists() -> None:
    found = {r.id: [address for address in r.tests if missing_test(address)] for r in table()}
    assert not {id_: addresses for id_, addresses in found.items() if addresses}


def test_a_rule_has_a_place_and_a_proof_or_is_not_yet() -> None:
    for requirement in table():
        assert bool(requirement.files) == bool(requirement.tests), requirement.id
        if not requirement.tests:
            assert requirement.place == requirement.proof == NOT_YET, requirement.id


def test_the_plain_path_is_proved() -> None:
    """The transitions an appeal goes through from the receipt to its end are all in place."""
    proved = {requirement.id for requirement in table() if requirement.tests}
    path = {"T1", "T10", "T11", "T15", "T16", "T17", "T18", "T19", "T21", "T30", "T31", "T32"}
    assert path | {"T34", "T35", "T36", "T37"} <= proved


@pytest.mark.parametrize(
    "address",
    [
        "tests/unit/house/test_requirements.py::test_that_is_not_there",
        "tests/unit/house/test_missing.py::test_x",
        "tests/unit/house/test_requirements.py::requirements",
        "tests/unit/house/test_requirements.py",
        "services/__init__.py::test_x",
    ],
)
def test_a_test_that_is_not_there_is_noticed(address: str) -> None:
    assert missing_test(address)


def test_a_test_that_is_there_is_found() -> None:
    assert not missing_test("tests/unit/house/test_requirements.py::test_a_test_that_is_there_is_found")
