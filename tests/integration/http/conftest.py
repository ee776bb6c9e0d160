"""A probe service on a real server, a real database and a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis

from shared.clock import ManualClock
from shared.db.engine import Database
from shared.http.app import create_service_app
from shared.identity.authenticator import Authenticator
from shared.vocabulary import Service
from tests.support.probe_service import KEYS, ProbeSettings, add_key, create_probe_tables, faults, notes
from tests.support.running import running


@dataclass(frozen=True, slots=True)
class Probe:
    """A running probe and a key that may do everything with notes."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    redis: "Redis"
    clock: ManualClock
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
def probe_settings(blank_database_urls: dict[Service, str], redis_url: str) -> ProbeSettings:
    return ProbeSettings(
        database_url=SecretStr(blank_database_urls[Service.INTAKE]),
        redis_url=SecretStr(redis_url),
        port=8001,
        body_limit_bytes=50_000,
        rate_limit_per_second=0,
        cors_origins=("https://desk.example",),
    )


@pytest.fixture
async def probe(probe_settings: ProbeSettings, manual_clock: ManualClock) -> AsyncIterator[Probe]:
    """The probe without a rate limit; a test that wants one makes its own settings."""
    async for made in start_probe(probe_settings, manual_clock):
        yield made


async def start_probe(settings: ProbeSettings, clock: ManualClock) -> AsyncIterator[Probe]:
    database = Database.connect(
        settings.database_url.get_secret_value(),
        schema="intake",
        application_name="probe",
        clock=clock,
        statement_timeout=settings.statement_timeout,
        pool_size=settings.pool_size,
    )
    redis: Redis = Redis.from_url(settings.redis_url.get_secret_value())
    await create_probe_tables(database)
    app = create_service_app(
        settings=settings,
        title="Probe",
        database=database,
        redis=redis,
        identity=Authenticator(database, KEYS, clock),
        routers=[notes, faults],
        clock=clock,
        state={"gate": asyncio.Event(), "entered": asyncio.Event()},
    )
    issued = await add_key(database, clock, "appeals:write", "appeals:read")
    async with running(app) as client:
        yield Probe(app, client, database, redis, clock, issued.text)
