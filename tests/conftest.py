"""Fixtures for every suite: embedded servers started only when a test asks, a fresh database and empty Redis per test.

Everything is per xdist worker; nothing is shared between tests but the running servers.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.clock import ManualClock
from shared.vocabulary import Service
from tests.support.databases import DatabaseFactory, role_urls
from tests.support.network import block_sockets

if TYPE_CHECKING:
    from deploy.embedded import PostgresServer, RedisServer
    from shared.db.engine import Database

UNIT_DIRECTORY = Path(__file__).parent / "unit"
# A Monday at 09:00 in Shanghai, in the first working week after the Spring Festival of 2026.
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if UNIT_DIRECTORY in request.path.parents:
        block_sockets(monkeypatch)


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands at a Monday morning until the test moves it."""
    return ManualClock(MORNING)


@pytest.fixture(scope="session")
def servers_directory() -> Iterator[Path]:
    """Short, because Unix socket paths are; pytest's own temporary directories are too deep."""
    path = Path(tempfile.mkdtemp(prefix="mq-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(servers_directory: Path) -> Iterator["PostgresServer"]:
    """A running PostgreSQL of this test process; its data is thrown away at the end."""
    from deploy.embedded import PostgresServer

    server = PostgresServer(servers_directory / "pg", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(servers_directory: Path) -> Iterator["RedisServer"]:
    """A running Redis of this test process, keeping nothing on disk."""
    from deploy.embedded import RedisServer

    server = RedisServer(servers_directory / "redis", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: "RedisServer") -> str:
    """The address of an empty Redis; brought back first if the test before has stopped it."""
    redis_server.start()
    redis_server.command("FLUSHALL")
    return redis_server.url


@pytest.fixture(scope="session")
def database_factory(postgres: "PostgresServer") -> DatabaseFactory:
    return DatabaseFactory(postgres)


def _fresh_database(factory: DatabaseFactory, *, migrated: bool) -> Iterator[dict[Service, str]]:
    factory.server.start()
    name = factory.create(migrated=migrated)
    yield role_urls(factory.server, name)
    factory.server.start()
    factory.drop(name)


@pytest.fixture
def database_urls(database_factory: DatabaseFactory) -> Iterator[dict[Service, str]]:
    """DSNs of a fresh, fully migrated database, one per service."""
    yield from _fresh_database(database_factory, migrated=True)


@pytest.fixture
def blank_database_urls(database_factory: DatabaseFactory) -> Iterator[dict[Service, str]]:
    """DSNs of a fresh database with roles and empty schemas only, one per service."""
    yield from _fresh_database(database_factory, migrated=False)


@pytest.fixture(scope="module")
def module_database_urls(database_factory: DatabaseFactory) -> Iterator[dict[Service, str]]:
    """Like `database_urls`, shared by the tests of one module; for read-only suites and hypothesis."""
    yield from _fresh_database(database_factory, migrated=True)


async def _connected(urls: dict[Service, str], service: Service, clock: ManualClock) -> AsyncIterator["Database"]:
    from shared.db.engine import Database
    from shared.messaging.outbox import Outbox

    database = Database.connect(
        urls[service],
        schema=service.value,
        application_name=f"test-{service.value}",
        clock=clock,
        sink=Outbox(service),
    )
    yield database
    await database.dispose()


@pytest.fixture
async def intake_db(database_urls: dict[Service, str], manual_clock: ManualClock) -> AsyncIterator["Database"]:
    """Intake's database as its own role, on the manual clock, publishing to the outbox."""
    async for database in _connected(database_urls, Service.INTAKE, manual_clock):
        yield database


@pytest.fixture
async def dispatch_db(database_urls: dict[Service, str], manual_clock: ManualClock) -> AsyncIterator["Database"]:
    """Dispatch's database as its own role, on the manual clock, publishing to the outbox."""
    async for database in _connected(database_urls, Service.DISPATCH, manual_clock):
        yield database


@pytest.fixture
async def feedback_db(database_urls: dict[Service, str], manual_clock: ManualClock) -> AsyncIterator["Database"]:
    """Feedback's database as its own role, on the manual clock, publishing to the outbox."""
    async for database in _connected(database_urls, Service.FEEDBACK, manual_clock):
        yield database
