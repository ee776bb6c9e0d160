"""The route of every service: checks the caller before it reads the body, bounds the body, reads JSON strictly."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from shared.errors import Forbidden
from shared.http.guards import Guard, guards_of
from shared.http.problems import UnstorableTextError, problem_documentation
from shared.http.text import holds_nul

_ALWAYS_POSSIBLE: Final = (500, 503)
_OF_GUARDED: Final = (401, 403, 429)
_OF_INPUT: Final = (422,)
_OF_BODIES: Final = (400, 413, 415)
_COPIED: Final = (
    "response_model",
    "status_code",
    "tags",
    "dependencies",
    "summary",
    "description",
    "response_description",
    "deprecated",
    "methods",
    "response_model_include",
    "response_model_exclude",
    "response_model_by_alias",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
    "include_in_schema",
    "response_class",
    "name",
    "callbacks",
    "generate_unique_id_function",
    "strict_content_type",
    "max_body_size",
)


class UnguardedRouteError(Exception):
    """A route does not say who may call it; the application must not start."""


class BoundedRequest(Request):
    """A request whose body is counted while it arrives and whose JSON is read by the strict parser."""

    def __init__(self, source: Request, limit: int) -> None:
        super().__init__(source.scope, source.receive)
        self._limit = limit
        self._check_length()

    def _check_length(self) -> None:
        length = self.headers.get("content-length")
        if length is None:
            return
        if not length.isascii() or not length.isdigit():
            raise HTTPException(400)
        if int(length) > self._limit:
            raise HTTPException(413)

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            chunks = bytearray()
            async for chunk in self.stream():
                chunks += chunk
            self._body = bytes(chunks)
        return self._body

    async def stream(self) -> Any:
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            if received > self._limit:
                raise HTTPException(413)
            yield chunk

    async def json(self) -> Any:
        """Parse strictly: no NaN, no lone surrogate, no invalid UTF-8; and refuse what no database can hold."""
        if not hasattr(self, "_json"):
            body = await self.body()
            self._json = orjson.loads(body)
            if b"\\u0000" in body and holds_nul(self._json):
                raise UnstorableTextError
        return self._json


class ServiceRoute(APIRoute):
    """A route with its guard; made by `mount_router` from what routers declare."""

    guard: Guard | None
    body_limit: int = 1_048_576

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        self.guard = declared_guard(self.dependant)
        guard = self.guard
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def handle(request: Request) -> Response:
            if guard is None:
                raise Forbidden("This route declares no right; nobody may call it.")
            if not guard.is_public:
                await guard.admit(request)
            bounded = BoundedRequest(request, self.max_body_size or request.app.state.settings.body_limit_bytes)
            if takes_json:
                await _require_json(bounded)
            return await handler(bounded)

        return handle


async def _require_json(request: BoundedRequest) -> None:
    """Refuse a body that is not declared as JSON (415); an absent one is left to validation."""
    kind = request.headers.get("content-type")
    if kind == "application/json":
        return
    essence = (kind or "").partition(";")[0].strip().lower()
    if essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json")):
        return
    if await request.body():
        raise HTTPException(415)


def declared_guard(dependant: Dependant) -> Guard | None:
    """The one guard of a route; with several, the route is refused to callers without the first."""
    return next((guard for guard in guards_of(dependant)), None)


def mount_router(app: FastAPI, router: APIRouter) -> None:
    """Put a router's routes, nested ones included, on the application as ServiceRoutes with documented problems.

    Raises UnguardedRouteError for a route without a guard or of a kind that cannot have one.
    """
    for context in iter_route_contexts(router.routes):
        route: Any = context
        if not isinstance(context.original_route, APIRoute):
            raise UnguardedRouteError(f"{route.path}: only API routes can be mounted")
        guard = declared_guard(route.dependant)
        if guard is None:
            raise UnguardedRouteError(f"{sorted(route.methods)} {route.path}: use require(...) or public()")
        settings = {name: getattr(route, name) for name in _COPIED}
        app.router.add_api_route(
            route.path,
            route.endpoint,
            **settings,
            operation_id=route.operation_id or route.name,
            responses=_documented(route, guard),
            openapi_extra=_with_security(route.openapi_extra, guard),
            route_class_override=ServiceRoute,
        )


def refuse_unguarded(routes: Iterable[BaseRoute], *, own_paths: frozenset[str] = frozenset()) -> None:
    """Walk every route, mounted ones included. Raises UnguardedRouteError for one without a guard."""
    for context in iter_route_contexts(list(routes)):
        route: Any = context.original_route
        path = getattr(context, "path", None) or getattr(route, "path", "?")
        if isinstance(route, ServiceRoute):
            if route.guard is None:
                raise UnguardedRouteError(f"{path}: no guard is declared")
        elif path not in own_paths:
            raise UnguardedRouteError(f"{path}: this kind of route cannot declare who may call it")


def _documented(route: Any, guard: Guard) -> dict[int | str, dict[str, Any]]:
    statuses = [*_ALWAYS_POSSIBLE]
    if not guard.is_public:
        statuses += _OF_GUARDED
    if route.body_field is not None:
        statuses += _OF_BODIES
    statuses += _OF_INPUT
    declared: dict[int | str, dict[str, Any]] = {
        int(status): value for status, value in route.responses.items() if str(status).isdigit()
    }
    for status, value in declared.items():
        if int(status) >= 400 and not value.get("content") and "model" not in value:
            declared[status] = {**problem_documentation([int(status)])[status], **value}
    return {**problem_documentation(statuses), **declared}


def _with_security(extra: dict[str, Any] | None, guard: Guard) -> dict[str, Any]:
    documented = dict(extra or {})
    documented["security"] = [] if guard.is_public else [{"bearer": []}]
    if not guard.is_public:
        documented["x-required-scopes"] = list(guard.scopes)
    return documented
