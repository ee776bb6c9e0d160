"""The grid registry over HTTP: areas by code, GeoJSON import, the area of a point."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response, Security

from services.dispatch.api.grid_schemas import (
    FeatureCollection,
    GridInput,
    GridSummary,
    GridView,
    ImportView,
    LocatedView,
)
from services.dispatch.api.registry_fields import (
    GRID_PATTERN,
    Latitude,
    Longitude,
    PathGridCode,
    Reference,
    after_code,
)
from services.dispatch.domain.grid import StoredGrid
from services.dispatch.use_cases import read_registry
from services.dispatch.use_cases.import_grids import MAX_PROBLEMS, ImportGrids, import_grids
from services.dispatch.use_cases.locate_grid import LocateGrid, locate_grid
from services.dispatch.use_cases.put_grid import PutGrid, put_grid
from shared.db.cursors import encode_cursor
from shared.errors import FieldProblem, InvalidInput
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, etag_of, require
from shared.http.problems import problem_documentation
from shared.http.text import Moment
from shared.identity.principal import Principal

READS = Security(require("registry:read", "registry:write"))
Writer = Annotated[Principal, Security(require("registry:write"))]
IMPORT_LIMIT = 64 * 1024 * 1024

router = APIRouter(prefix="/v1/grids", tags=["registry"])


@router.post(
    "/import",
    operation_id="import_grids",
    summary="Take over grids from GeoJSON",
    response_model=ImportView,
    max_body_size=IMPORT_LIMIT,
    responses=problem_documentation([409]),
)
async def import_feature_collection(
    principal: Writer,
    body: FeatureCollection,
    idem: Idempotency,
    db: Db,
    dry_run: Annotated[bool, Query(description="Check and report, write nothing.")] = False,
) -> Any:
    """All features or none. Broken rings are repaired and named; gaps and overlaps are reported, not refused."""
    grids, repaired = await asyncio.to_thread(_grids_of, body)
    command = ImportGrids(
        grids=grids,
        pointers=[f"/features/{index}/properties" for index in range(len(grids))],
        actor=principal.actor,
        dry_run=dry_run,
    )
    return await idem.run(
        db,
        lambda uow: import_grids(uow, command),
        status=200,
        render=lambda done: (ImportView.of(done, repaired, dry_run=dry_run), {}),
    )


def _grids_of(body: FeatureCollection) -> tuple[list[StoredGrid], list[str]]:
    """Read every outline. Raises InvalidInput naming each feature whose outline is beyond repair."""
    grids: list[StoredGrid] = []
    repaired: list[str] = []
    problems: list[FieldProblem] = []
    for index, feature in enumerate(body.features):
        try:
            grid, was_repaired = feature.to_grid(f"/features/{index}")
        except InvalidInput as error:
            problems.extend(error.problems)
            continue
        grids.append(grid)
        if was_repaired:
            repaired.append(grid.grid.code)
    if problems:
        raise InvalidInput("Some outlines enclose no area", problems[:MAX_PROBLEMS])
    return grids, repaired


@router.get(
    "/locate",
    operation_id="locate_grid",
    dependencies=[READS],
    summary="The grid a point lies in",
    response_model=LocatedView,
    responses=problem_documentation([404]),
)
async def locate_grid_of_point(
    longitude: Annotated[Longitude, Query()],
    latitude: Annotated[Latitude, Query()],
    reference: Reference,
    db: Db,
    at: Annotated[Moment | None, Query(description="Grids as they were then; now if absent.")] = None,
) -> LocatedView:
    """The smallest area; on a shared edge the lower code. 404 outside of the service area, with a hint when swapped."""
    query = LocateGrid(longitude, latitude, at)
    return LocatedView.of(await db.transact(lambda uow: locate_grid(uow, query, reference), read_only=True))


@router.put(
    "/{code}",
    operation_id="put_grid",
    summary="Create, replace or end a grid",
    response_model=GridView,
    max_body_size=IMPORT_LIMIT,
    responses={201: {"model": GridView, "description": "Created"}, **problem_documentation([409, 412])},
)
async def put_grid_by_code(
    principal: Writer, code: PathGridCode, body: GridInput, if_match: IfMatch, response: Response, db: Db
) -> Any:
    """A grid whose time is over stays so: a split or merge makes new codes with predecessors."""
    command = PutGrid(await asyncio.to_thread(body.to_grid, code), principal.actor, if_match)
    saved = await db.transact(lambda uow: put_grid(uow, command))
    response.status_code = 201 if saved.created else 200
    response.headers["ETag"] = etag_of(saved.grid.grid.version)
    return GridView.of(saved.grid)


@router.get(
    "/{code}",
    operation_id="get_grid",
    dependencies=[READS],
    summary="A grid with its outline",
    response_model=GridView,
    responses=problem_documentation([404]),
)
async def get_grid(code: PathGridCode, response: Response, db: Db) -> GridView:
    found = await db.transact(lambda uow: read_registry.get_grid(uow, code), read_only=True)
    response.headers["ETag"] = etag_of(found.grid.version)
    return GridView.of(found)


@router.get(
    "",
    operation_id="list_grids",
    dependencies=[READS],
    summary="Grids by code, a parent before what lies in it",
    response_model=Page[GridSummary],
)
async def list_grids(
    page: PageQuery,
    db: Db,
    prefix: Annotated[
        str | None, Query(pattern=GRID_PATTERN, max_length=18, description="Only this area and those in it.")
    ] = None,
) -> Page[GridSummary]:
    after = after_code(page.cursor)
    found = await db.transact(lambda uow: read_registry.list_grids(uow, prefix, after, page.limit + 1), read_only=True)
    items = found[: page.limit]
    cursor = encode_cursor(items[-1].grid.code) if len(found) > page.limit else None
    return Page(items=[GridSummary.of(item) for item in items], next_cursor=cursor)
