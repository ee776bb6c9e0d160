"""The intake service on a real server, a real database and a real Redis, with a small city loaded."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.intake.main import create_app
from services.intake.settings import Settings
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.vocabulary import Service
from tests.integration.intake.office import EVERYTHING, Office
from tests.support.running import running


@pytest.fixture
def intake_settings(database_urls: dict[Service, str], redis_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_urls[Service.INTAKE]),
        redis_url=SecretStr(redis_url),
        master_key=SecretStr("a-master-key-of-the-tests,-long-enough"),
        rate_limit_per_second=0,
        access_log=False,
    )


@pytest.fixture
async def office(intake_settings: Settings, intake_db: Database, manual_clock: ManualClock) -> AsyncIterator[Office]:
    """The service, a few categories, and a key that may do everything."""
    app = create_app(intake_settings, clock=manual_clock)
    async with running(app) as client:
        office = Office(app, client, intake_db, manual_clock)
        await office.load_city()
        office.headers = await office.key(*EVERYTHING)
        yield office
