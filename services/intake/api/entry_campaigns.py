"""Campaigns over the API: plans that repeat, their dates, sessions held, dates missed, and motions that came of it."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.intake.api.dependencies import Reader, TheDesk
from services.intake.api.entry_schemas import DEFAULT_WINDOW, CampaignIn, MotionIn, NewSessionIn, SessionIn
from services.intake.api.entry_views import (
    CampaignView,
    Motions,
    MotionView,
    Occurrences,
    OverdueList,
    SessionView,
    SessionWithAppealsView,
    campaign_view,
    motion_view,
    occurrences_view,
    overdue_view,
    session_view,
    session_with_appeals_view,
)
from services.intake.api.registries import Code, EntryReader, EntryWriter, Filer, mark_saved, version_check
from services.intake.db.entry import CAMPAIGNS
from services.intake.domain.campaigns import MOST_OCCURRENCES, CampaignKind
from services.intake.use_cases.keep_registry import get_registered, page_registered
from services.intake.use_cases.plan_campaigns import list_occurrences, list_overdue, put_campaign
from services.intake.use_cases.record_motions import RecordMotion, get_motions, record_motion
from services.intake.use_cases.record_sessions import (
    RecordSession,
    change_session,
    get_session,
    page_sessions,
    record_session,
)
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, etag_of
from shared.http.preconditions import expect
from shared.http.problems import problem_documentation
from shared.http.text import Moment

router = APIRouter(prefix="/v1", tags=["campaigns"])

_From = Annotated[Moment | None, Query(alias="from", description="From this moment on; otherwise from now.")]
_To = Annotated[Moment | None, Query(alias="to", description="Before this moment; otherwise 90 days on, at most 400.")]


@router.get("/campaigns", operation_id="list_campaigns", summary="Plans that repeat", response_model=Page[CampaignView])
async def read_campaigns(
    db: Db,
    page: PageQuery,
    _principal: EntryReader,
    kind: Annotated[CampaignKind | None, Query()] = None,
    retired: Annotated[bool | None, Query()] = None,
) -> Page[CampaignView]:
    """In the order of their codes."""
    wanted = {"kind": kind, "retired": retired}
    rows, following = await db.transact(
        lambda uow: page_registered(uow, CAMPAIGNS, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[campaign_view(row) for row in rows], next_cursor=following)


@router.get(
    "/campaigns/overdue",
    operation_id="list_overdue_campaigns",
    summary="Dates that are past and were not held",
    response_model=OverdueList,
)
async def read_overdue(
    request: Request,
    db: Db,
    desk: TheDesk,
    _principal: EntryReader,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> OverdueList:
    """Of the last 90 days, oldest first; a date that was cancelled with a reason is not among them."""
    grace = timedelta(hours=request.app.state.settings.session_grace_hours)
    found = await db.transact(lambda uow: list_overdue(uow, desk, grace=grace, limit=limit), read_only=True)
    return overdue_view(found, grace)


@router.get(
    "/campaigns/{code}",
    operation_id="get_campaign",
    summary="One campaign",
    response_model=CampaignView,
    responses=problem_documentation([404]),
)
async def read_campaign(code: Code, db: Db, response: Response, _principal: EntryReader) -> CampaignView:
    """With the ETag that changing it takes."""
    row = await db.transact(lambda uow: get_registered(uow, CAMPAIGNS, code), read_only=True)
    response.headers["ETag"] = etag_of(row["version"])
    return campaign_view(row)


@router.put(
    "/campaigns/{code}",
    operation_id="put_campaign",
    summary="Plan, change or retire a campaign",
    response_model=CampaignView,
    responses={201: {"model": CampaignView, "description": "Created"}, **problem_documentation([412])},
)
async def write_campaign(
    code: Code, wanted: CampaignIn, db: Db, expected: IfMatch, response: Response, principal: EntryWriter
) -> CampaignView:
    """FREQ is DAILY to YEARLY, and the time of day that of `starts_at`. Changing the rule leaves the past as it was."""
    values = wanted.to_values(code)
    row, is_new = await db.transact(
        lambda uow: put_campaign(uow, values, actor=principal.actor, check_version=version_check(expected))
    )
    mark_saved(response, row["version"], is_new=is_new)
    return campaign_view(row)


@router.get(
    "/campaigns/{code}/occurrences",
    operation_id="list_occurrences",
    summary="The dates of a campaign",
    response_model=Occurrences,
    responses=problem_documentation([404]),
)
async def read_occurrences(
    code: Code, db: Db, desk: TheDesk, _principal: EntryReader, start: _From = None, end: _To = None
) -> Occurrences:
    """Computed from the rule on the city's clock, so that summer time moves none of them."""
    first = start or db.clock.now()
    dates = await db.transact(
        lambda uow: list_occurrences(uow, desk, code, start=first, end=end or first + DEFAULT_WINDOW),
        read_only=True,
    )
    return occurrences_view(dates, MOST_OCCURRENCES)


@router.get(
    "/campaigns/{code}/sessions",
    operation_id="list_sessions",
    summary="What was held",
    response_model=Page[SessionView],
    responses=problem_documentation([404]),
)
async def read_sessions(code: Code, db: Db, page: PageQuery, _principal: EntryReader) -> Page[SessionView]:
    """Newest date first."""
    rows, following = await db.transact(
        lambda uow: page_sessions(uow, code, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[session_view(row) for row in rows], next_cursor=following)


@router.post(
    "/campaigns/{code}/sessions",
    operation_id="record_session",
    summary="Record a date as held, or as cancelled",
    status_code=201,
    response_model=SessionView,
    responses=problem_documentation([404, 409]),
)
async def create_session(
    code: Code, session: NewSessionIn, db: Db, desk: TheDesk, idem: Idempotency, principal: Filer
) -> Response:
    """Its id goes into `channel_details.session_id` of the appeals that come from it."""
    command = RecordSession(code, session.occurrence_at, session.to_values(), principal.actor)
    return await idem.run(
        db,
        lambda uow: record_session(uow, desk, command),
        status=201,
        render=lambda row: (session_view(row), {"ETag": etag_of(1), "Location": f"/v1/sessions/{row['id']}"}),
    )


@router.get(
    "/sessions/{session_id}",
    operation_id="get_session",
    summary="One session with its appeals",
    response_model=SessionWithAppealsView,
    responses=problem_documentation([404]),
)
async def read_session(session_id: UUID, db: Db, response: Response, principal: Reader) -> SessionWithAppealsView:
    """The newest 200 appeals; a department sees those it is in charge of."""
    found = await db.transact(
        lambda uow: get_session(uow, session_id, department_code=principal.department_code), read_only=True
    )
    response.headers["ETag"] = etag_of(found.session["version"])
    return session_with_appeals_view(found)


@router.put(
    "/sessions/{session_id}",
    operation_id="put_session",
    summary="Complete or correct a session",
    response_model=SessionView,
    responses=problem_documentation([404, 412]),
)
async def write_session(
    session_id: UUID, session: SessionIn, db: Db, expected: IfMatch, response: Response, _principal: EntryWriter
) -> SessionView:
    """Who received, how many came; the date it belongs to stays."""

    def check(version: int) -> None:
        expect(expected, version)

    row = await db.transact(lambda uow: change_session(uow, session_id, session.to_values(), check_version=check))
    response.headers["ETag"] = etag_of(row["version"])
    return session_view(row)


@router.post(
    "/appeals/{appeal_id}/motions",
    operation_id="record_motion",
    summary="Record that deputies made a motion of an appeal",
    status_code=201,
    response_model=MotionView,
    responses=problem_documentation([404, 409]),
)
async def create_motion(
    appeal_id: UUID, motion: MotionIn, db: Db, idem: Idempotency, principal: EntryWriter
) -> Response:
    """LZ-04: the appeal goes on as it does."""
    command = RecordMotion(appeal_id, motion.model_dump(), principal.actor)
    return await idem.run(
        db, lambda uow: record_motion(uow, command), status=201, render=lambda row: (motion_view(row), {})
    )


@router.get(
    "/appeals/{appeal_id}/motions",
    operation_id="list_motions",
    summary="The motions an appeal led to",
    response_model=Motions,
    responses=problem_documentation([404]),
)
async def read_motions(appeal_id: UUID, db: Db, principal: Reader) -> Motions:
    """Oldest first."""
    rows: list[dict[str, Any]] = await db.transact(
        lambda uow: get_motions(uow, appeal_id, department_code=principal.department_code), read_only=True
    )
    return Motions(items=[motion_view(row) for row in rows])
