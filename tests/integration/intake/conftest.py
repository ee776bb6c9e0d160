"""The intake service on a real server, a real database and a real Redis, with a small city loaded."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from services.intake.main import create_app
from services.intake.settings import Settings
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.messaging.outbox import Outbox
from shared.vocabulary import Service
from tests.conftest import MORNING
from tests.integration.intake.office import EVERYTHING, Office
from tests.support.running import running

if TYPE_CHECKING:
    from deploy.embedded import RedisServer


def settings_for(database_url: str, redis_url: str, data_dir: Path) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        data_dir=data_dir,
        master_key=SecretStr("a-master-key-of-the-tests,-long-enough"),
        rate_limit_per_second=0,
        access_log=False,
    )


async def opened(settings: Settings, database: Database, clock: ManualClock) -> AsyncIterator[Office]:
    app = create_app(settings, clock=clock)
    async with running(app) as client:
        office = Office(app, client, database, clock)
        await office.load_city()
        office.headers = await office.key(*EVERYTHING)
        yield office


@pytest.fixture
def intake_settings(database_urls: dict[Service, str], redis_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_urls[Service.INTAKE], redis_url, tmp_path)


@pytest.fixture
async def office(intake_settings: Settings, intake_db: Database, manual_clock: ManualClock) -> AsyncIterator[Office]:
    """The service, a few categories, and a key that may do everything."""
    async for office in opened(intake_settings, intake_db, manual_clock):
        yield office


@pytest.fixture
async def shut_office(
    module_database_urls: dict[Service, str], redis_server: "RedisServer", tmp_path: Path
) -> AsyncIterator[Office]:
    """An office with a service area that several tests share, because nothing they send may leave anything behind."""
    url = module_database_urls[Service.INTAKE]
    clock = ManualClock(MORNING)
    database = Database.connect(
        url, schema="intake", application_name="test-intake", clock=clock, sink=Outbox(Service.INTAKE)
    )
    redis_server.start()
    async for office in opened(settings_for(url, redis_server.url, tmp_path), database, clock):
        await office.fence()
        yield office
    await database.dispose()
