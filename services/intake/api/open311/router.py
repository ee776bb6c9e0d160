"""The routes of GeoReport v2. Suffixes and spellings are taken off at the front door, errors translated there."""

import hashlib
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from services.intake.api.dependencies import TheDesk
from services.intake.api.open311 import definitions, describing
from services.intake.api.open311.documents import answer, render
from services.intake.api.open311.forms import LARGEST_FORM, ApiKeyGuard, posted
from services.intake.api.open311.front_door import PREFIX, format_of
from services.intake.api.open311.media import stored_files
from services.intake.api.open311.reading import (
    check_jurisdiction,
    is_extended,
    list_wanted,
    query_of,
    wants_chinese,
)
from services.intake.api.open311.submitting import command_of
from services.intake.api.open311.views import (
    Provider,
    Show,
    definition_view,
    discovery_view,
    request_view,
    services_view,
    submitted_view,
)
from services.intake.settings import Settings
from services.intake.use_cases.open311_read import (
    changed_at,
    define_service,
    get_public_request,
    list_public_requests,
    list_services,
    resolve_token,
)
from services.intake.use_cases.open311_submit import submit_request
from shared.http.dependencies import Db, Idempotency, public
from shared.http.rate_limits import RateLimiter
from shared.identity.principal import Principal
from shared.identity.scopes import Scope

_SELDOM_CHANGES = "public, max-age=60"


async def limit_by_address(request: Request) -> None:
    """Bound what one network address may read. Raises TooManyRequests.

    The address is hashed before it leaves the process: it is personal data.
    """
    address = request.client.host if request.client is not None else ""
    limiter: RateLimiter = request.app.state.open311_limiter
    await limiter.take(f"open311:{hashlib.sha256(address.encode()).hexdigest()[:32]}")


geo_report = APIRouter(prefix=PREFIX, tags=["open311"], dependencies=[Depends(public()), Depends(limit_by_address)])
submitting = APIRouter(prefix=PREFIX, tags=["open311"])
Submitter = Annotated[Principal, Depends(ApiKeyGuard((Scope.APPEALS_WRITE.value,)))]
Part = Annotated[str, Path(max_length=200)]


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _show(request: Request, *, extended: bool = False) -> Show:
    return Show(wants_chinese(request), _settings(request).zone, _url(request), extended)


def _url(request: Request) -> str:
    """The address under which the city's clients find this server."""
    return (_settings(request).open311_url or str(request.base_url)).rstrip("/")


def _admit(request: Request) -> Settings:
    """Check the jurisdiction and return what the city has set."""
    settings = _settings(request)
    check_jurisdiction(settings, query_of(request).one("jurisdiction_id"))
    return settings


@geo_report.get("/discovery", **describing.discovery)
async def discover(request: Request, db: Db) -> Response:
    """Where the endpoint is, which formats it writes, and when its services last changed."""
    settings = _settings(request)
    changed = await db.transact(changed_at, read_only=True)
    provider = Provider(
        url=_url(request),
        contact=settings.open311_contact,
        key_service=settings.open311_key_service,
        is_production=settings.environment == "production",
    )
    content = discovery_view(provider, changed, _show(request))
    return answer(request, format_of(request), "discovery", content, cache=_SELDOM_CHANGES)


@geo_report.get("/services", **describing.services)
async def read_services(request: Request, db: Db, desk: TheDesk) -> Response:
    """Every kind of request that can be made here."""
    settings = _admit(request)
    hidden = settings.open311_hidden_categories
    found = await db.transact(lambda uow: list_services(uow, desk, hidden), read_only=True)
    content = services_view(found, _show(request), with_tokens=settings.open311_answer == "token")
    return answer(request, format_of(request), "services", content, cache=_SELDOM_CHANGES)


@geo_report.get("/services/{service_code}", **describing.definition)
async def read_definition(service_code: Part, request: Request, db: Db, desk: TheDesk) -> Response:
    """What a service asks besides place and description."""
    hidden = _admit(request).open311_hidden_categories
    found = await db.transact(lambda uow: define_service(uow, desk, service_code, hidden), read_only=True)
    content = definition_view(service_code, found)
    return answer(request, format_of(request), "service_definition", content, cache=_SELDOM_CHANGES)


@geo_report.get("/requests", **describing.requests)
async def read_requests(request: Request, db: Db, desk: TheDesk) -> Response:
    """Public requests, the latest first."""
    settings = _admit(request)
    wanted = list_wanted(query_of(request), request.app.state.clock.now(), settings.zone)
    hidden = settings.open311_hidden_categories
    found = await db.transact(lambda uow: list_public_requests(uow, desk, wanted, hidden), read_only=True)
    show = _show(request, extended=wanted.extended)
    return answer(request, format_of(request), "service_requests", [request_view(item, show) for item in found])


@geo_report.get("/requests/{service_request_id}", **describing.request)
async def read_request(service_request_id: Part, request: Request, db: Db, desk: TheDesk) -> Response:
    """One public request."""
    hidden = _admit(request).open311_hidden_categories
    show = _show(request, extended=is_extended(query_of(request)))
    found = await db.transact(
        lambda uow: get_public_request(uow, desk, service_request_id, hidden, extended=show.extended), read_only=True
    )
    return answer(request, format_of(request), "service_requests", [request_view(found, show)])


@geo_report.get("/tokens/{token}", **describing.token)
async def read_token(token: Part, request: Request, db: Db, desk: TheDesk) -> Response:
    """The number of the request that a token was given for."""
    hidden = _admit(request).open311_hidden_categories
    number = await db.transact(lambda uow: resolve_token(uow, desk, token, hidden), read_only=True)
    content = [{"service_request_id": number, "token": token}]
    return answer(request, format_of(request), "service_requests", content)


@submitting.post("/requests", **describing.submission, max_body_size=LARGEST_FORM)
async def create_request(request: Request, db: Db, desk: TheDesk, idem: Idempotency, principal: Submitter) -> Response:
    """Registers an appeal. What is kept for a repeated key is neutral: each repetition is written as it asks."""
    settings = _settings(request)
    form = await posted(request)  # type: ignore[arg-type]
    check_jurisdiction(settings, form.fields.one("jurisdiction_id"))
    command, account_id = command_of(form, principal.actor, settings)
    hidden, with_token = settings.open311_hidden_categories, settings.open311_answer == "token"
    chinese = wants_chinese(request)
    async with stored_files(request, db, desk, form.files) as files:
        whole = replace(command, files=files)
        kept = await idem.run(
            db,
            lambda uow: submit_request(uow, desk, whole, hidden, with_token=with_token),
            status=200,
            render=lambda submitted: (submitted_view(submitted, account_id, chinese=chinese), {}),
        )
    return _written(request, kept)


def _written(request: Request, kept: Response) -> Response:
    """Write a kept answer in the format that is asked for now."""
    kind = format_of(request)
    content: dict[str, Any] = orjson.loads(kept.body)
    headers = {"Content-Type": kind.content_type, "Cache-Control": "no-store"}
    if "idempotent-replayed" in kept.headers:
        headers["Idempotent-Replayed"] = kept.headers["idempotent-replayed"]
    return Response(render(kind, "service_requests", [content]), headers=headers)


router = APIRouter()
router.include_router(geo_report)
router.include_router(submitting)
router.include_router(definitions.router)
