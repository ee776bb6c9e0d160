"""Real service processes for end-to-end and chaos tests: started on free ports, waited for, stopped by process id."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.embedded.process import await_ready, spawn, stop
from deploy.errors import StackError
from deploy.free_ports import free_ports
from shared.vocabulary import Service

MASTER_KEY = "a master key for tests only, 32 characters or more"


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and waits to be collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[int]:
    """The process ids of everything a process has started, directly or not."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def answers_ok(url: str, *, timeout: float = 2.0) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def service_environment(
    database_urls: Mapping[Service, str], redis_url: str, *, ports: Mapping[Service, int], data_dir: Path
) -> dict[str, str]:
    """The environment service processes read, on top of this one's PATH and nothing else."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REDIS_URL": redis_url,
        "MINQING_DATA_DIR": str(data_dir),
        "MINQING_MASTER_KEY": MASTER_KEY,
    }
    for service, url in database_urls.items():
        environment[f"{service.name}_DATABASE_URL"] = url
        environment[f"{service.name}_PORT"] = str(ports[service])
    return environment


@dataclass
class ServiceProcess:
    """One child: what it is, how to start it again, and where its log is."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    ready_url: str | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    def start(self, *, timeout: float = 30.0) -> None:
        """Start and, when there is something to ask, wait until it answers that it is ready."""
        assert self.process is None or self.process.poll() is not None, f"{self.name} still runs"
        self.process = spawn(self.command, log=self.log, environment=self.environment)
        url = self.ready_url
        if url is not None:
            await_ready(self.process, lambda: answers_ok(url), name=self.name, log=self.log, timeout=timeout)

    def kill(self) -> None:
        """What `kill -9` does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, *, timeout: float = 15.0) -> None:
        if self.process is not None:
            stop(self.process, [(signal.SIGTERM, timeout)])

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class ServiceProcesses:
    """The processes of one or more services on the given databases and Redis.

    Use as a context manager: leaving it ends whatever still runs.
    """

    database_urls: Mapping[Service, str]
    redis_url: str
    directory: Path
    services: Iterable[Service] = tuple(Service)
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    ports: dict[Service, int] = field(init=False)
    all: dict[str, ServiceProcess] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = dict(zip(Service, free_ports(len(Service)), strict=True))
        environment = {
            **service_environment(self.database_urls, self.redis_url, ports=self.ports, data_dir=self.directory),
            **self.extra_environment,
        }
        for service in self.services:
            for role, arguments in _COMMANDS.items():
                name = f"{service.value}-{role}"
                command = [sys.executable, "-m", *(word.format(service=service.value) for word in arguments)]
                if role == "api":
                    command += ["--port", str(self.ports[service])]
                self.all[name] = ServiceProcess(
                    name=name,
                    command=command,
                    environment=environment,
                    log=self.directory / f"{name}.log",
                    ready_url=f"{self.base_url(service)}/readyz" if role == "api" else None,
                )

    def base_url(self, service: Service) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def start(self, *names: str) -> "ServiceProcesses":
        """Start the named processes (`intake-api`, `dispatch-relay`, ...), or all; APIs last and waited for."""
        chosen = [self.all[name] for name in names] or list(self.all.values())
        try:
            for one in sorted(chosen, key=lambda process: process.ready_url is not None):
                one.start()
        except StackError as error:
            self.stop()
            raise AssertionError(str(error)) from error
        return self

    def stop(self) -> None:
        """Ask all to end at once, then wait for each."""
        running = [one for one in self.all.values() if one.process is not None and one.process.poll() is None]
        for one in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGTERM)
        deadline = time.monotonic() + 15.0
        for one in running:
            one.stop(timeout=max(0.1, deadline - time.monotonic()))

    def __enter__(self) -> "ServiceProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_COMMANDS = {
    "relay": ["services.{service}.relay"],
    "worker": ["services.{service}.worker"],
    "api": ["uvicorn", "--factory", "services.{service}.main:create_app", "--host", "127.0.0.1", "--no-access-log"],
}
