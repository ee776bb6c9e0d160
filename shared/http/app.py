"""The application every service is: one factory, so identity, limits, problems and telemetry are the same in all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from redis.asyncio import Redis
from starlette.middleware import Middleware

from shared.clock import Clock
from shared.db.engine import Database
from shared.http import health
from shared.http.dialects import Dialect, describe_dialects
from shared.http.edge import Edge
from shared.http.health import Check
from shared.http.idempotency import keep_clean
from shared.http.problems import install_problem_handlers, problem_schema
from shared.http.rate_limits import RateLimiter
from shared.http.routing import ServiceRoute, mount_router, refuse_unguarded
from shared.identity.authenticator import Authenticator
from shared.observability.metrics import QueriedGauges
from shared.observability.tracing import stop_tracing
from shared.settings import ServiceSettings

Hook = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_NO_NATIVE_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def create_service_app(  # noqa: PLR0913 - all keyword-only, each one part of a service
    *,
    settings: ServiceSettings,
    title: str,
    database: Database,
    redis: "Redis | None",
    identity: Authenticator,
    routers: Sequence[APIRouter],
    readiness: Mapping[str, Check] | None = None,
    lifespan: Sequence[Hook] = (),
    gauges: QueriedGauges | None = None,
    clock: Clock | None = None,
    description: str = "",
    version: str = "1",
    state: Mapping[str, Any] | None = None,
    dialects: Sequence[Dialect] = (),
) -> FastAPI:
    """Build a service's application.

    `readiness` adds required checks by name; `lifespan` hooks are entered at start in order and left in reverse before
    the database closes; `state` entries become attributes of `app.state`; below the paths of a
    dialect, requests are read and errors told in its way. The factory closes database, redis and identity at shutdown.
    Raises UnguardedRouteError when a route does not declare who may call it.
    """
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_NATIVE_TELEMETRY,
        lifespan=_lifespan_of(lifespan),
        middleware=[
            Middleware(
                Edge,
                service=settings.SERVICE.value,
                cors_origins=settings.cors_origins,
                access_log=settings.access_log,
                dialects=dialects,
            )
        ],
    )
    app.router.route_class = ServiceRoute
    app.state.settings = settings
    app.state.database = database
    app.state.redis = redis
    app.state.identity = identity
    app.state.clock = clock or database.clock
    app.state.gauges = gauges or QueriedGauges()
    app.state.rate_limiter = RateLimiter(
        redis,
        service=settings.SERVICE.value,
        per_second=settings.rate_limit_per_second,
        burst=settings.rate_limit_burst,
    )
    app.state.required_checks = {"database": health.database_check(database), **(readiness or {})}
    app.state.helpful_checks = {} if redis is None else {"redis": health.redis_check(redis)}
    for name, value in (state or {}).items():
        setattr(app.state, name, value)
    install_problem_handlers(app)
    for router in (*routers, health.router):
        mount_router(app, router)
    refuse_unguarded(app.routes)
    app.openapi = lambda: _openapi(app, dialects)  # type: ignore[method-assign]
    return app


def _lifespan_of(hooks: Sequence[Hook]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        refuse_unguarded(app.routes)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_close, app)
            await stack.enter_async_context(_background("identity", app.state.identity.run))
            await stack.enter_async_context(_background("idempotency", partial(_clean, app)))
            for hook in hooks:
                await stack.enter_async_context(hook(app))
            yield

    return lifespan


@asynccontextmanager
async def _background(name: str, run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Keep a coroutine running while the application does, and let it end in its own way."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(stop), name=name)
    try:
        yield
    finally:
        stop.set()
        try:
            await asyncio.wait_for(task, timeout=5)
        except TimeoutError:
            task.cancel()


async def _clean(app: FastAPI, stop: asyncio.Event) -> None:
    await keep_clean(app.state.database, timedelta(days=app.state.settings.idempotency_days), stop)


async def _close(app: FastAPI) -> None:
    """Close what the application was given, each even when another fails to close."""
    redis = app.state.redis
    closers = [app.state.identity.close(), app.state.database.dispose()]
    if redis is not None:
        closers.append(redis.aclose())
    await asyncio.gather(*closers, return_exceptions=True)
    await asyncio.to_thread(stop_tracing)


def _openapi(app: FastAPI, dialects: Sequence[Dialect]) -> dict[str, Any]:
    """The description with the shared schemas and the way to authenticate."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = problem_schema()
        components["securitySchemes"] = {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, or a token of the city's issuer.",
            }
        }
        for operation in _operations(schema):
            for parameter in operation.get("parameters", ()):
                _never_null(parameter["schema"])
        _close_patterned_keys(components["schemas"])
        describe_dialects(schema, dialects)
        app.openapi_schema = schema
    return app.openapi_schema


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for item in schema.get("paths", {}).values() for operation in item.values())


def _never_null(parameter: dict[str, Any]) -> None:
    """A header or query parameter is text or it is absent; the text "null" is not what a type of null means."""
    variants = [variant for variant in parameter.get("anyOf", ()) if variant != {"type": "null"}]
    if len(variants) == len(parameter.get("anyOf", ())):
        return
    if len(variants) > 1:
        parameter["anyOf"] = variants
        return
    del parameter["anyOf"]
    for key, value in variants[0].items():
        parameter.setdefault(key, value)


def _close_patterned_keys(schema: Any) -> None:
    """A mapping whose keys have a form has no other keys: validation refuses them, so the document says it."""
    if isinstance(schema, list):
        for part in schema:
            _close_patterned_keys(part)
    if isinstance(schema, dict):
        if isinstance(schema.get("patternProperties"), dict):
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close_patterned_keys(part)
