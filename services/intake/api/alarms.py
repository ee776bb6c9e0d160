"""Group alarms over the API: early warning that a cause gathers many people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.intake.api.dependencies import Reviewer
from services.intake.api.group_schemas import AcknowledgeAlarmIn, AlarmView, alarm_view
from services.intake.use_cases.follow_alarms import read_alarms, take_up_alarm
from shared.http.dependencies import Db, Idempotency, Page, PageQuery
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1/alarms", tags=["groups"])


@router.get("", operation_id="list_alarms", summary="Group alarms, newest first", response_model=Page[AlarmView])
async def show_alarms(
    db: Db,
    page: PageQuery,
    _principal: Reviewer,
    acknowledged: Annotated[bool | None, Query(description="Only those taken up, or only those not.")] = None,
) -> Page[AlarmView]:
    """One per cause and reason: at least five persons, or at least three appeals, within 24 hours."""
    rows, following = await db.transact(
        lambda uow: read_alarms(uow, acknowledged=acknowledged, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[alarm_view(row) for row in rows], next_cursor=following)


@router.post(
    "/{alarm_id}/acknowledge",
    operation_id="acknowledge_alarm",
    summary="Take an alarm up",
    response_model=AlarmView,
    responses=problem_documentation([404]),
)
async def acknowledge(
    alarm_id: UUID, request: AcknowledgeAlarmIn, db: Db, idem: Idempotency, principal: Reviewer
) -> Response:
    """Who was first stays on record."""
    return await idem.run(
        db,
        lambda uow: take_up_alarm(uow, alarm_id, actor=principal.actor, note=request.note),
        status=200,
        render=lambda row: (alarm_view(row), {}),
    )
