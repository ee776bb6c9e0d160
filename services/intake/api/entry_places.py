"""Places where appeals are handed in, service items, and which centre a category is for, over the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.intake.api.dependencies import TheDesk
from services.intake.api.entry_schemas import DemandClassesIn, EntryPointIn, ServiceItemIn
from services.intake.api.entry_views import (
    DemandClasses,
    EntryPointView,
    ServiceItemView,
    Versions,
    VersionView,
    demand_classes_view,
    entry_point_view,
    service_item_view,
)
from services.intake.api.registries import Code, CodeQuery, EntryReader, EntryWriter, mark_saved, version_check
from services.intake.db.entry import ENTRY_POINTS, SERVICE_ITEMS
from services.intake.domain.entry import EntryPointKind, ItemKind
from services.intake.use_cases.keep_registry import (
    check_category,
    check_items,
    get_registered,
    list_demand_classes,
    list_versions,
    page_registered,
    put_demand_classes,
    put_registered,
)
from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of
from shared.http.preconditions import expect
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1", tags=["entry"])


@router.get(
    "/entry-points",
    operation_id="list_entry_points",
    summary="Boxes, books, windows, outlets and partners",
    response_model=Page[EntryPointView],
)
async def read_entry_points(  # noqa: PLR0913, PLR0917 - one per filter
    db: Db,
    desk: TheDesk,
    page: PageQuery,
    _principal: EntryReader,
    kind: Annotated[EntryPointKind | None, Query()] = None,
    department_code: CodeQuery = None,
    item_code: Annotated[CodeQuery, Query(description="Those that offer this service item.")] = None,
    retired: Annotated[bool | None, Query()] = None,
) -> Page[EntryPointView]:
    """In the order of their codes, with whether each is open now."""
    wanted = {"kind": kind, "department_code": department_code, "item_codes": item_code, "retired": retired}
    rows, following = await db.transact(
        lambda uow: page_registered(uow, ENTRY_POINTS, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    local = db.clock.now().astimezone(desk.zone)
    return Page(items=[entry_point_view(row, local) for row in rows], next_cursor=following)


@router.get(
    "/entry-points/{code}",
    operation_id="get_entry_point",
    summary="One entry point",
    response_model=EntryPointView,
    responses=problem_documentation([404]),
)
async def read_entry_point(
    code: Code, db: Db, desk: TheDesk, response: Response, _principal: EntryReader
) -> EntryPointView:
    """With the ETag that changing it takes."""
    row = await db.transact(lambda uow: get_registered(uow, ENTRY_POINTS, code), read_only=True)
    response.headers["ETag"] = etag_of(row["version"])
    return entry_point_view(row, db.clock.now().astimezone(desk.zone))


@router.get(
    "/entry-points/{code}/versions",
    operation_id="list_entry_point_versions",
    summary="What an entry point was",
    response_model=Versions,
    responses=problem_documentation([404]),
)
async def read_entry_point_versions(code: Code, db: Db, _principal: EntryReader) -> Versions:
    """Newest first."""
    rows = await db.transact(lambda uow: list_versions(uow, ENTRY_POINTS, code), read_only=True)
    return Versions(items=[VersionView(**row) for row in rows])


@router.put(
    "/entry-points/{code}",
    operation_id="put_entry_point",
    summary="Create, change or retire an entry point",
    response_model=EntryPointView,
    responses={201: {"model": EntryPointView, "description": "Created"}, **problem_documentation([412])},
)
async def write_entry_point(  # noqa: PLR0913, PLR0917 - each one a dependency
    code: Code,
    wanted: EntryPointIn,
    db: Db,
    desk: TheDesk,
    expected: IfMatch,
    response: Response,
    principal: EntryWriter,
) -> EntryPointView:
    """Nothing is deleted: appeals of the past keep naming it, and letters received before it was retired may come."""
    values = wanted.to_values(code)

    async def work(uow: UnitOfWork) -> tuple[dict[str, Any], bool]:
        await check_items(uow, values["item_codes"])
        return await put_registered(
            uow, ENTRY_POINTS, values, actor=principal.actor, check_version=version_check(expected)
        )

    row, is_new = await db.transact(work)
    mark_saved(response, row["version"], is_new=is_new)
    return entry_point_view(row, db.clock.now().astimezone(desk.zone))


@router.get(
    "/service-items",
    operation_id="list_service_items",
    summary="Permits and services that windows offer",
    response_model=Page[ServiceItemView],
)
async def read_service_items(
    db: Db,
    page: PageQuery,
    _principal: EntryReader,
    kind: Annotated[ItemKind | None, Query()] = None,
    department_code: CodeQuery = None,
    retired: Annotated[bool | None, Query()] = None,
) -> Page[ServiceItemView]:
    """In the order of their codes; which windows offer one is asked of `/v1/entry-points?item_code=`."""
    wanted = {"kind": kind, "department_code": department_code, "retired": retired}
    rows, following = await db.transact(
        lambda uow: page_registered(uow, SERVICE_ITEMS, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[service_item_view(row) for row in rows], next_cursor=following)


@router.get(
    "/service-items/{code}",
    operation_id="get_service_item",
    summary="One service item",
    response_model=ServiceItemView,
    responses=problem_documentation([404]),
)
async def read_service_item(code: Code, db: Db, response: Response, _principal: EntryReader) -> ServiceItemView:
    """With the ETag that changing it takes."""
    row = await db.transact(lambda uow: get_registered(uow, SERVICE_ITEMS, code), read_only=True)
    response.headers["ETag"] = etag_of(row["version"])
    return service_item_view(row)


@router.put(
    "/service-items/{code}",
    operation_id="put_service_item",
    summary="Create, change or retire a service item",
    response_model=ServiceItemView,
    responses={201: {"model": ServiceItemView, "description": "Created"}, **problem_documentation([412])},
)
async def write_service_item(
    code: Code, wanted: ServiceItemIn, db: Db, expected: IfMatch, response: Response, principal: EntryWriter
) -> ServiceItemView:
    """Nothing is deleted, only retired."""

    async def work(uow: UnitOfWork) -> tuple[dict[str, Any], bool]:
        await check_category(uow, wanted.category_code)
        return await put_registered(
            uow,
            SERVICE_ITEMS,
            wanted.to_values(code),
            actor=principal.actor,
            check_version=version_check(expected),
        )

    row, is_new = await db.transact(work)
    mark_saved(response, row["version"], is_new=is_new)
    return service_item_view(row)


@router.get(
    "/demand-classes",
    operation_id="list_demand_classes",
    summary="Which categories are for which centre",
    response_model=DemandClasses,
)
async def read_demand_classes(db: Db, response: Response, _principal: EntryReader) -> DemandClasses:
    """HZ-01: administrative matters, interests, public service. With the ETag that changing the table takes."""
    rows, version = await db.transact(list_demand_classes, read_only=True)
    response.headers["ETag"] = etag_of(version)
    return demand_classes_view(rows)


@router.put(
    "/demand-classes",
    operation_id="put_demand_classes",
    summary="Set which categories are for which centre",
    response_model=DemandClasses,
    responses=problem_documentation([412]),
)
async def write_demand_classes(
    wanted: DemandClassesIn, db: Db, expected: IfMatch, response: Response, _principal: EntryWriter
) -> DemandClasses:
    """The whole table at once; shown on every appeal of those categories, those of the past included."""
    items = [item.model_dump() for item in wanted.items]
    rows, version = await db.transact(
        lambda uow: put_demand_classes(uow, items, check_version=lambda version: expect(expected, version))
    )
    response.headers["ETag"] = etag_of(version)
    return demand_classes_view(rows)
