"""The yardstick: the least an endpoint can do that stores an appeal, FastAPI and asyncpg with two inserts and a commit.

`uvicorn --factory deploy.bench.bare:create_app` with BENCH_DATABASE_URL.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

from shared.ids import uuid7

CREATE = """
CREATE TABLE IF NOT EXISTS {schema}.bench_appeals (
    id uuid PRIMARY KEY, type text NOT NULL, channel text NOT NULL, category_code text NOT NULL, title text NOT NULL,
    description text NOT NULL, longitude float8, latitude float8, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS {schema}.bench_events (
    id uuid PRIMARY KEY, appeal_id uuid NOT NULL, data jsonb NOT NULL);
"""
DROP = "DROP TABLE IF EXISTS {schema}.bench_events; DROP TABLE IF EXISTS {schema}.bench_appeals"
POOL_SIZE = 8


class PlaceIn(BaseModel):
    longitude: float
    latitude: float


class PersonIn(BaseModel):
    name: str
    phone: str


class AppealIn(BaseModel):
    """The same body that intake gets."""

    type: str
    channel: str
    category_code: str
    title: Annotated[str, Field(max_length=200)]
    description: Annotated[str, Field(max_length=20_000)]
    location: PlaceIn
    reporter: PersonIn


class Created(BaseModel):
    id: UUID
    status: str


def create_app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(
            os.environ["BENCH_DATABASE_URL"], min_size=POOL_SIZE, max_size=POOL_SIZE
        )
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)
    schema = os.environ.get("BENCH_SCHEMA", "intake")
    appeal = f"INSERT INTO {schema}.bench_appeals VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"  # noqa: S608 - a constant
    event = f"INSERT INTO {schema}.bench_events VALUES ($1, $2, $3)"  # noqa: S608

    @app.post("/appeals", status_code=201)
    async def create(body: AppealIn, request: Request) -> Created:
        id_ = uuid7()
        data: dict[str, Any] = {"id": str(id_), "category_code": body.category_code, "title": body.title}
        place = body.location
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                appeal,
                *(id_, body.type, body.channel, body.category_code, body.title, body.description),
                *(place.longitude, place.latitude),
            )
            await connection.execute(event, uuid7(), id_, orjson.dumps(data).decode())
        return Created(id=id_, status="awaiting_dispatch")

    return app
