"""The fork server: processes with an environment, log and session of their own, whose end is told, whatever it was."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.forking import ForkedProcess, ForkServer
from tests.support.polling import eventually_sync
from tests.support.processes import is_alive
from tests.support.stack import ROOT

MODULE = "tests.support.forked_program"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "program.log"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    server = ForkServer(environment, tmp_path_factory.mktemp("forks") / "forkserver.log")
    yield server
    server.stop()


def launch(server: ForkServer, log: Path, *arguments: str) -> ForkedProcess:
    return server.launch(MODULE, arguments, name="program", environment={"COLOUR": "red"}, log=log)


def test_process_gets_its_own_arguments_environment_session_and_log(server: ForkServer, log: Path) -> None:
    assert launch(server, log, "end", "one", "two").wait(30) == 0
    assert log.read_text() == "given one two red None True\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("exit", "7"), 7, "given"),
        (("refuse",), 1, "I will not"),
        (("fail",), 1, "ValueError: out of order"),
        (("die",), -signal.SIGKILL, "given"),
    ],
)
def test_end_of_a_process_is_told_as_it_was(
    server: ForkServer, log: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    assert launch(server, log, *arguments).wait(30) == code
    assert told in log.read_text()


def test_waiting_for_a_process_that_goes_on_gives_up(server: ForkServer, log: Path) -> None:
    process = launch(server, log, "wait")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM


def test_many_processes_at_once_are_told_apart(server: ForkServer, tmp_path: Path) -> None:
    processes = [launch(server, tmp_path / f"{code}.log", "exit", str(code)) for code in range(20)]
    assert [process.wait(30) for process in reversed(processes)] == list(reversed(range(20)))


def test_server_that_was_killed_takes_its_processes_along_and_is_started_again(server: ForkServer, log: Path) -> None:
    process = launch(server, log, "wait")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    eventually_sync(lambda: process.poll() is not None, timeout=15.0)
    assert not is_alive(process.pid)
    assert launch(server, log, "exit", "3").wait(30) == 3


def test_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = ForkServer({"PATH": os.environ["PATH"], "PYTHONHOME": str(tmp_path)}, tmp_path / "forkserver.log")
    with pytest.raises(StackError, match="processes cannot be started"):
        launch(server, tmp_path / "log", "end")
    server.stop()
