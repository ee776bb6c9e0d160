"""The dispatch service on a real server, a real database and a real Redis, with a small city."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.dispatch.main import create_app
from services.dispatch.settings import Settings
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.vocabulary import Service
from tests.integration.dispatch.tickets.hall import (
    DEPARTMENT_SCOPES,
    OFFICE_SCOPES,
    SANITATION,
    URBAN,
    WATER,
    Hall,
    load_city,
)
from tests.support.running import running


@pytest.fixture
def dispatch_settings(database_urls: dict[Service, str], redis_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_urls[Service.DISPATCH]),
        redis_url=SecretStr(redis_url),
        rate_limit_per_second=0,
        access_log=False,
    )


@pytest.fixture
async def hall(dispatch_settings: Settings, dispatch_db: Database, manual_clock: ManualClock) -> AsyncIterator[Hall]:
    """The service, with a key for the hotline office and one for each department."""
    await load_city(dispatch_db)
    app = create_app(dispatch_settings, clock=manual_clock)
    async with running(app) as client:
        hall = Hall(app, client, dispatch_db, manual_clock)
        hall.office = await hall.key(*OFFICE_SCOPES)
        for code in (SANITATION, URBAN, WATER):
            hall.departments[code] = await hall.key(*DEPARTMENT_SCOPES, department_code=code)
        yield hall
