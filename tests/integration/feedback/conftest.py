"""The feedback service on a real server, a real database and a real Redis."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from pydantic import SecretStr

from deploy.embedded import RedisServer
from services.feedback.main import create_app
from services.feedback.settings import Settings
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.messaging.outbox import Outbox
from shared.vocabulary import Service
from tests.integration.feedback.desk import EVERYTHING, Desk
from tests.support.running import running

MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def settings_for(urls: dict[Service, str], redis_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(urls[Service.FEEDBACK]),
        redis_url=SecretStr(redis_url),
        master_key=SecretStr("a master key of the tests, long enough"),
        rate_limit_per_second=0,
        public_rate_limit_per_second=0,
        access_log=False,
    )


async def open_desk(settings: Settings, clock: ManualClock) -> AsyncIterator[Desk]:
    app = create_app(settings, clock=clock)
    database = Database.connect(
        settings.database_url.get_secret_value(),
        schema="feedback",
        application_name="test-feedback",
        clock=clock,
        sink=Outbox(Service.FEEDBACK),
    )
    async with running(app) as client:
        desk = Desk(app, client, database, clock)
        desk.headers = await desk.key(*EVERYTHING)
        yield desk
    await database.dispose()


@pytest.fixture
def feedback_settings(database_urls: dict[Service, str], redis_url: str) -> Settings:
    return settings_for(database_urls, redis_url)


@pytest.fixture
async def desk(feedback_settings: Settings, manual_clock: ManualClock) -> AsyncIterator[Desk]:
    """The service, with a key that may do everything a callback agent does."""
    async for desk in open_desk(feedback_settings, manual_clock):
        yield desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_desk(module_database_urls: dict[Service, str], redis_server: RedisServer) -> AsyncIterator[Desk]:
    """One service for a module of tests that change nothing, or nothing another of them would see."""
    async for desk in open_desk(settings_for(module_database_urls, redis_server.url), ManualClock(MORNING)):
        yield desk
