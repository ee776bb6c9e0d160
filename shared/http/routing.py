"""The route of every service: checks the caller before it reads the body, bounds the body, reads JSON strictly."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts, request_response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from shared.errors import Forbidden
from shared.http.direct import plan_direct_call
from shared.http.guards import Guard, guards_of
from shared.http.problems import problem_documentation, problem_of
from shared.http.requests import BoundedRequest, discard_body, require_json

_ALWAYS_POSSIBLE: Final = (500, 503)
_OF_GUARDED: Final = (401, 403, 429)
_OF_INPUT: Final = (422,)
_OF_BODIES: Final = (400, 413, 415)
_MADE: Final = "_service_routes"
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


class ServiceRoute(APIRoute):
    """A route with its guard; made by `mount_router` from what routers declare."""

    guard: Guard | None
    written_out: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The framework's own bound answers in plain text; BoundedRequest keeps the same one and answers with a problem.
        self.app = request_response(self.get_route_handler())
        self._takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)
        self._framework_app = self.app
        self._direct = plan_direct_call(self.dependant, embeds_body=self._embed_body_fields)
        if self._direct is not None:
            self.app = self._answer_directly

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind the guard and the bounds."""
        handler = super().get_route_handler()
        self.guard = declared_guard(self.dependant)

        async def handle(request: Request) -> Response:
            return await handler(await self._admit(request.scope, request.receive))

        return handle

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A path that another route writes out is never taken for a parameter: `/appeals/batch` is no appeal's id."""
        if scope["path"] in self.written_out:
            return Match.NONE, {}
        return super().matches(scope)

    async def _admit(self, scope: Scope, receive: Receive) -> BoundedRequest:
        """Check the caller first, then the body's declared length and type; nothing has been read before."""
        if self.guard is None:
            raise Forbidden("This route declares no right; nobody may call it.")
        limit = self.max_body_size or scope["app"].state.settings.body_limit_bytes
        request = BoundedRequest(scope, receive, limit)
        if not self.guard.is_public:
            await self.guard.admit(request)
        try:
            request.check_length()
        except HTTPException:
            await discard_body(receive)
            raise
        if self._takes_json:
            await require_json(request)
        return request

    async def _answer_directly(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._direct is None:
            await self._framework_app(scope, receive, send)
            return
        try:
            response = await self._direct(await self._admit(scope, receive))
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - every error becomes a problem document here
            response = problem_of(error)
        await response(scope, receive, send)


def declared_guard(dependant: Dependant) -> Guard | None:
    """The one guard of a route; with several, the route is refused to callers without the first."""
    return next((guard for guard in guards_of(dependant)), None)


def mount_router(app: FastAPI, router: APIRouter) -> None:
    """Put a router's routes, nested ones included, on the application as ServiceRoutes with documented problems.

    A router that was mounted before, in this process, brings the routes that were made of it then: making them is most
    of the cost of an application, and they hold nothing of the one they are in. Raises UnguardedRouteError for a route
    without a guard or of a kind that cannot have one.
    """
    made: list[BaseRoute] | None = getattr(router, _MADE, None)
    if made is not None:
        app.router.routes.extend(made)
    else:
        first = len(app.router.routes)
        _make_routes(app, router)
        setattr(router, _MADE, app.router.routes[first:])
    _keep_written_out_paths_apart(app)


def _make_routes(app: FastAPI, router: APIRouter) -> None:
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


def _keep_written_out_paths_apart(app: FastAPI) -> None:
    routes = [route for route in app.router.routes if isinstance(route, ServiceRoute)]
    plain = {route.path for route in routes if not route.param_convertors}
    for route in routes:
        if route.param_convertors:
            route.written_out = frozenset(path for path in plain if route.path_regex.match(path))


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
    documented.setdefault("security", [] if guard.is_public else [{"bearer": []}])
    if not guard.is_public:
        documented["x-required-scopes"] = list(guard.scopes)
    return documented
