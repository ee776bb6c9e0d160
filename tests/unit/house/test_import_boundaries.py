"""The import contracts hold, and each bites: a planted violation in a copy of the tree is caught by name."""

import configparser
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.house.repository import PACKAGES, ROOT

CONFIGURATION = ".importlinter"


@dataclass(frozen=True, slots=True)
class Plant:
    """A violation: what is appended to which files, and the import the linter must name."""

    contract: str
    files: Mapping[str, str]
    named: str


def plant(contract: str, file: str, code: str, *, named: str, **others: str) -> object:
    files = {file: code, **{name.replace("__", "/") + ".py": text for name, text in others.items()}}
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    found = Plant(contract, files, f"{module} -> {named}")
    return pytest.param(found, id=f"{contract}: {found.named}")


PLANTS = [
    plant(
        "services-are-independent",
        "services/feedback/use_cases/planted.py",
        "import services.dispatch.domain",
        named="services.dispatch.domain",
    ),
    plant(
        "services-are-independent",
        "services/intake/domain/planted.py",
        "from services.feedback import db",
        named="services.feedback.db",
    ),
    plant(
        "services-package-is-empty",
        "services/__init__.py",
        "import services.intake",
        named="services.intake",
    ),
    plant(
        "shared-knows-no-service",
        "shared/messaging/planted.py",
        "from services.intake import domain",
        named="services.intake.domain",
    ),
    plant(
        "shared-knows-no-service",
        "shared/db/planted.py",
        "def late() -> None:\n    import deploy",
        named="deploy",
    ),
    plant("deploy-is-on-top", "services/dispatch/db/planted.py", "import deploy", named="deploy"),
    plant("deploy-is-on-top", "shared/planted.py", "import deploy", named="deploy"),
    *(
        plant("domain-is-pure", f"services/{service}/domain/planted.py", f"import {library}", named=library)
        for service, library in [
            ("intake", "sqlalchemy"),
            ("intake", "pydantic"),
            ("dispatch", "asyncio"),
            ("dispatch", "shapely"),
            ("dispatch", "redis"),
            ("feedback", "fastapi"),
            ("feedback", "httpx"),
            ("feedback", "arq"),
            ("feedback", "asyncpg"),
        ]
    ),
    plant(
        "domain-is-pure",
        "services/intake/domain/planted.py",
        "from shared.contracts import planted",
        named="shared.contracts.planted",
        shared__contracts__planted="import pydantic",
    ),
    plant("domain-is-pure", "shared/vocabulary.py", "import pydantic", named="pydantic"),
    plant(
        "layers-of-a-service",
        "services/intake/domain/planted.py",
        "import services.intake.db",
        named="services.intake.db",
    ),
    plant(
        "layers-of-a-service",
        "services/dispatch/db/planted.py",
        "import services.dispatch.use_cases",
        named="services.dispatch.use_cases",
    ),
    plant(
        "layers-of-a-service",
        "services/feedback/use_cases/planted.py",
        "import services.feedback.api",
        named="services.feedback.api",
    ),
    plant(
        "layers-of-a-service",
        "services/feedback/worker/planted.py",
        "import services.feedback.api",
        named="services.feedback.api",
    ),
    plant(
        "layers-of-a-service",
        "services/intake/use_cases/planted.py",
        "import services.intake.main",
        named="services.intake.main",
        services__intake__main="PLANTED = True",
    ),
    plant("sql-lives-in-db", "services/intake/api/planted.py", "import sqlalchemy", named="sqlalchemy"),
    plant("sql-lives-in-db", "services/dispatch/worker/planted.py", "import asyncpg", named="asyncpg"),
    plant("sql-lives-in-db", "services/feedback/use_cases/planted.py", "import sqlalchemy", named="sqlalchemy"),
    plant("web-lives-in-api", "services/intake/use_cases/planted.py", "import fastapi", named="fastapi"),
    plant("web-lives-in-api", "services/dispatch/worker/planted.py", "import starlette", named="starlette"),
    plant(
        "use-cases-touch-only-the-database",
        "services/dispatch/use_cases/planted.py",
        "import redis",
        named="redis",
    ),
    plant("use-cases-touch-only-the-database", "services/intake/db/planted.py", "import httpx", named="httpx"),
    plant("arq-in-one-module", "services/dispatch/worker/planted.py", "import arq", named="arq"),
    plant("arq-in-one-module", "shared/messaging/planted.py", "from arq.worker import Worker", named="arq"),
    plant("arq-in-one-module", "deploy/planted.py", "import arq", named="arq"),
    plant(
        "contracts-are-plain",
        "shared/contracts/planted.py",
        "import shared.messaging",
        named="shared.messaging",
    ),
]


def contracts() -> dict[str, str]:
    """Names of the import contracts, by identifier."""
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / CONFIGURATION, encoding="utf-8")
    prefix = "importlinter:contract:"
    return {
        section.removeprefix(prefix): configuration[section]["name"]
        for section in configuration.sections()
        if section.startswith(prefix)
    }


def copy_of_the_tree(destination: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            destination / package,
            ignore=lambda folder, names: [
                name for name in names if not (name.endswith(".py") or (Path(folder) / name).is_dir())
            ],
        )
    shutil.copy(ROOT / CONFIGURATION, destination)
    return destination


def lint(tree: Path, *contracts_to_check: str) -> subprocess.CompletedProcess[str]:
    chosen = [argument for name in contracts_to_check for argument in ("--contract", name)]
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo", *chosen],
        cwd=tree,
        env={"PATH": "", "PYTHONPATH": str(tree), "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_tree_keeps_every_import_contract() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("violation", PLANTS)
def test_a_planted_violation_is_caught_by_the_contract_it_breaks(violation: Plant, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    for name, code in violation.files.items():
        with (tree / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{code}\n")
    outcome = lint(tree, violation.contract)
    printed = " ".join(outcome.stdout.split())
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert f"{contracts()[violation.contract]} BROKEN" in printed
    assert violation.named in printed


def test_every_import_contract_has_a_planted_violation() -> None:
    planted = {parameter.values[0].contract for parameter in PLANTS}  # type: ignore[attr-defined]
    assert planted == set(contracts())


def test_there_are_three_services_and_the_layout_is_the_agreed_one() -> None:
    services = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
    assert services == {"intake", "dispatch", "feedback"}
    for service in sorted(services):
        inside = {path.parent.name for path in (ROOT / "services" / service).glob("*/__init__.py")}
        assert {"domain", "use_cases", "db", "api", "worker", "migrations"} <= inside, service
