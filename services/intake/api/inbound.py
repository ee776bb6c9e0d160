"""Appeals that other systems send: signed webhooks with a mapping per source, and mail."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.intake.api.dependencies import TheDesk, Writer, run_sealed
from services.intake.api.inbound_schemas import (
    DeliveryView,
    ReceivedView,
    SourceIn,
    Sources,
    SourceView,
    delivery_view,
    received_view,
    source_view,
)
from services.intake.api.registries import mark_saved, version_check
from services.intake.api.schemas import AppealIn, problems_with_items
from services.intake.api.signatures import BadSignature, signed_delivery_id
from services.intake.domain.appeals import Submission
from services.intake.domain.inbound import apply_rules
from services.intake.domain.mail import read_mail
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_sources import Source, change_secret, open_source, put_source, read_sources
from services.intake.use_cases.receive_delivery import (
    Delivery,
    Received,
    open_rejected,
    read_deliveries,
    receive_delivery,
    reject_delivery,
)
from services.intake.use_cases.receive_mail import take_mail
from shared.db.engine import Database
from shared.errors import FieldProblem, InvalidInput
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, public, require
from shared.http.problems import problem_documentation, problem_of
from shared.http.requests import require_media_type
from shared.identity.principal import Principal

WEBHOOK_LIMIT = 1024 * 1024
MAIL_LIMIT = 30 * 1024 * 1024
_MAIL = "message/rfc822"
_NO_STORE = {"Cache-Control": "no-store"}

Code = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")]
Keeper = Annotated[Principal, Security(require("entry:write"))]

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])


@router.get("/sources", operation_id="list_inbound_sources", summary="Who may send appeals", response_model=Sources)
async def show_sources(db: Db, _principal: Keeper) -> Sources:
    """Every source with its mapping; no secret among them."""
    return Sources(items=[source_view(row) for row in await db.transact(read_sources, read_only=True)])


@router.put(
    "/sources/{code}",
    operation_id="put_inbound_source",
    summary="Create or change a source",
    response_model=SourceView,
    responses={201: {"model": SourceView, "description": "Created"}, **problem_documentation([412])},
)
async def write_source(
    code: Code, wanted: SourceIn, db: Db, desk: TheDesk, expected: IfMatch, response: Response, _principal: Keeper
) -> SourceView:
    """The answer to a new one holds the secret its deliveries are signed with; it is not told again."""
    check = version_check(expected)
    row, secret = await db.transact(lambda uow: put_source(uow, desk, wanted.to_domain(code), check_version=check))
    mark_saved(response, row["version"], is_new=secret is not None)
    response.headers.update(_NO_STORE)
    return source_view(row, secret)


@router.post(
    "/sources/{code}/secret",
    operation_id="change_inbound_secret",
    summary="Give a source a new secret",
    response_model=SourceView,
    responses=problem_documentation([404]),
)
async def rotate_secret(code: Code, db: Db, desk: TheDesk, idem: Idempotency, _principal: Keeper) -> Response:
    """The secret before is good for another 24 hours, so that the sender can change over."""
    return await run_sealed(
        idem,
        db,
        desk.vault,
        lambda uow: change_secret(uow, desk, code),
        status=200,
        render=lambda changed: (source_view(*changed), _NO_STORE),
    )


@router.get(
    "/sources/{code}/deliveries",
    operation_id="list_deliveries",
    summary="A source's deliveries, newest first",
    response_model=Page[DeliveryView],
)
async def show_deliveries(
    code: Code,
    db: Db,
    page: PageQuery,
    _principal: Keeper,
    outcome: Annotated[str | None, Query(pattern="^(registered|known|urged|ignored|rejected)$")] = None,
) -> Page[DeliveryView]:
    """`rejected` are those that could not be read; `email` is the source of mail."""
    rows, following = await db.transact(
        lambda uow: read_deliveries(uow, code, outcome=outcome, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[delivery_view(row) for row in rows], next_cursor=following)


@router.post(
    "/sources/{code}/deliveries/{id}/retry",
    operation_id="retry_delivery",
    summary="Read a rejected delivery again",
    response_model=ReceivedView,
    responses=problem_documentation([404, 409]),
)
async def retry_delivery(code: Code, id: UUID, db: Db, desk: TheDesk, principal: Keeper) -> Response:
    """After the mapping was mended. Repeating it is harmless: a delivery becomes one appeal."""
    source = await db.transact(lambda uow: open_source(uow, desk, code), read_only=True)
    number, body = await db.transact(lambda uow: open_rejected(uow, desk, code, id), read_only=True)
    if source is None:
        raise InvalidInput("The source is switched off.", [FieldProblem("/enabled", "must be true")])
    delivery = Delivery(code, number, principal.actor)
    return await _take_in(db, desk, source, delivery, body)


@router.post(
    "/webhooks/{code}",
    operation_id="receive_webhook",
    summary="A signed delivery of a source",
    response_model=ReceivedView,
    status_code=201,
    responses=problem_documentation([400, 401, 409]),
    dependencies=[Depends(public())],
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}},
    max_body_size=WEBHOOK_LIMIT,
)
async def receive_webhook(code: Code, request: Request, db: Db, desk: TheDesk) -> Response:
    """Standard Webhooks: what is repeated under the same webhook-id makes no second appeal (200, `duplicate`)."""
    body = await request.body()
    source = await db.transact(lambda uow: open_source(uow, desk, code), read_only=True)
    number = signed_delivery_id(body, request.headers, source.secrets if source else ())
    if source is None:
        raise BadSignature
    return await _take_in(db, desk, source, Delivery(code, number, f"source:{code}"), body)


@router.post(
    "/mail",
    operation_id="receive_mail",
    summary="A mail as an appeal",
    response_model=ReceivedView,
    status_code=201,
    responses=problem_documentation([415]),
    openapi_extra={"requestBody": {"required": True, "content": {_MAIL: {"schema": {"type": "string"}}}}},
    max_body_size=MAIL_LIMIT,
)
async def receive_mail(request: Request, db: Db, desk: TheDesk, principal: Writer) -> Response:
    """An RFC 5322 message. The same Message-ID makes no second appeal; a reply about an open matter urges it."""
    require_media_type(request, _MAIL)
    mail = read_mail(await request.body())
    return _answer(await take_mail(db, desk, mail, actor=principal.actor))


async def _take_in(db: Database, desk: Desk, source: Source, delivery: Delivery, body: bytes) -> Response:
    """Register a delivery; one that cannot be read is kept before it is refused."""
    try:
        submission = _submission_of(source, delivery, body)
        return _answer(await db.transact(lambda uow: receive_delivery(uow, desk, delivery, submission)))
    except (InvalidInput, RequestValidationError) as refused:
        problem = refused if isinstance(refused, InvalidInput) else _as_invalid(refused)
        await db.transact(lambda uow: reject_delivery(uow, desk, delivery, body, problem))
        raise problem from refused


def _submission_of(source: Source, delivery: Delivery, body: bytes) -> Submission:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("The body is no JSON.", [FieldProblem("", "cannot be read as JSON")]) from error
    appeal = apply_rules(source.rules, payload) | {"channel": source.channel.value}
    reference = appeal.setdefault("external_ref", {})
    reference.setdefault("system", source.code)
    reference.setdefault("id", delivery.delivery_id)
    reference["id"] = str(reference["id"])
    try:
        return AppealIn.model_validate(appeal).to_domain()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(problems_with_items(list(found))) from error


def _as_invalid(refused: RequestValidationError) -> InvalidInput:
    document: dict[str, Any] = orjson.loads(problem_of(refused).body)
    problems = [FieldProblem(item["field"], item["message"], item.get("allowed")) for item in document["errors"]]
    return InvalidInput("The mapping does not make an appeal of this payload.", problems)


def _answer(received: Received) -> Response:
    status = 201 if received.new is not None else 200
    content = received_view(received).model_dump_json()
    return Response(content, status_code=status, media_type="application/json", headers=_NO_STORE)
