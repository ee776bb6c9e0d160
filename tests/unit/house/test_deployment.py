"""The files a server is run from agree with the code, as far as that shows without a container engine."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli import COMMANDS
from shared.settings import ServiceSettings
from shared.vocabulary import Service
from tests.unit.house.repository import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
IMAGE_BIN = "/opt/minqing/bin/"
VARIABLE = re.compile(r"\$\{([A-Z_]+)")
# Not read by the code: what the compose file, its servers and the web server are told.
OUTSIDE = {
    "MINQING_VERSION",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "REDISCLI_AUTH",
    *(f"{service.value.upper()}_PASSWORD" for service in Service),
}


def compose() -> dict[str, Any]:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    loaded = yaml.safe_load(text)
    assert isinstance(loaded, dict)
    return loaded


def settings_of(service: Service) -> type[ServiceSettings]:
    module = importlib.import_module(f"services.{service.value}.settings")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value is not ServiceSettings
    ]
    assert len(found) == 1
    return found[0]


def known_variables() -> set[str]:
    return {
        name
        for service in Service
        for field in settings_of(service).model_fields
        for name in settings_of(service).environment_names(field)
    }


def processes() -> dict[str, dict[str, Any]]:
    """The containers that run our own code."""
    return {name: service for name, service in compose()["services"].items() if service["image"].startswith("minqing:")}


def exists(command: list[str]) -> bool:
    """Whether the module or application that a command starts is there."""
    match [Path(command[0]).name, *command[1:]]:
        case ["python", "-m", module, *_]:
            return importlib.util.find_spec(module) is not None
        case ["uvicorn", "--factory", target, *_]:
            module, _, name = target.partition(":")
            return defines(module, name)
        case ["minqing", command_name, *_]:
            return command_name == "--help" or command_name in {command.name for command in COMMANDS}
    return False


def defines(module: str, name: str) -> bool:
    specification = importlib.util.find_spec(module)
    if specification is None or specification.origin is None:
        return False
    tree = ast.parse(Path(specification.origin).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_there_is_an_api_a_relay_and_a_worker_for_each_service() -> None:
    expected = {f"{service.value}-{kind}" for service in Service for kind in ("api", "relay", "worker")}
    assert expected <= set(compose()["services"])
    assert {"postgres", "redis", "migrate"} <= set(compose()["services"])


@pytest.mark.parametrize("name", sorted(processes()))
def test_what_a_container_runs_exists(name: str) -> None:
    service = processes()[name]
    command = [*service.get("entrypoint", []), *service["command"]]
    assert exists(command), command


@pytest.mark.parametrize("name", sorted(processes()))
def test_a_container_is_told_only_what_the_code_reads(name: str) -> None:
    assert set(processes()[name]["environment"]) <= known_variables()


def test_the_compose_file_asks_for_no_variable_that_nobody_explains() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert set(VARIABLE.findall(text)) <= known_variables() | OUTSIDE


@pytest.mark.parametrize("service", Service)
def test_a_service_holds_no_other_services_database_password(service: Service) -> None:
    others = {f"{other.value.upper()}_DATABASE_URL" for other in Service if other is not service}
    for kind in ("api", "relay", "worker"):
        told = set(processes()[f"{service.value}-{kind}"]["environment"])
        assert f"{service.value.upper()}_DATABASE_URL" in told
        assert not told & others


def test_only_intake_holds_the_master_key() -> None:
    holders = {name for name, service in processes().items() if "MINQING_MASTER_KEY" in service["environment"]}
    assert holders == {"intake-api", "intake-relay", "intake-worker", "migrate", "setup"}


def test_every_secret_is_demanded_and_none_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"\$\{((?:\w+_)?(?:PASSWORD|KEY))\b(.*?)\}", text):
        assert name[1].startswith(":?"), name[0]


@pytest.mark.parametrize("name", sorted(processes()))
def test_a_container_has_no_privileges(name: str) -> None:
    service = processes()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("service", Service)
def test_an_api_is_probed_on_the_port_it_listens_on(service: Service) -> None:
    api = processes()[f"{service.value}-api"]
    port = settings_of(service).model_fields["port"].default
    assert f"--port={port}" in api["command"]
    assert api["healthcheck"]["test"][-1] == f"http://127.0.0.1:{port}/readyz"
    assert api["ports"] == [f"127.0.0.1:${{{service.value.upper()}_PORT:-{port}}}:{port}"]
    assert exists(api["healthcheck"]["test"][1:])


def test_everything_waits_for_the_migrations_and_those_for_the_database() -> None:
    services = compose()["services"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name, service in processes().items():
        if name != "migrate":
            assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_every_file_the_compose_file_mounts_is_there() -> None:
    mounts = [mount.split(":")[0] for service in compose()["services"].values() for mount in service.get("volumes", [])]
    files = [mount for mount in mounts if mount.startswith(".")]
    assert files
    assert all((DEPLOY / file).is_file() for file in files)
    assert {mount for mount in mounts if not mount.startswith(".")} == set(compose()["volumes"])


def dockerfile_lines() -> Iterator[str]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


def test_the_image_does_not_run_as_root() -> None:
    users = [line.split()[1] for line in dockerfile_lines() if line.startswith("USER ")]
    assert users == ["10001:10001"]


def test_the_image_copies_what_exists_and_every_package() -> None:
    copied = {
        source
        for line in dockerfile_lines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    assert {"services", "shared", "deploy"} <= copied
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert copied <= {line.removeprefix("!") for line in ignored if line.startswith("!")}


def sections(unit: Path) -> dict[str, list[str]]:
    """Values of a systemd unit by key; a key may come more than once."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_what_a_unit_starts_exists_and_is_not_root(unit: Path) -> None:
    stated = sections(unit)
    assert stated["User"] == ["minqing"]
    assert stated["NoNewPrivileges"] == ["yes"]
    [start] = stated["ExecStart"]
    assert start.startswith(IMAGE_BIN)
    for service in Service:
        assert exists(start.replace("%i", service.value).split()), start


def test_the_target_starts_every_process_of_every_service() -> None:
    wanted = {name for line in sections(DEPLOY / "systemd" / "minqing.target")["Wants"] for name in line.split()}
    kinds = ("api", "relay", "worker")
    assert wanted == {f"minqing-{kind}@{service.value}.service" for service in Service for kind in kinds}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    here = Path(sys.executable).parent.as_posix()
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace(IMAGE_BIN, f"{here}/")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    instances = []
    for template in tmp_path.glob("*@.service"):
        instance = template.with_name(template.name.replace("@", "@intake"))
        shutil.copy(template, instance)
        instances.append(instance.name)
    verified = subprocess.run(
        ["systemd-analyze", "verify", *(f"./{name}" for name in sorted(instances)), "./minqing.target"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    complaints = [line for line in verified.stderr.splitlines() if "minqing" in line]
    assert verified.returncode == 0, verified.stderr
    assert not complaints
