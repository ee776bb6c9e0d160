"""Reading appeals: a page, one, its timeline, by phone number, and the vault's content for those who may see it."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.intake.api.dependencies import Reader, Revealer, TheDesk
from services.intake.api.schemas import CategoryCode, PhoneSearchIn, RevealIn
from services.intake.api.views import (
    AppealView,
    RevealedView,
    Timeline,
    appeal_view,
    revealed_view,
    timeline_lines,
)
from services.intake.db.appeals import AppealFilter
from services.intake.use_cases.find_appeals import get_appeal, get_timeline, hashes_of, search_appeals
from services.intake.use_cases.reveal_reporter import RevealReporter, TwoPersonsNeeded, reveal_reporter
from shared.errors import FieldProblem, InvalidInput
from shared.http.dependencies import Db, Page, PageQuery, etag_of
from shared.http.problems import problem_documentation
from shared.http.text import Line, Moment
from shared.vocabulary import AppealStatus

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


async def _filter(  # noqa: PLR0913, PLR0917 - one per query parameter
    receipt_number: Annotated[Annotated[str, Line(40)] | None, Query()] = None,
    external_system: Annotated[Annotated[str, Line(64)] | None, Query()] = None,
    external_id: Annotated[Annotated[str, Line(128)] | None, Query()] = None,
    category_code: Annotated[CategoryCode | None, Query()] = None,
    status: Annotated[AppealStatus | None, Query(description="`registered` is the review list.")] = None,
    created_from: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    created_to: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> AppealFilter:
    if (external_system is None) != (external_id is None):
        missing = "external_id" if external_id is None else "external_system"
        raise InvalidInput("Half of a reference finds nothing.", [FieldProblem(f"/{missing}", "is required too")])
    return AppealFilter(
        receipt_number=receipt_number,
        external=(external_system, external_id) if external_system and external_id else None,
        category_code=category_code,
        status=status,
        created_from=created_from,
        created_to=created_to,
    )


@router.get("", operation_id="list_appeals", summary="Find appeals, newest first", response_model=Page[AppealView])
async def list_appeals(
    db: Db, page: PageQuery, wanted: Annotated[AppealFilter, Depends(_filter)], principal: Reader
) -> Page[AppealView]:
    """A department sees only what it is in charge of."""
    wanted = replace(wanted, department_code=principal.department_code)
    rows, following = await db.transact(
        lambda uow: search_appeals(uow, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[appeal_view(row) for row in rows], next_cursor=following)


@router.post(
    "/search",
    operation_id="search_appeals_by_phone",
    summary="Find the appeals of a phone number",
    response_model=Page[AppealView],
)
async def search_by_phone(search: PhoneSearchIn, db: Db, desk: TheDesk, principal: Reader) -> Page[AppealView]:
    """However the number is written: only its keyed hash is stored and compared. Changes nothing."""
    wanted = AppealFilter(phone_hashes=hashes_of(desk, search.phone), department_code=principal.department_code)
    rows, following = await db.transact(
        lambda uow: search_appeals(uow, wanted, cursor=search.cursor, limit=search.limit), read_only=True
    )
    return Page(items=[appeal_view(row) for row in rows], next_cursor=following)


@router.get(
    "/{appeal_id}",
    operation_id="get_appeal",
    summary="One appeal, its reporter masked",
    response_model=AppealView,
    responses=problem_documentation([404]),
)
async def read_appeal(appeal_id: UUID, db: Db, response: Response, principal: Reader) -> AppealView:
    """With an ETag for `recategorize`."""
    row = await db.transact(
        lambda uow: get_appeal(uow, appeal_id, department_code=principal.department_code), read_only=True
    )
    response.headers["ETag"] = etag_of(row["shown_version"])
    return appeal_view(row)


@router.get(
    "/{appeal_id}/timeline",
    operation_id="get_appeal_timeline",
    summary="What happened, oldest first",
    response_model=Timeline,
    responses=problem_documentation([404]),
)
async def read_timeline(appeal_id: UUID, db: Db, principal: Reader) -> Timeline:
    """The same lines the citizen sees."""
    lines = await db.transact(
        lambda uow: get_timeline(uow, appeal_id, department_code=principal.department_code), read_only=True
    )
    return Timeline.model_construct(items=timeline_lines(lines))


@router.post(
    "/{appeal_id}/reveal",
    operation_id="reveal_reporter",
    summary="Open the vault for one appeal",
    response_model=RevealedView,
    responses=problem_documentation([404]),
)
async def reveal(
    appeal_id: UUID, request: RevealIn, db: Db, desk: TheDesk, response: Response, principal: Revealer
) -> RevealedView:
    """Every call is logged with its reason, also one that is refused; a report's reporter is not shown."""
    command = RevealReporter(
        appeal_id, request.reason, principal.actor, principal.id, department_code=principal.department_code
    )
    content = await db.transact(lambda uow: reveal_reporter(uow, desk, command))
    if content is None:
        raise TwoPersonsNeeded("The reporter of a report is shown to two persons together only.")
    response.headers["Cache-Control"] = "no-store"
    return revealed_view(appeal_id, content)
