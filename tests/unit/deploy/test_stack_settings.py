"""What the stack reads from its environment, and how it takes the end of a child: the reason told, the pause grown."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.commands.keys import parse_expiry
from deploy.embedded.process import last_line
from deploy.errors import StackError
from deploy.forking import ForkServer
from deploy.settings import StackSettings, city_pack, city_time_zone, master_key, write_private
from deploy.supervisor import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, PROVEN_AFTER_SECONDS, Child, Supervisor
from shared.vocabulary import Service

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_nothing_set_means_the_documented_defaults() -> None:
    settings = StackSettings.load({"PATH": "/bin"})
    assert settings.data_dir == Path("var").absolute()
    assert dict(settings.ports) == {Service.INTAKE: 8001, Service.DISPATCH: 8002, Service.FEEDBACK: 8003}
    assert settings.host == "127.0.0.1"
    assert settings.database_urls is None
    assert settings.redis_url is None
    assert settings.city is not None
    assert settings.city.name == "weidu"


def test_empty_variable_counts_as_not_set() -> None:
    assert StackSettings.load({"INTAKE_PORT": " ", "REDIS_URL": ""}).ports[Service.INTAKE] == 8001


def test_own_servers_are_used_when_all_three_are_given() -> None:
    urls = {f"{service.name}_DATABASE_URL": f"postgresql://{service.value}@db/minqing" for service in Service}
    settings = StackSettings.load({**urls, "REDIS_URL": "redis://cache"})
    assert settings.database_urls == {service: f"postgresql://{service.value}@db/minqing" for service in Service}
    assert settings.redis_url == "redis://cache"


def test_stack_listening_everywhere_is_still_reached_on_this_machine() -> None:
    assert StackSettings.load({"MINQING_HOST": "0.0.0.0"}).base_url(Service.INTAKE) == "http://127.0.0.1:8001"
    assert StackSettings.load({"MINQING_HOST": "::1"}).base_url(Service.INTAKE) == "http://[::1]:8001"


def test_master_key_is_made_once_private_and_kept(tmp_path: Path) -> None:
    settings = StackSettings.load({"MINQING_DATA_DIR": str(tmp_path)})
    first = master_key(settings)
    assert len(first) >= 32
    assert master_key(settings) == first
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


def test_configured_master_key_is_not_written_anywhere(tmp_path: Path) -> None:
    settings = StackSettings.load({"MINQING_DATA_DIR": str(tmp_path), "MINQING_MASTER_KEY": "k" * 40})
    assert master_key(settings) == "k" * 40
    assert list(tmp_path.iterdir()) == []


def test_private_file_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("", "it ended without a word"),
        ("one\ntwo\n", "two"),
        ("2026 [1] FATAL:  lock file exists\n2026 [1] LOG:  shut down\n", "FATAL:  lock file exists"),
        ("Traceback\nshared.settings.SettingsError: X is missing\n(Background on this error at: y)\n", "X is missing"),
        ("ERROR:    [Errno 98] address already in use\nINFO: bye\n", "address already in use"),
        (
            json.dumps({"level": "critical", "event": "process.failed", "exception": "Trace\nOSError: gone"})
            + "\n{}\n",
            "process.failed: OSError: gone",
        ),
    ],
)
def test_most_telling_line_of_a_log_is_found(tmp_path: Path, log: str, told: str) -> None:
    path = tmp_path / "child.log"
    path.write_text(log)
    assert told in last_line(path)


def test_expiry_is_days_or_a_moment_with_offset() -> None:
    assert parse_expiry(None, NOW) is None
    assert parse_expiry("90d", NOW) == NOW + timedelta(days=90)
    assert parse_expiry("2027-01-31T08:00:00+08:00", NOW) == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2027-01-31T08:00:00", "0d", "soon", "2027-01-31", "-3d"])
def test_expiry_that_would_have_to_be_guessed_is_refused(text: str) -> None:
    with pytest.raises(StackError, match="--expires"):
        parse_expiry(text, NOW)


def test_child_that_keeps_dying_waits_longer_and_one_that_lived_comes_back_at_once(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(ForkServer({}, tmp_path / "log"), said.append)
    child = Child("intake-relay", "services.intake.relay", [], {}, tmp_path / "log", 1)
    pauses = []
    for _ in range(12):
        pauses.append(child.pause)
        supervisor.schedule(child, child.started_at, -9)
    assert pauses[0] == FIRST_PAUSE_SECONDS
    assert pauses == sorted(pauses)
    assert child.pause == LONGEST_PAUSE_SECONDS
    supervisor.schedule(child, child.started_at + PROVEN_AFTER_SECONDS, -9)
    assert child.due_at == pytest.approx(child.started_at + PROVEN_AFTER_SECONDS + FIRST_PAUSE_SECONDS)
    assert "intake-relay was killed by signal 9" in said[0]


def test_the_city_decides_the_time_zone(tmp_path: Path) -> None:
    assert city_time_zone(city_pack("weidu")) == "Asia/Shanghai"
    assert city_time_zone(city_pack("boston")) == "America/New_York"
    assert city_time_zone(tmp_path) is None
    assert city_time_zone(None) is None
