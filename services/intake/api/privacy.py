"""Personal data over the API: revealing it, who looked, and what must not be destroyed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.intake.api.dependencies import Guardian, Revealer, TheDesk, onlooker_of
from services.intake.api.privacy_schemas import (
    AccessView,
    HoldIn,
    Holds,
    RevealDecisionIn,
    RevealedView,
    RevealIn,
    RevealRequestView,
    access_view,
    holds_view,
    reveal_request_view,
    revealed_view,
)
from services.intake.use_cases.hold_appeal import hold_appeal, list_holds, release_appeal
from services.intake.use_cases.reveal_reporter import (
    TwoPersonsNeeded,
    Withheld,
    decide_reveal,
    list_reveal_requests,
    reveal_reporter,
)
from services.intake.use_cases.watch_access import list_accesses
from shared.http.dependencies import Db, Idempotency, Page, PageQuery
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1", tags=["privacy"])


@router.post(
    "/appeals/{appeal_id}/reveal",
    operation_id="reveal_reporter",
    summary="Open the vault for one appeal",
    response_model=RevealedView,
    responses=problem_documentation([404]),
)
async def reveal(
    appeal_id: UUID, request: RevealIn, db: Db, desk: TheDesk, response: Response, principal: Revealer
) -> RevealedView:
    """Every call is logged with its reason, also one that is refused. A report takes a second person's approval."""
    onlooker = onlooker_of(principal, request.reason)
    shown = await db.transact(lambda uow: reveal_reporter(uow, desk, appeal_id, onlooker))
    if isinstance(shown, Withheld):
        raise TwoPersonsNeeded("Another person has to allow it.", reveal_request_id=str(shown.request_id))
    response.headers["Cache-Control"] = "no-store"
    watermark = f"{principal.actor} {db.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    return revealed_view(appeal_id, shown.content, watermark=watermark)


@router.get(
    "/reveal-requests",
    operation_id="list_reveal_requests",
    summary="Requests to see who reported, newest first",
    response_model=Page[RevealRequestView],
)
async def show_reveal_requests(
    db: Db, page: PageQuery, _principal: Guardian, pending: Annotated[bool | None, Query()] = None
) -> Page[RevealRequestView]:
    """Those that wait for a second person, or those that were decided."""
    rows, following = await db.transact(
        lambda uow: list_reveal_requests(uow, pending=pending, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[reveal_request_view(row) for row in rows], next_cursor=following)


@router.post(
    "/reveal-requests/{request_id}/decision",
    operation_id="decide_reveal_request",
    summary="Allow or refuse another person's request",
    response_model=RevealRequestView,
    responses=problem_documentation([404, 409]),
)
async def decide(
    request_id: UUID, request: RevealDecisionIn, db: Db, idem: Idempotency, principal: Guardian
) -> Response:
    """Never one's own. An approval lets the one who asked look for an hour."""
    return await idem.run(
        db,
        lambda uow: decide_reveal(
            uow, request_id, approved=request.approved, note=request.note, onlooker=onlooker_of(principal)
        ),
        status=200,
        render=lambda row: (reveal_request_view(row), {}),
    )


@router.get(
    "/appeals/{appeal_id}/access-log",
    operation_id="list_accesses",
    summary="Who looked at an appeal, newest first",
    response_model=Page[AccessView],
    responses=problem_documentation([404]),
)
async def show_access_log(appeal_id: UUID, db: Db, page: PageQuery, _principal: Guardian) -> Page[AccessView]:
    """Looks, reveals and attempts that were refused; rows are never changed."""
    rows, following = await db.transact(
        lambda uow: list_accesses(uow, appeal_id, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[access_view(row) for row in rows], next_cursor=following)


@router.get(
    "/appeals/{appeal_id}/legal-holds",
    operation_id="list_legal_holds",
    summary="An appeal's legal holds",
    response_model=Holds,
    responses=problem_documentation([404]),
)
async def show_holds(appeal_id: UUID, db: Db, _principal: Guardian) -> Holds:
    """Released ones too."""
    return holds_view(await db.transact(lambda uow: list_holds(uow, appeal_id), read_only=True))


@router.post(
    "/appeals/{appeal_id}/legal-holds",
    operation_id="place_legal_hold",
    summary="Keep everything of an appeal from being destroyed",
    status_code=201,
    response_model=Holds,
    responses=problem_documentation([404]),
)
async def place(appeal_id: UUID, request: HoldIn, db: Db, idem: Idempotency, principal: Guardian) -> Response:
    """It stands until it is released."""
    return await idem.run(
        db,
        lambda uow: hold_appeal(uow, appeal_id, reason=request.reason, actor=principal.actor),
        status=201,
        render=lambda rows: (holds_view(rows), {}),
    )


@router.post(
    "/appeals/{appeal_id}/legal-holds/{hold_id}/release",
    operation_id="release_legal_hold",
    summary="End a legal hold",
    response_model=Holds,
    responses=problem_documentation([404]),
)
async def release(
    appeal_id: UUID, hold_id: UUID, request: HoldIn, db: Db, idem: Idempotency, principal: Guardian
) -> Response:
    """What is kept too long by then is destroyed with the next sweep."""
    return await idem.run(
        db,
        lambda uow: release_appeal(uow, appeal_id, hold_id, reason=request.reason, actor=principal.actor),
        status=200,
        render=lambda rows: (holds_view(rows), {}),
    )
