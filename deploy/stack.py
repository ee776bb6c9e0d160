"""The whole system on one machine: servers of its own or yours, three services, watched until Ctrl-C.

The supervisor itself imports no database driver and no framework; what needs them (migrating, loading the city, keys)
is done by a child that ends before the services start, so that the resident process stays small.
"""

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from deploy.embedded import PostgresServer, RedisServer
from deploy.embedded.directory import DirectoryClaim
from deploy.embedded.process import last_line
from deploy.errors import StackError
from deploy.forking import ForkServer
from deploy.settings import StackSettings, city_time_zone, master_key, write_private
from deploy.supervisor import Child, Supervisor, trim_log
from shared.vocabulary import Service

READY_TIMEOUT_SECONDS = 60.0
PREPARE_TIMEOUT_SECONDS = 300.0
TICK_SECONDS = 1.0
API_GROUP, BACKGROUND_GROUP = 0, 1
GRACE_SECONDS = 5


class StopRequested(BaseException):  # like KeyboardInterrupt: nothing has gone wrong
    """Somebody pressed Ctrl-C or sent SIGTERM."""


class Stack:
    """Starts, watches and stops everything. `say` gets one line at a time, for people."""

    def __init__(self, settings: StackSettings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self._claim = DirectoryClaim(settings.data_dir)
        self._postgres: PostgresServer | None = None
        self._redis: RedisServer | None = None
        self._forks: ForkServer | None = None
        self._supervisor: Supervisor | None = None
        self._database_urls: Mapping[Service, str] = settings.database_urls or {}
        self._redis_url = settings.redis_url or ""

    @property
    def database_urls(self) -> Mapping[Service, str]:
        return self._database_urls

    @property
    def redis_url(self) -> str:
        return self._redis_url

    def start(self) -> None:
        """Bring everything up; returns when every service says it is ready. Raises StackError, with nothing running."""
        try:
            self._take_data_directory()
            self._check_ports()
            # Imports what all processes need while the servers come up.
            forks = self._forks = ForkServer(_plain_environment(), self.settings.log_dir / "forkserver.log")
            forks.start()
            self._start_servers()
            self._prepare(forks)
            self._supervisor = Supervisor(forks, self.say)
            self._supervisor.start(list(self._children()))
            self._write_state()
            self._await_ready(self._supervisor)
        except BaseException:
            self.stop()
            raise

    def watch(self, should_stop: Callable[[], bool]) -> None:
        """Restart what dies, until `should_stop` or a signal arrives (which raises StopRequested)."""
        while not should_stop():
            waiting_for = [self._forks] if self._forks is not None and self._forks.fileno() >= 0 else []
            select.select(waiting_for, [], [], TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """One round of the watch: servers first, since everybody needs them."""
        changed = self._revive("PostgreSQL", self._postgres) | self._revive("Redis", self._redis)
        if self._supervisor is not None:
            changed |= self._supervisor.tick()
        if changed:
            self._write_state()

    def stop(self) -> None:
        """Take everything down in the order nobody notices: callers first, the servers last."""
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._forks is not None:
            self._forks.stop()
        for server in (self._redis, self._postgres):
            if server is not None:
                server.stop()
        if self._claim.is_held:
            with contextlib.suppress(OSError):
                self.settings.state_file.unlink(missing_ok=True)
            self._claim.release()

    def process_ids(self) -> dict[str, int]:
        """Everything that runs, by name: `intake-api`, `dispatch-relay`, ..., `postgres`, `redis`, `forkserver`."""
        children = self._supervisor.children if self._supervisor is not None else []
        found = {child.name: child.pid for child in children}
        found["postgres"] = self._postgres.pid if self._postgres is not None else None
        found["redis"] = self._redis.pid if self._redis is not None else None
        found["forkserver"] = self._forks.pid if self._forks is not None else None
        return {name: pid for name, pid in found.items() if pid is not None}

    def _take_data_directory(self) -> None:
        directory = self.settings.data_dir
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        except OSError as error:
            raise StackError(f"the data directory {directory} cannot be written: {error.strerror}") from error
        self._claim.take()
        try:
            self.settings.log_dir.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackError(f"the data directory {directory} cannot be written: {error.strerror}") from error

    def _check_ports(self) -> None:
        family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
        for service, port in self.settings.ports.items():
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.settings.host, port))
                except OSError as error:
                    raise StackError(
                        f"{service.name}_PORT: cannot listen on {self.settings.host}:{port}: {error.strerror}"
                    ) from error

    def _start_servers(self) -> None:
        if self.settings.database_urls is None:
            self._postgres = PostgresServer(self.settings.data_dir / "postgres")
            self._postgres.start()
            self._postgres.create_roles()
            self._database_urls = {service: self._postgres.url(service.value) for service in Service}
        if self.settings.redis_url is None:
            self._redis = RedisServer(self.settings.data_dir / "redis")
            self._redis.start()
            self._redis_url = self._redis.url

    def environment(self) -> dict[str, str]:
        """What every child of the stack reads."""
        settings = self.settings
        zone = city_time_zone(settings.city)
        return {
            **({"MINQING_TIME_ZONE": zone} if zone is not None else {}),
            **_plain_environment(),
            "MINQING_DATA_DIR": str(settings.data_dir),
            "MINQING_HOST": settings.host,
            "MINQING_CITY": str(settings.city) if settings.city is not None else "none",
            "MINQING_MASTER_KEY": master_key(settings),
            "REDIS_URL": self._redis_url,
            **{f"{service.name}_DATABASE_URL": url for service, url in self._database_urls.items()},
            **{f"{service.name}_PORT": str(port) for service, port in settings.ports.items()},
        }

    def _prepare(self, forks: ForkServer) -> None:
        """Migrate, load the city once, make the demo keys: a child's work, see the module's docstring."""
        log = self.settings.log_dir / "prepare.log"
        log.unlink(missing_ok=True)
        process = forks.launch("deploy.prepare", [], name="prepare", environment=self.environment(), log=log)
        try:
            code = process.wait(PREPARE_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise StackError(f"the databases were not ready within {PREPARE_TIMEOUT_SECONDS:.0f} s") from error
        finally:
            process.send_signal(signal.SIGTERM)
        if code != 0:
            raise StackError(last_line(log))
        for line in log.read_text(encoding="utf-8").splitlines():
            self.say(line)

    def _children(self) -> Iterator[Child]:
        environment = self.environment()
        for service in Service:
            package = f"services.{service.value}"
            commands = {
                "api": [
                    *("uvicorn", "--factory", f"{package}.main:create_app"),
                    *("--host", self.settings.host, "--port", str(self.settings.ports[service])),
                    *("--no-access-log", "--no-server-header", "--log-level", "warning"),
                    *("--timeout-graceful-shutdown", str(GRACE_SECONDS)),
                ],
                "relay": [f"{package}.relay"],
                "worker": [f"{package}.worker"],
            }
            for role, (module, *arguments) in commands.items():
                name = f"{service.value}-{role}"
                log = self.settings.log_dir / f"{name}.log"
                trim_log(log)
                group = API_GROUP if role == "api" else BACKGROUND_GROUP
                yield Child(name, module, arguments, environment, log, group)

    def _await_ready(self, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        waiting = list(Service)
        while waiting:
            supervisor.check_alive()
            waiting = [service for service in waiting if not _is_ready(self.settings, service)]
            if waiting and time.monotonic() > deadline:
                late = ", ".join(waiting)
                raise StackError(
                    f"not ready within {READY_TIMEOUT_SECONDS:.0f} s: {late} (logs: {self.settings.log_dir})"
                )
            time.sleep(0.05 if waiting else 0)
        supervisor.check_alive()

    def _revive(self, name: str, server: PostgresServer | RedisServer | None) -> bool:
        if server is None or server.is_running():
            return False
        self.say(f"{name} has ended; starting it again (log: {server.log})")
        try:
            server.start()
        except StackError as error:
            self.say(str(error))
            return False
        return True

    def _write_state(self) -> None:
        """Let other commands, and the chaos run, find the servers and the process ids."""
        state = {
            "pid": os.getpid(),
            "urls": {service.value: self.settings.base_url(service) for service in Service},
            "database_urls": {service.value: url for service, url in self._database_urls.items()},
            "redis_url": self._redis_url,
            "processes": self.process_ids(),
        }
        with contextlib.suppress(OSError):
            write_private(self.settings.state_file, json.dumps(state, indent=2) + "\n")


def _is_ready(settings: StackSettings, service: Service) -> bool:
    host = settings.base_url(service).removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _plain_environment() -> dict[str, str]:
    """For the fork server itself; each process gets its own environment when it is forked."""
    return {**os.environ, "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}


def _request_stop(_signal: int, _frame: FrameType | None) -> None:
    raise StopRequested


def run(settings: StackSettings, say: Callable[[str], None], should_stop: Callable[[], bool] = lambda: False) -> int:
    """Run the stack in the foreground until Ctrl-C, SIGTERM or `should_stop`; the exit code.

    Raises StackError, with nothing left running, if it cannot start.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _request_stop)
    stack = Stack(settings, say)
    began = time.monotonic()
    try:
        say(f"Minqing is starting, data in {settings.data_dir}")
        stack.start()
        for service in Service:
            say(f"  {service.value:<9} {settings.base_url(service)}  (API: {settings.base_url(service)}/docs)")
        say(f"  demo keys {settings.keys_file}")
        say(f"  started in {time.monotonic() - began:.1f} s; Ctrl-C stops everything")
        say("ready")
        stack.watch(should_stop)
        say("stopping")
    except StopRequested:
        say("stopping")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stack.stop()
    say("stopped")
    return 0
