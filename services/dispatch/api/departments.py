"""Departments over HTTP: idempotent create, replace and retire by code."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response, Security
from pydantic import ConfigDict

from services.dispatch.api.registry_fields import Code, GridCode, PathCode, after_code, cut
from services.dispatch.domain.grid import parse_code
from services.dispatch.domain.registry import Department
from services.dispatch.use_cases import read_registry
from services.dispatch.use_cases.put_department import PutDepartment, put_department
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of, require
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Output
from shared.identity.principal import Principal

READS = Security(require("registry:read", "registry:write"))
Writer = Annotated[Principal, Security(require("registry:write"))]

router = APIRouter(prefix="/v1/departments", tags=["registry"])


class DepartmentInput(Input):
    """The whole entry; what is left out becomes empty."""

    name: Annotated[str, Line(200)]
    name_en: Annotated[str, Line(200, min_length=0)] = ""
    kind: Annotated[str, Line(40, min_length=0)] = ""
    parent_code: Code | None = None
    grid_code: GridCode | None = None
    retired: bool = False
    successor_code: Code | None = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "环卫中心", "name_en": "Sanitation service", "kind": "SANI"}]}
    )

    def to_department(self, code: str) -> Department:
        return Department(
            code=code,
            name=self.name,
            name_en=self.name_en,
            kind=self.kind,
            parent_code=self.parent_code,
            grid_code=None if self.grid_code is None else parse_code(self.grid_code),
            successor_code=self.successor_code,
        )


class DepartmentView(Output):
    code: str
    name: str
    name_en: str
    kind: str
    parent_code: str | None
    grid_code: str | None
    retired_at: datetime | None
    successor_code: str | None
    version: int

    @classmethod
    def of(cls, item: Department) -> "DepartmentView":
        return cls(
            code=item.code,
            name=item.name,
            name_en=item.name_en,
            kind=item.kind,
            parent_code=item.parent_code,
            grid_code=item.grid_code,
            retired_at=item.retired_at,
            successor_code=item.successor_code,
            version=item.version,
        )


@router.put(
    "/{code}",
    operation_id="put_department",
    summary="Create, replace or retire a department",
    response_model=DepartmentView,
    responses={201: {"model": DepartmentView, "description": "Created"}, **problem_documentation([409, 412])},
)
async def put_department_by_code(
    principal: Writer,
    code: PathCode,
    body: DepartmentInput,
    if_match: IfMatch,
    response: Response,
    db: Db,
) -> Any:
    """A retired department stays retired: its code is never used again."""
    command = PutDepartment(body.to_department(code), principal.actor, body.retired, if_match)
    saved = await db.transact(lambda uow: put_department(uow, command))
    response.status_code = 201 if saved.created else 200
    response.headers["ETag"] = etag_of(saved.department.version)
    return DepartmentView.of(saved.department)


@router.get(
    "/{code}",
    operation_id="get_department",
    dependencies=[READS],
    summary="A department",
    response_model=DepartmentView,
    responses=problem_documentation([404]),
)
async def get_department(code: PathCode, response: Response, db: Db) -> DepartmentView:
    found = await db.transact(lambda uow: read_registry.get_department(uow, code), read_only=True)
    response.headers["ETag"] = etag_of(found.version)
    return DepartmentView.of(found)


@router.get(
    "",
    operation_id="list_departments",
    dependencies=[READS],
    summary="Departments, by code",
    response_model=Page[DepartmentView],
)
async def list_departments(page: PageQuery, db: Db) -> Page[DepartmentView]:
    after = after_code(page.cursor)
    found = await db.transact(lambda uow: read_registry.list_departments(uow, after, page.limit + 1), read_only=True)
    items, cursor = cut(found, page.limit)
    return Page(items=[DepartmentView.of(item) for item in items], next_cursor=cursor)
