"""Default deny: an application with a route that does not say who may call it does not come into being."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security

from shared.http.guards import public, require
from shared.http.routing import ServiceRoute, UnguardedRouteError, mount_router, refuse_unguarded
from shared.identity.scopes import Scope


async def answer() -> dict[str, str]:
    return {}


def app_with(router: APIRouter) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.route_class = ServiceRoute
    mount_router(app, router)
    refuse_unguarded(app.routes)
    return app


def test_a_route_without_a_guard_is_refused() -> None:
    router = APIRouter()
    router.add_api_route("/v1/open", answer)

    with pytest.raises(UnguardedRouteError, match="/v1/open"):
        app_with(router)


def test_a_nested_route_without_a_guard_is_refused_by_its_whole_path() -> None:
    inner = APIRouter()
    inner.add_api_route("/deep", answer)
    outer = APIRouter()
    outer.include_router(inner, prefix="/v1")

    with pytest.raises(UnguardedRouteError, match="/v1/deep"):
        app_with(outer)


def test_a_mounted_application_is_refused() -> None:
    router = APIRouter(dependencies=[Depends(public())])
    router.mount("/other", FastAPI())

    with pytest.raises(UnguardedRouteError, match="/other"):
        app_with(router)


def test_a_route_added_behind_the_factory_is_found() -> None:
    app = app_with(APIRouter())
    app.get("/v1/late")(answer)

    with pytest.raises(UnguardedRouteError, match="/v1/late"):
        refuse_unguarded(app.routes)


@pytest.mark.parametrize(
    "dependencies", [[Depends(public())], [Security(require("admin"))], [Depends(require("kpis:read", "cases:read"))]]
)
def test_a_guard_may_be_declared_on_route_or_router(dependencies: list[Any]) -> None:
    on_router = APIRouter(dependencies=dependencies)
    on_router.add_api_route("/v1/a", answer)
    on_route = APIRouter()
    on_route.add_api_route("/v1/b", answer, dependencies=dependencies)

    assert app_with(on_router).routes
    assert app_with(on_route).routes


def test_a_scope_that_does_not_exist_cannot_be_required() -> None:
    with pytest.raises(ValueError, match="tickets:reed"):
        require("tickets:reed")
    with pytest.raises(ValueError, match="public"):
        require()


def test_admin_includes_every_other_scope() -> None:
    from shared.identity.principal import Principal

    boss = Principal("1", "api_key", "boss", frozenset({"admin"}), None, "key:x")

    assert all(boss.has(scope) for scope in Scope)
    assert not Principal("2", "api_key", "x", frozenset({"kpis:read"}), None, "key:y").has(Scope.ADMIN)
