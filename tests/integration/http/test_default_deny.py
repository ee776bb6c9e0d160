"""Default deny, proved on every route of every service: nobody without a credential, nobody without the right."""

import re
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from shared.clock import SystemClock
from shared.http.routing import ServiceRoute
from shared.identity.api_keys import issue_key, store_key
from shared.identity.scopes import ALL_SCOPES
from shared.vocabulary import Service

MASTER_KEY = "test-master-key-of-enough-characters-0001"
PUBLIC = {"get_health", "get_readiness", "metrics", "openapi"}
PUBLIC_OF_INTAKE = {
    "receive_webhook",  # its signature is the credential
    "get_public_media",  # so is the signature in its address
    "open311_discovery",
    "open311_services",
    "open311_definition",
    "open311_requests",
    "open311_request",
    "open311_token",
}
OF_ANOTHER_STANDARD = "/open311/"  # GeoReport v2 knows 403 only


def own_settings(service: Service, database_url: str, redis_url: str) -> Any:
    """The service's own settings, filled in for a test."""
    return import_module(f"services.{service.value}.settings").Settings(
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        port=8000,
        master_key=SecretStr(MASTER_KEY),
        rate_limit_per_second=0,
        access_log=False,
    )


@pytest.fixture(params=list(Service), ids=lambda service: str(service.value))
async def service_app(
    request: pytest.FixtureRequest, module_database_urls: dict[Service, str], redis_url: str
) -> AsyncIterator[FastAPI]:
    service: Service = request.param
    module = import_module(f"services.{service.value}.main")
    app: FastAPI = module.create_app(own_settings(service, module_database_urls[service], redis_url))
    yield app
    await app.state.database.dispose()
    await app.state.redis.aclose()


def routes_of(app: FastAPI) -> list[ServiceRoute]:
    return [route for route in app.routes if isinstance(route, ServiceRoute)]


def concrete_path(route: ServiceRoute) -> str:
    return re.sub(r"\{[^}]*\}", "0190a1b2-0000-7000-8000-000000000000", route.path)


async def key_without(app: FastAPI, table: Any, route: ServiceRoute) -> str:
    """A key that has every scope but those of the route (and not admin, which has them all)."""
    assert route.guard is not None
    issued = issue_key(name="all but one", scopes=ALL_SCOPES - set(route.guard.scopes) - {"admin"}, clock=SystemClock())
    await app.state.database.transact(lambda uow: store_key(uow.connection, table, issued.record))
    return issued.text


def test_every_route_is_of_the_guarded_kind(service_app: FastAPI) -> None:
    routes = routes_of(service_app)

    assert len(routes) == len(service_app.routes)
    assert len(routes) > 4
    assert all(route.guard is not None for route in routes)


async def test_no_route_answers_without_a_credential_or_with_one_that_lacks_the_right(service_app: FastAPI) -> None:
    transport = httpx.ASGITransport(app=service_app)
    table = service_app.state.identity.table
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for route in routes_of(service_app):
            assert route.guard is not None
            if route.guard.is_public:
                continue
            key = await key_without(service_app, table, route)
            for method in route.methods or ():
                without = await client.request(method, concrete_path(route))
                lacking = await client.request(method, concrete_path(route), headers={"Authorization": f"Bearer {key}"})
                assert lacking.status_code == 403, (method, route.path)
                if route.path.startswith(OF_ANOTHER_STANDARD):
                    assert without.status_code == 403, (method, route.path)
                    continue
                assert without.status_code == 401, (method, route.path)
                assert "www-authenticate" in without.headers
                assert lacking.json()["required_scopes"] == list(route.guard.scopes)


def test_public_routes_are_a_short_known_list(service_app: FastAPI) -> None:
    known = PUBLIC | PUBLIC_OF_INTAKE | {"submit_evaluation", "create_evaluation", "get_evaluation_form"}
    public = {
        route.operation_id or route.name for route in routes_of(service_app) if route.guard and route.guard.is_public
    }

    assert public <= known
