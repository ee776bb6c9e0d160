"""Suggested categories for a text, the words citizens use for a category, and the list of what waits for an agent."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, Security

from services.intake.api.dependencies import Editor, Reader, TheDesk
from services.intake.api.schemas import CategoryCode
from services.intake.api.suggestion_schemas import (
    ReviewItem,
    SuggestIn,
    SuggestionsView,
    SynonymsIn,
    SynonymsView,
    review_item,
    suggestions_view,
    synonyms_view,
)
from services.intake.db.suggestions import ReviewFilter
from services.intake.use_cases.edit_synonyms import get_synonyms, put_synonyms
from services.intake.use_cases.list_review import list_review
from services.intake.use_cases.suggest_category import suggest_category
from shared.errors import StaleVersion
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of, require
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

_ASKS = require("appeals:read", "appeals:write", "appeals:track", "categories:write")
Asker = Annotated[Principal, Security(_ASKS)]
Code = Annotated[str, Path(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.\-]{0,31}$")]

router = APIRouter(prefix="/v1/categories", tags=["categories"])
review = APIRouter(prefix="/v1/appeals", tags=["appeals"])


@router.post(
    "/suggest",
    operation_id="suggest_category",
    summary="The three likeliest categories of a text",
    response_model=SuggestionsView,
)
async def suggest(asked: SuggestIn, db: Db, desk: TheDesk, response: Response, _principal: Asker) -> SuggestionsView:
    """With confidences and the words that decided. A POST because addresses end up in logs; nothing of it is kept."""
    question = asked.to_question()
    answer = await db.transact(lambda uow: suggest_category(uow, desk, question), read_only=True)
    response.headers["Cache-Control"] = "no-store"
    return suggestions_view(answer, accept_at=desk.advisor.accept_at, limit=asked.limit)


@router.get(
    "/{code}/synonyms",
    operation_id="get_category_synonyms",
    summary="The words citizens use for a category",
    response_model=SynonymsView,
    responses=problem_documentation([404]),
)
async def read_synonyms(code: Code, db: Db, desk: TheDesk, response: Response, _principal: Asker) -> SynonymsView:
    """Those of the taxonomy that comes along, until the city has put its own in their place."""
    found = await db.transact(lambda uow: get_synonyms(uow, desk, code), read_only=True)
    if found.version is not None:
        response.headers["ETag"] = etag_of(found.version)
    return synonyms_view(found)


@router.put(
    "/{code}/synonyms",
    operation_id="put_category_synonyms",
    summary="Set the words citizens use for a category",
    response_model=SynonymsView,
    responses=problem_documentation([404, 412]),
)
async def write_synonyms(
    code: Code, wanted: SynonymsIn, db: Db, desk: TheDesk, expected: IfMatch, response: Response, _principal: Editor
) -> SynonymsView:
    """They count from the next suggestion on, within a second or two in every process."""

    def check(version: int | None) -> None:
        if expected is not None and version is None:
            raise StaleVersion("The category has no words of its own yet.", current_version=None)
        if expected is not None and version is not None:
            expected.check(version)

    found = await db.transact(lambda uow: put_synonyms(uow, desk, code, wanted.words, check_version=check))
    response.headers["ETag"] = etag_of(found.version or 1)
    return synonyms_view(found)


@review.get(
    "/review",
    operation_id="list_review",
    summary="Appeals that wait for an agent, the one due first first",
    response_model=Page[ReviewItem],
)
async def read_review(
    db: Db,
    page: PageQuery,
    principal: Reader,
    suggested: Annotated[CategoryCode | None, Query(description="What was suggested first.")] = None,
) -> Page[ReviewItem]:
    """With the categories suggested when each came in. An agent decides by `recategorize`, which models learn from."""
    wanted = ReviewFilter(top_code=suggested, department_code=principal.department_code)
    rows, following = await db.transact(
        lambda uow: list_review(uow, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[review_item(row) for row in rows], next_cursor=following)
