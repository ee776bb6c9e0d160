"""Schemathesis on every operation of the three OpenAPI documents, on real processes, with every check it has.

The tests run every operation's coverage cases and a few random ones. `MINQING_FUZZ_SECONDS=600` before
`pytest tests/contract/test_api_fuzz.py` goes on, with call sequences too, for that long per service.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import RedisServer
from shared.vocabulary import Service
from tests.contract.running_city import RunningCity, running_city

SECONDS = int(os.environ.get("MINQING_FUZZ_SECONDS", "0"))
SEED = os.environ.get("MINQING_FUZZ_SEED", "12345")
HOOKS = Path(__file__).with_name("fuzz_hooks.py")

# What a document cannot say, the rules still refuse: an unknown category (422), a stale version (412), an expired token
# (410). A refusal by validation is a fault all the same: the check in fuzz_hooks.py sees to it.
CONFIG = f"""
hooks = {json.dumps(str(HOOKS))}

[generation]
database = "none"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "410", "412", "422", "429"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429"]

# GeoReport v2 refuses with 400 whatever our own documents call 422.
[[operations]]
include-path-regex = "^/open311/"
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", "400", "403", "404", "409", "429"]

# Coverage tries the greatest lengths a document allows: a city of polygons, twenty thousand rules, a reply of twenty
# thousand characters. Making them takes minutes; random cases try these operations all the same.
[[operations]]
include-path-regex = "^/v1/(grids/import|routing/rule-sets|tickets/[^/]+/resolve)$"
phases.coverage.enabled = false

[[operations]]
include-path-regex = "^/v1/(surveys|demand-classes|inbound/sources|campaigns|sessions|categories/[^/]+/[a-z]+)"
phases.coverage.enabled = false
"""
SHORT = ["--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--generation-deterministic"]
LONG = ["--max-time", str(SECONDS), "--seed", SEED]
LIMIT_SECONDS = SECONDS * 4 + 600

pytestmark = [pytest.mark.timeout(LIMIT_SECONDS + 120)]


@pytest.fixture(scope="module")
def city(
    module_database_urls: dict[Service, str], redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningCity]:
    """One running city for all operations; what one does, the next one meets."""
    redis_server.command("FLUSHALL")
    with running_city(module_database_urls, redis_server.url, tmp_path_factory.mktemp("fuzz")) as city:
        yield city


# Intake is larger than the others together: in parts, so that two can run beside each other.
PARTS = {
    "intake-appeals": (Service.INTAKE, ["--include-path-regex", "^/v1/(appeals|track)"]),
    "intake-rest": (Service.INTAKE, ["--exclude-path-regex", "^/(v1/(appeals|track)|open311)"]),
    "intake-open311": (Service.INTAKE, ["--include-path-regex", "^/open311"]),
    "dispatch": (Service.DISPATCH, []),
    "feedback": (Service.FEEDBACK, []),
}


def fuzz(part: str, city: RunningCity, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run schemathesis as a process of its own for the time that was given."""
    service, operations = PARTS[part]
    known = directory / "known.json"
    known.write_text(json.dumps(city.known), encoding="utf-8")
    config = directory / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    command += [f"{city.base_url(service)}/openapi.json", "--header", f"Authorization: {city.headers['Authorization']}"]
    command += ["--checks", "all", "--warnings", "off", *operations, *(LONG if SECONDS else SHORT)]
    command += ["--request-timeout", "20", "--suppress-health-check", "all", "--no-color"]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "MINQING_FUZZ_KNOWN": str(known)}
    return subprocess.run(
        command, env=environment, cwd=directory, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


@pytest.mark.parametrize("part", list(PARTS))
def test_a_service_keeps_its_contract_whatever_is_sent(part: str, city: RunningCity, tmp_path: Path) -> None:
    run = fuzz(part, city, tmp_path)

    assert run.returncode == 0, f"{run.stdout[-20_000:]}\n{run.stderr[-4_000:]}"
    assert city.unhandled(PARTS[part][0]) == []
