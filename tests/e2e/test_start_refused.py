"""What keeps the stack from starting is told in one clear line; the exit code is not 0 and nothing is left running."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.free_ports import free_ports
from tests.support.stack import NOBODY, as_ordinary_user, environment, minqing, processes_of


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Below the temporary directory itself, where an ordinary user may pass."""
    base = Path(tempfile.mkdtemp(prefix="mq-"))
    base.chmod(0o755)
    yield base / "var"
    shutil.rmtree(base, ignore_errors=True)


def assert_refused(done: subprocess.CompletedProcess[str], data_dir: Path, *told: str) -> None:
    assert done.returncode not in {0, None}, done.stdout
    complaint = done.stderr.strip().splitlines()
    assert len(complaint) == 1, done.stderr
    for words in told:
        assert words in complaint[0]
    assert "ready" not in done.stdout.splitlines()
    assert processes_of(data_dir) == []


@pytest.mark.parametrize("variable", ["INTAKE_PORT", "DISPATCH_PORT", "FEEDBACK_PORT"])
def test_port_that_is_taken_is_named_with_its_variable(data_dir: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = minqing("run", env=environment(data_dir, **{variable: port}))
    assert_refused(done, data_dir, variable, port, "Address already in use")


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "８００１"])
def test_port_that_is_none_is_refused(data_dir: Path, value: str) -> None:
    done = minqing("run", env=environment(data_dir, INTAKE_PORT=value))
    assert_refused(done, data_dir, "INTAKE_PORT")
    assert not data_dir.exists()


def test_two_services_on_one_port_are_refused(data_dir: Path) -> None:
    done = minqing("run", env=environment(data_dir, INTAKE_PORT="8123", DISPATCH_PORT="8123"))
    assert_refused(done, data_dir, "INTAKE_PORT=8123", "DISPATCH_PORT=8123")


def test_data_directory_below_a_file_is_refused(data_dir: Path) -> None:
    data_dir.write_text("a file")
    done = minqing("run", env=environment(data_dir / "data"))
    assert_refused(done, data_dir, "cannot be written", str(data_dir / "data"))


def test_data_directory_an_ordinary_user_cannot_make_is_refused(data_dir: Path) -> None:
    data_dir.parent.chmod(0o555)
    done = minqing("run", env=environment(data_dir), prefix=as_ordinary_user())
    assert_refused(done, data_dir, "cannot be written", "Permission denied")


def test_data_directory_an_ordinary_user_cannot_write_into_is_refused(data_dir: Path) -> None:
    data_dir.mkdir()
    data_dir.chmod(0o555)
    done = minqing("run", env=environment(data_dir), prefix=as_ordinary_user())
    assert_refused(done, data_dir, "cannot be written", "Permission denied")
    assert list(data_dir.iterdir()) == []


def test_half_of_the_database_addresses_is_refused(data_dir: Path) -> None:
    done = minqing("run", env=environment(data_dir, INTAKE_DATABASE_URL="postgresql://intake@localhost/minqing"))
    assert_refused(done, data_dir, "DISPATCH_DATABASE_URL", "FEEDBACK_DATABASE_URL")


def test_database_that_does_not_answer_is_named_without_its_password(data_dir: Path) -> None:
    (port,) = free_ports(1)
    urls = {
        f"{name}_DATABASE_URL": f"postgresql://{name.lower()}:s3cret@127.0.0.1:{port}/minqing"
        for name in ("INTAKE", "DISPATCH", "FEEDBACK")
    }
    done = minqing("run", env=environment(data_dir, **urls))
    assert_refused(done, data_dir, "INTAKE_DATABASE_URL", f"127.0.0.1:{port}", "does not answer")
    assert "s3cret" not in done.stdout + done.stderr


def test_redis_that_does_not_answer_is_named(data_dir: Path) -> None:
    (port,) = free_ports(1)
    done = minqing("run", env=environment(data_dir, REDIS_URL=f"redis://:s3cret@127.0.0.1:{port}/0"))
    assert_refused(done, data_dir, "REDIS_URL", f"127.0.0.1:{port}", "does not answer")
    assert "s3cret" not in done.stdout + done.stderr


def test_unknown_city_is_refused_with_the_known_ones(data_dir: Path) -> None:
    done = minqing("run", env=environment(data_dir, MINQING_CITY="atlantis"))
    assert_refused(done, data_dir, "atlantis", "weidu")


def test_files_of_somebody_else_where_the_database_would_be_are_left_alone(data_dir: Path) -> None:
    thesis = data_dir / "postgres" / "data" / "thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")
    done = minqing("run", env=environment(data_dir))
    assert_refused(done, data_dir, "not PostgreSQL's")
    assert thesis.read_text() == "years of work"


def test_command_without_any_database_says_where_it_looked(data_dir: Path) -> None:
    done = minqing("verify", env=environment(data_dir))
    assert_refused(done, data_dir, "no database", "INTAKE_DATABASE_URL")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_ordinary_user_here_cannot_write_where_only_root_may(data_dir: Path) -> None:
    """The two refusals above mean something: the capability that is kept does not allow writing."""
    program = f"import os; assert os.geteuid() == {NOBODY}; open({str(data_dir.parent / 'file')!r}, 'w')"
    done = subprocess.run(
        [*as_ordinary_user(), sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "PermissionError" in done.stderr
