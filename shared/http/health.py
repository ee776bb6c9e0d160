"""`/healthz` (the process lives), `/readyz` (what it depends on answers), `/metrics`, `/openapi.json`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from shared.db.engine import Database
from shared.http.guards import public
from shared.http.problems import problem_response
from shared.observability.metrics import CONTENT_TYPE, exposition

Check = Callable[[], Awaitable[None]]
_CHECK_TIMEOUT: Final = 2.0

router = APIRouter(tags=["operations"], dependencies=[Depends(public())])


@router.get("/healthz", operation_id="get_health", summary="The process lives")
async def healthz() -> dict[str, str]:
    """Says that the process answers; asks nothing of anybody."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="get_readiness", summary="What the service depends on answers")
async def readyz(request: Request) -> Response:
    """Names every dependency and whether it answers.

    503 when one is missing without which the API cannot do its work (`required`). Redis carries hints only, so its
    absence is reported as `degraded` with status 200: the API goes on answering.
    """
    checks: Mapping[str, Check] = request.app.state.required_checks
    helpful: Mapping[str, Check] = request.app.state.helpful_checks
    names = [*checks, *helpful]
    answers = await asyncio.gather(*(_answers(check) for check in [*checks.values(), *helpful.values()]))
    results = dict(zip(names, answers, strict=True))
    dependencies = {name: "ok" if well else "missing" for name, well in results.items()}
    missing = [name for name, well in results.items() if not well]
    if any(name in checks for name in missing):
        return problem_response(
            503,
            "not_ready",
            "The service is not ready",
            f"Missing: {', '.join(missing)}.",
            extra={"dependencies": dependencies, "missing": missing},
            headers={"Retry-After": "1"},
        )
    body = {"status": "degraded" if missing else "ready", "dependencies": dependencies, "missing": missing}
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """The Prometheus text exposition."""
    return Response(await exposition(request.app.state.gauges), headers={"Content-Type": CONTENT_TYPE})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The OpenAPI 3.1 description."""
    cached = getattr(request.app.state, "openapi_bytes", None)
    if cached is None:
        cached = request.app.state.openapi_bytes = orjson.dumps(request.app.openapi())
    return Response(cached, media_type="application/json")


def database_check(database: Database) -> Check:
    async def check() -> None:
        async with database.engine.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))

    return check


def redis_check(redis: Any) -> Check:
    async def check() -> None:
        await redis.ping()

    return check


async def _answers(check: Check) -> bool:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT):
            await check()
    except Exception:  # noqa: BLE001 - whatever it is, the dependency does not answer
        return False
    return True
