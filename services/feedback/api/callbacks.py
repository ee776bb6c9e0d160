"""The callback agents' work: who is to be called, the calls, and tokens for citizens who answer themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response, Security

from services.feedback.api.dependencies import Policy, Signer, caller_of
from services.feedback.api.schemas import (
    AttemptLogged,
    CallbackDetail,
    CallbackView,
    EvaluationTokenView,
    ReachedAttempt,
    VainAttempt,
)
from services.feedback.db.views import CallbackFilter
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.use_cases import read_cases
from services.feedback.use_cases.issue_evaluation_token import issue_evaluation_token
from services.feedback.use_cases.log_attempt import LogAttempt, log_attempt
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, etag_of, require
from shared.http.preconditions import expect
from shared.http.problems import problem_documentation
from shared.http.text import Moment
from shared.identity.principal import Principal

Reader = Annotated[Principal, Security(require("callbacks:read", "callbacks:write"))]
Agent = Annotated[Principal, Security(require("callbacks:write"))]
DepartmentCode = Annotated[str, Query(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]

router = APIRouter(prefix="/v1/callbacks", tags=["callbacks"])


@router.get(
    "",
    operation_id="list_callbacks",
    summary="Citizens to be called back",
    response_model=Page[CallbackView],
)
async def list_callbacks(
    _: Reader,
    db: Db,
    page: PageQuery,
    appeal_id: UUID | None = None,
    status: CallbackStatus | None = None,
    due_before: Moment | None = None,
    department_code: DepartmentCode | None = None,
) -> Page[CallbackView]:
    """The most urgent first. Without `status`, all: open, decided, offered to the citizen only, and cancelled ones."""
    wanted = CallbackFilter(appeal_id, status, due_before, department_code)
    found = await db.transact(
        lambda uow: read_cases.list_callbacks(uow, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(
        items=[CallbackView.model_validate(callback) for callback in found.items], next_cursor=found.next_cursor
    )


@router.get(
    "/{callback_id}",
    operation_id="get_callback",
    summary="One callback with its calls",
    response_model=CallbackDetail,
    responses=problem_documentation([404]),
)
async def get_callback(_: Reader, callback_id: UUID, db: Db, response: Response) -> CallbackDetail:
    """The entity tag is the callback's version; send it as If-Match with an attempt to be safe from a colleague."""
    callback, attempts = await db.transact(lambda uow: read_cases.read_callback(uow, callback_id), read_only=True)
    response.headers["ETag"] = etag_of(callback.version)
    return CallbackDetail.of(callback, tuple(attempts))


@router.post(
    "/{callback_id}/attempts",
    operation_id="log_callback_attempt",
    summary="Log a call",
    status_code=201,
    response_model=AttemptLogged,
    responses=problem_documentation([403, 404, 409, 412]),
)
async def log_callback_attempt(  # noqa: PLR0913 - each a dependency
    *,
    principal: Agent,
    callback_id: UUID,
    request: Annotated[ReachedAttempt | VainAttempt, Body(discriminator="outcome")],
    db: Db,
    idem: Idempotency,
    policy: Policy,
    if_match: IfMatch,
) -> Response:
    """An answer, a refusal or the last attempt in vain ends the round: closed, redone, or on the ledger."""
    command = LogAttempt(callback_id, request.to_attempt(), request.comment or "", caller_of(principal))
    return await idem.run(
        db,
        lambda uow: log_attempt(uow, command, policy, lambda version: expect(if_match, version)),
        status=201,
        render=lambda logged: (AttemptLogged.of(logged), {"ETag": etag_of(logged.callback.version)}),
    )


@router.post(
    "/{callback_id}/evaluation-token",
    operation_id="issue_evaluation_token",
    summary="A token for the citizen's own evaluation",
    status_code=201,
    response_model=EvaluationTokenView,
    responses=problem_documentation([403, 404, 409]),
)
async def issue_token(
    principal: Agent, callback_id: UUID, db: Db, idem: Idempotency, policy: Policy, signer: Signer
) -> Response:
    """One token per matter and round: asked again, the same token comes back and lasts longer."""
    caller = caller_of(principal)
    return await idem.run(
        db,
        lambda uow: issue_evaluation_token(uow, callback_id, caller, signer=signer, policy=policy),
        status=201,
        render=lambda given: (EvaluationTokenView.of(given), {"Cache-Control": "no-store"}),
    )
