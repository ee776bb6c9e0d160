"""The dispatch API on a real server with a small city loaded, and keys of different people."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.dispatch.db.metadata import metadata
from services.dispatch.main import create_app
from services.dispatch.settings import Settings
from services.dispatch.use_cases.load_registry import LoadRegistry, load_registry
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.identity.api_keys import issue_key, store_key
from shared.identity.tables import api_key_table
from shared.vocabulary import Service
from tests.support.registry import small_city
from tests.support.running import running

ADMIN = ("admin",)


@dataclass(frozen=True, slots=True)
class Desk:
    """One person with a key at the running API."""

    client: httpx.AsyncClient
    key: str

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {
            "Authorization": f"Bearer {self.key}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.client.request(method, path, json=body, headers=sent)

    async def get(self, path: str) -> httpx.Response:
        return await self.send("GET", path)

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.send("PUT", path, body, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.send("POST", path, body, **headers)


@dataclass(frozen=True, slots=True)
class Office:
    """The running API: `admin` and `colleague` may do everything, `reader` may only look."""

    admin: Desk
    colleague: Desk
    reader: Desk
    database: Database


@pytest.fixture
async def office(
    database_urls: dict[Service, str], redis_url: str, dispatch_db: Database, manual_clock: ManualClock
) -> AsyncIterator[Office]:
    """The API of a loaded city."""
    await dispatch_db.transact(lambda uow: load_registry(uow, LoadRegistry(small_city())))
    settings = Settings(
        database_url=SecretStr(database_urls[Service.DISPATCH]),
        redis_url=SecretStr(redis_url),
        rate_limit_per_second=0,
    )
    keys = [await _key(dispatch_db, manual_clock, *scopes) for scopes in (ADMIN, ADMIN, ("registry:read",))]
    async with running(create_app(settings, clock=manual_clock)) as client:
        admin, colleague, reader = (Desk(client, key) for key in keys)
        yield Office(admin, colleague, reader, dispatch_db)


async def _key(database: Database, clock: ManualClock, *scopes: str) -> str:
    issued = issue_key(name="test", scopes=scopes, clock=clock, department_code=None, expires_at=None)
    table = api_key_table(metadata)
    await database.transact(lambda uow: store_key(uow.connection, table, issued.record))
    return issued.text
