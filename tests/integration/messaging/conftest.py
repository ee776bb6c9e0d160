from collections.abc import AsyncIterator

import pytest

from shared.clock import ManualClock
from shared.vocabulary import Service
from tests.support.message_flow import Flow, build_flow, close_flow


@pytest.fixture
async def flow(blank_database_urls: dict[Service, str], manual_clock: ManualClock) -> AsyncIterator[Flow]:
    """A producer and a consumer with nothing in between yet."""
    built = await build_flow(blank_database_urls, manual_clock)
    yield built
    await close_flow(built)
