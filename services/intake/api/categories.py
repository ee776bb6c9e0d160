"""The category tree over the API: reading it, and changing one category at a time."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, Security

from services.intake.api.dependencies import Editor, TheDesk
from services.intake.api.schemas import CategoryIn
from services.intake.api.views import CategoryTree, CategoryView, category_tree, category_view
from services.intake.use_cases.edit_categories import get_category, list_categories, put_category
from shared.errors import StaleVersion
from shared.http.dependencies import Db, IfMatch, etag_of, require
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

_READS = require("appeals:read", "appeals:write", "appeals:track", "categories:write")
AnyReader = Annotated[Principal, Security(_READS)]
Code = Annotated[str, Path(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.\-]{0,31}$")]

router = APIRouter(prefix="/v1/categories", tags=["categories"])


@router.get("", operation_id="list_categories", summary="The category tree", response_model=CategoryTree)
async def read_categories(
    db: Db,
    desk: TheDesk,
    _principal: AnyReader,
    retired: Annotated[bool, Query(description="Whether retired categories are listed too.")] = True,
) -> CategoryTree:
    """Every category with its defaults, those below it inside."""
    found = await db.transact(lambda uow: list_categories(uow, desk), read_only=True)
    return category_tree([category for category in found if retired or not category.retired])


@router.get(
    "/{code}",
    operation_id="get_category",
    summary="One category",
    response_model=CategoryView,
    responses=problem_documentation([404]),
)
async def read_category(code: Code, db: Db, desk: TheDesk, response: Response, _principal: AnyReader) -> CategoryView:
    """With the ETag that changing it takes."""
    category = await db.transact(lambda uow: get_category(uow, desk, code), read_only=True)
    response.headers["ETag"] = etag_of(category.version)
    return category_view(category)


@router.put(
    "/{code}",
    operation_id="put_category",
    summary="Create, change or retire a category",
    response_model=CategoryView,
    responses={201: {"model": CategoryView, "description": "Created"}, **problem_documentation([412])},
)
async def write_category(
    code: Code, wanted: CategoryIn, db: Db, desk: TheDesk, expected: IfMatch, response: Response, _principal: Editor
) -> CategoryView:
    """Appeals already registered keep what they have; the change holds for those that come after it."""

    def check(version: int | None) -> None:
        if expected is None:
            return
        if version is None:
            raise StaleVersion("There is no such category yet.", current_version=None)
        expected.check(version)

    category, is_new = await db.transact(
        lambda uow: put_category(uow, desk, wanted.to_domain(code), check_version=check)
    )
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = etag_of(category.version)
    return category_view(category)
