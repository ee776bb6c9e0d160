"""Reading one appeal and its timeline."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.intake.api.dependencies import Reader, onlooker_of
from services.intake.api.languages import WantedLanguage, language_headers
from services.intake.api.views import (
    AppealView,
    Timeline,
    appeal_view,
    timeline_lines,
)
from services.intake.use_cases.find_appeals import get_timeline
from services.intake.use_cases.watch_access import view_appeal
from shared.http.dependencies import Db, etag_of
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


@router.get(
    "/{appeal_id}",
    operation_id="get_appeal",
    summary="One appeal, its reporter masked",
    response_model=AppealView,
    responses=problem_documentation([404]),
)
async def read_appeal(appeal_id: UUID, db: Db, response: Response, principal: Reader) -> AppealView:
    """With an ETag for its moves. Every look leaves a trace in the appeal's access log."""
    row = await db.transact(lambda uow: view_appeal(uow, appeal_id, onlooker_of(principal)))
    response.headers["ETag"] = etag_of(row["shown_version"])
    return appeal_view(row)


@router.get(
    "/{appeal_id}/timeline",
    operation_id="get_appeal_timeline",
    summary="What happened, oldest first",
    response_model=Timeline,
    responses=problem_documentation([404]),
)
async def read_timeline(
    appeal_id: UUID, db: Db, response: Response, language: WantedLanguage, principal: Reader
) -> Timeline:
    """The same lines the citizen sees."""
    lines = await db.transact(
        lambda uow: get_timeline(uow, appeal_id, department_code=principal.department_code), read_only=True
    )
    response.headers.update(language_headers(language))
    return Timeline.model_construct(items=timeline_lines(lines, language))
