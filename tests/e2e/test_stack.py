"""The local stack as a process: what it writes, brings back and leaves behind, and a second one beside it."""

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.vocabulary import Service
from tests.support.city_client import CityClient
from tests.support.polling import eventually_sync
from tests.support.processes import answers_ok, descendants, is_alive
from tests.support.stack import NOBODY, RunningStack, as_ordinary_user, environment, minqing, processes_of

pytestmark = pytest.mark.xdist_group("stack")
PROCESSES = {f"{service.value}-{role}" for service in Service for role in ("api", "relay", "worker")}


@pytest.fixture
def base() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="mq-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_everything_promised_is_there_when_it_says_ready(stack: RunningStack) -> None:
    keys = stack.keys()
    assert {"call_center", "mobile_app", "dispatcher", "callback_agent", "supervisor", "admin"} < set(keys)
    assert keys["departments"]
    assert stat.S_IMODE((stack.data_dir / "demo-keys.json").stat().st_mode) == 0o600
    for service in Service:
        assert answers_ok(f"{stack.url(service)}/readyz")
        assert any(stack.url(service) in line for line in stack.lines)
    assert set(stack.state()["processes"]) == PROCESSES | {"postgres", "redis", "forkserver"}


@pytest.mark.parametrize("name", ["intake-api", "dispatch-worker", "feedback-relay", "redis", "postgres", "forkserver"])
def test_process_killed_with_9_comes_back_and_appeals_still_arrive(
    stack: RunningStack, city: CityClient, name: str
) -> None:
    before = stack.state()["processes"][name]
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool:
        now = stack.state()["processes"].get(name)
        return now is not None and now != before and is_alive(now)

    eventually_sync(is_back, timeout=60.0)
    eventually_sync(lambda: all(answers_ok(f"{stack.url(service)}/readyz") for service in Service), timeout=60.0)
    city.ticket(city.submit())


def test_second_start_in_the_same_directory_is_refused_and_harms_nothing(stack: RunningStack) -> None:
    done = minqing("run", env=environment(stack.data_dir))
    assert done.returncode == 1
    assert "in use by a running instance" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert answers_ok(f"{stack.url(Service.INTAKE)}/readyz")


def test_keys_are_made_listed_and_revoked_on_the_running_stack(stack: RunningStack, city: CityClient) -> None:
    made = minqing("keys", "create", "--name", "e2e", "--scope", "appeals:write", "--expires", "1d", env=stack.env)
    assert made.returncode == 0, made.stderr
    key = made.stdout.splitlines()[0]
    body = {"type": "help", "channel": "web", "title": "t", "description": "d"}
    city.call(Service.INTAKE, "POST", "/v1/appeals", key, body, expect=201)
    listed = minqing("keys", "list", env=stack.env)
    assert key.split("_")[1] in listed.stdout
    assert key not in listed.stdout
    for _ in range(2):
        assert minqing("keys", "revoke", key.split("_")[1], env=stack.env).returncode == 0

    def is_refused() -> bool:
        city.call(Service.INTAKE, "POST", "/v1/appeals", key, body, expect=401)
        return True

    eventually_sync(is_refused, timeout=30.0, interval=0.5)


def test_second_instance_runs_beside_the_first_and_knows_nothing_of_it(
    stack: RunningStack, city: CityClient, base: Path
) -> None:
    appeal = city.submit()
    with RunningStack(environment(base / "var")) as second:
        second.start()
        urls = {service: second.url(service) for service in Service}
        with CityClient(urls, second.keys()) as other:
            path = f"/v1/track/{appeal['receipt_number']}"
            headers = {"X-Access-Code": appeal["access_code"]}
            other.call(Service.INTAKE, "GET", path, second.keys()["mobile_app"], expect=404, headers=headers)
            other.call(Service.INTAKE, "GET", path, stack.keys()["mobile_app"], expect=401, headers=headers)
            other.ticket(other.submit())
    assert answers_ok(f"{stack.url(Service.INTAKE)}/readyz")


@pytest.mark.parametrize("user", ["as started", "ordinary"])
def test_restart_finds_its_data_and_keys_again_and_leaves_nothing_running(base: Path, user: str) -> None:
    prefix = as_ordinary_user() if user == "ordinary" else []
    if prefix:
        os.chown(base, NOBODY, NOBODY)
    env = environment(base / "var")
    with RunningStack(env, prefix) as first:
        first.start()
        keys = first.keys()
        with CityClient({service: first.url(service) for service in Service}, keys) as city:
            appeal = city.submit()
            ticket = city.ticket(appeal)
        started = descendants(first.process.pid)
        assert len(started) > len(PROCESSES)
        assert first.stop(signal.SIGINT) == 0
        assert [pid for pid in started if is_alive(pid)] == []
    assert processes_of(base / "var") == []
    with RunningStack(env, prefix) as second:
        second.start()
        assert second.keys() == keys
        with CityClient({service: second.url(service) for service in Service}, keys) as city:
            assert city.track(appeal)["receipt_number"] == appeal["receipt_number"]
            assert city.ticket(appeal)["id"] == ticket["id"]
        assert second.stop(signal.SIGTERM) == 0
    assert processes_of(base / "var") == []


def test_killing_the_supervisor_takes_everything_with_it_and_the_next_start_works(base: Path) -> None:
    env = environment(base / "var")
    with RunningStack(env) as first:
        first.start()
        started = descendants(first.process.pid)
        first.process.kill()
        first.process.wait()
        eventually_sync(lambda: not [pid for pid in started if is_alive(pid)], timeout=20.0)
        keys = first.keys()
    with RunningStack(env) as second:
        second.start()
        assert second.keys() == keys
