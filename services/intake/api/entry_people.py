"""Informants, volunteers, grid workers and building chiefs over the API, and the chiefs' monthly reports."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.intake.api.dependencies import Reader, Revealer, TheDesk
from services.intake.api.entry_schemas import BuildingReportIn, InformantIn
from services.intake.api.entry_views import (
    BuildingReportView,
    FiledView,
    IdentityView,
    InformantView,
    MissingReportsView,
    building_report_view,
    filed_view,
    informant_view,
    missing_reports_view,
)
from services.intake.api.privacy_schemas import RevealIn
from services.intake.api.registries import (
    Code,
    EntryReader,
    EntryWriter,
    Filer,
    PeopleReader,
    mark_saved,
    version_check,
)
from services.intake.db.entry import INFORMANTS
from services.intake.domain.entry import Role, report_month
from services.intake.use_cases.keep_informants import (
    PutInformant,
    RevealInformant,
    list_filed,
    put_informant,
    reveal_informant,
)
from services.intake.use_cases.keep_registry import get_registered, page_registered
from services.intake.use_cases.report_buildings import (
    ReportBuilding,
    list_missing_reports,
    page_reports,
    report_building,
)
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, etag_of
from shared.http.problems import problem_documentation
from shared.http.text import Line

router = APIRouter(prefix="/v1", tags=["entry"])

_MonthQuery = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}$", examples=["2026-03"])]


def _month_of(text: str | None) -> date | None:
    return report_month(text) if text is not None else None


@router.get(
    "/informants",
    operation_id="list_informants",
    summary="Who brings in appeals for others",
    response_model=Page[InformantView],
)
async def read_informants(
    db: Db,
    page: PageQuery,
    _principal: PeopleReader,
    role: Annotated[Role | None, Query()] = None,
    team: Annotated[Annotated[str, Line(100)] | None, Query()] = None,
    grid_code: Annotated[Annotated[str, Line(18)] | None, Query()] = None,
    retired: Annotated[bool | None, Query()] = None,
) -> Page[InformantView]:
    """In the order of their codes, with names and numbers masked; volunteers themselves may not ask (HZ-13)."""
    wanted = {"role": role, "team": team, "grid_codes": grid_code, "retired": retired}
    rows, following = await db.transact(
        lambda uow: page_registered(uow, INFORMANTS, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[informant_view(row) for row in rows], next_cursor=following)


@router.get(
    "/informants/{code}",
    operation_id="get_informant",
    summary="One informant",
    response_model=InformantView,
    responses=problem_documentation([404]),
)
async def read_informant(code: Code, db: Db, response: Response, _principal: PeopleReader) -> InformantView:
    """With the ETag that changing it takes."""
    row = await db.transact(lambda uow: get_registered(uow, INFORMANTS, code), read_only=True)
    response.headers["ETag"] = etag_of(row["version"])
    return informant_view(row)


@router.put(
    "/informants/{code}",
    operation_id="put_informant",
    summary="Create, change or retire an informant",
    response_model=InformantView,
    responses={201: {"model": InformantView, "description": "Created"}, **problem_documentation([412])},
)
async def write_informant(  # noqa: PLR0913, PLR0917 - each one a dependency
    code: Code,
    wanted: InformantIn,
    db: Db,
    desk: TheDesk,
    expected: IfMatch,
    response: Response,
    principal: EntryWriter,
) -> InformantView:
    """Name and phone are sealed in the vault. Nobody is deleted, only retired."""
    command = PutInformant(wanted.to_values(code), wanted.identity(), principal.actor)
    row, is_new = await db.transact(
        lambda uow: put_informant(uow, desk, command, check_version=version_check(expected))
    )
    mark_saved(response, row["version"], is_new=is_new)
    return informant_view(row)


@router.post(
    "/informants/{code}/reveal",
    operation_id="reveal_informant",
    summary="Open the vault for one informant",
    response_model=IdentityView,
    responses=problem_documentation([404]),
)
async def reveal(
    code: Code, request: RevealIn, db: Db, desk: TheDesk, response: Response, principal: Revealer
) -> IdentityView:
    """Every call is logged with its reason."""
    command = RevealInformant(code, request.reason, principal.actor, principal.id)
    found = await db.transact(lambda uow: reveal_informant(uow, desk, command))
    response.headers["Cache-Control"] = "no-store"
    return IdentityView(**found)


@router.get(
    "/informants/{code}/appeals",
    operation_id="list_filed_appeals",
    summary="What an informant filed, and where it stands",
    response_model=Page[FiledView],
    responses=problem_documentation([404]),
)
async def read_filed(code: Code, db: Db, page: PageQuery, principal: Reader) -> Page[FiledView]:
    """Newest first: their views are handled and answered too (WD-08). What was filed in confidence is not listed."""
    rows, following = await db.transact(
        lambda uow: list_filed(
            uow, code, department_code=principal.department_code, cursor=page.cursor, limit=page.limit
        ),
        read_only=True,
    )
    return Page(items=[filed_view(row) for row in rows], next_cursor=following)


@router.post(
    "/building-reports",
    operation_id="report_building",
    summary="Send a building chief's monthly report",
    status_code=201,
    response_model=BuildingReportView,
    responses=problem_documentation([409]),
)
async def send_building_report(
    report: BuildingReportIn, db: Db, desk: TheDesk, idem: Idempotency, principal: Filer
) -> Response:
    """HZ-08: figures, once a month. A hazard or an event is an appeal of channel `building_chief` instead."""
    command = ReportBuilding(report.informant_id, report.to_month(), report.to_values(), principal.actor)
    return await idem.run(
        db,
        lambda uow: report_building(uow, desk, command),
        status=201,
        render=lambda row: (building_report_view(row), {}),
    )


@router.get(
    "/building-reports",
    operation_id="list_building_reports",
    summary="The reports for a month",
    response_model=Page[BuildingReportView],
)
async def read_building_reports(
    db: Db,
    page: PageQuery,
    _principal: EntryReader,
    month: Annotated[str, Query(pattern=r"^[0-9]{4}-[0-9]{2}$", examples=["2026-03"])],
) -> Page[BuildingReportView]:
    """Oldest first."""
    wanted = report_month(month)
    rows, following = await db.transact(
        lambda uow: page_reports(uow, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[building_report_view(row) for row in rows], next_cursor=following)


@router.get(
    "/building-reports/overdue",
    operation_id="list_missing_building_reports",
    summary="Building chiefs who owe a month's report",
    response_model=MissingReportsView,
)
async def read_missing_reports(
    request: Request, db: Db, desk: TheDesk, page: PageQuery, _principal: EntryReader, month: _MonthQuery = None
) -> MissingReportsView:
    """Without a month, the last one that is due: on the day of the month after that the setting names."""
    due_day: int = request.app.state.settings.building_report_due_day
    wanted = _month_of(month)
    found = await db.transact(
        lambda uow: list_missing_reports(uow, desk, wanted, due_day=due_day, cursor=page.cursor, limit=page.limit),
        read_only=True,
    )
    return missing_reports_view(found)
