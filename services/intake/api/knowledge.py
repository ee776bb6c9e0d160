"""Articles that answers cite, with the dates between which they are valid (trap 42)."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response, Security
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.intake.api.dependencies import TheDesk
from services.intake.api.schemas import CategoryCode
from services.intake.db.knowledge import ArticleFilter
from services.intake.domain.knowledge import Article
from services.intake.use_cases.edit_knowledge import get_article, get_versions, list_articles, put_article
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of, require
from shared.http.preconditions import expect_row
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Output, Paragraph
from shared.identity.principal import Principal
from shared.ids import uuid7

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_READS = require("appeals:read", "appeals:write", "knowledge:write")
AnyReader = Annotated[Principal, Security(_READS)]
Author = Annotated[Principal, Security(require("knowledge:write"))]
Code = Annotated[str, Path(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.\-]{0,63}$")]

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])


def _only_text(value: Any) -> Any:
    """A number would be read as days since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise PydanticCustomError("date_parsing", "must be an RFC 3339 date")


def _sane(day: date) -> date:
    if not 1900 <= day.year <= 2199:
        raise PydanticCustomError("date_out_of_range", "must lie between the years 1900 and 2199")
    return day


Day = Annotated[
    date,
    BeforeValidator(_only_text),
    AfterValidator(_sane),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-10-01"]}),
]


class ArticleIn(Input):
    """One article. Both ends of its validity must be said; `valid_to` null means until further notice."""

    title: Annotated[str, Line(200)]
    question: Annotated[str, Paragraph(1_000, min_length=0)] = ""
    text: Annotated[str, Paragraph(20_000)]
    category_codes: list[CategoryCode] = Field(default_factory=list, max_length=50)
    valid_from: Day
    valid_to: Day | None = Field(description="The last day it holds.")
    source: Annotated[str, Line(500)] = Field(description="The document it comes from.")
    retired: bool = False

    def to_domain(self, code: str) -> Article:
        return Article(
            id=uuid7(),
            code=code,
            title=self.title,
            question=self.question,
            text=self.text,
            category_codes=tuple(dict.fromkeys(self.category_codes)),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            source=self.source,
            retired=self.retired,
        )


class ArticleView(Output):
    """One article as it stands, or as one of its versions was."""

    id: UUID
    code: str
    title: str
    question: str
    text: str
    category_codes: list[str]
    valid_from: date
    valid_to: date | None
    source: str
    retired: bool
    version: int


class ArticleVersionView(Output):
    article: ArticleView
    written_by: str
    written_at: datetime


class ArticleVersions(Output):
    items: list[ArticleVersionView]


def _view(article: Article) -> ArticleView:
    fields = {name: getattr(article, name) for name in ArticleView.model_fields}
    return ArticleView(**{**fields, "category_codes": list(article.category_codes)})


async def _filter(
    valid_on: Annotated[Day | None, Query(description="Only what holds on this day.")] = None,
    text: Annotated[Annotated[str, Line(100)] | None, Query(description="Part of the text, title or code.")] = None,
    category_code: Annotated[CategoryCode | None, Query()] = None,
    retired: Annotated[bool | None, Query(description="Only retired ones, or only others.")] = None,
) -> ArticleFilter:
    return ArticleFilter(valid_on, text, category_code, retired)


@router.get("", operation_id="list_articles", summary="Articles by code", response_model=Page[ArticleView])
async def read_articles(
    db: Db, page: PageQuery, wanted: Annotated[ArticleFilter, Depends(_filter)], _principal: AnyReader
) -> Page[ArticleView]:
    """Every condition must hold."""
    found, following = await db.transact(
        lambda uow: list_articles(uow, wanted, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[_view(article) for article in found], next_cursor=following)


@router.get(
    "/{code}",
    operation_id="get_article",
    summary="One article, by its code or id",
    response_model=ArticleView,
    responses=problem_documentation([404]),
)
async def read_article(code: Code, db: Db, response: Response, _principal: AnyReader) -> ArticleView:
    """With the ETag that changing it takes."""
    article = await db.transact(lambda uow: get_article(uow, code), read_only=True)
    response.headers["ETag"] = etag_of(article.version)
    return _view(article)


@router.get(
    "/{code}/versions",
    operation_id="list_article_versions",
    summary="The versions of an article, newest first",
    response_model=ArticleVersions,
    responses=problem_documentation([404]),
)
async def read_versions(code: Code, db: Db, _principal: AnyReader) -> ArticleVersions:
    """An answer keeps the version it cited; here is what that said."""
    versions = await db.transact(lambda uow: get_versions(uow, code), read_only=True)
    return ArticleVersions(
        items=[
            ArticleVersionView(article=_view(one.article), written_by=one.written_by, written_at=one.written_at)
            for one in versions
        ]
    )


@router.put(
    "/{code}",
    operation_id="put_article",
    summary="Create, change or retire an article",
    response_model=ArticleView,
    responses={201: {"model": ArticleView, "description": "Created"}, **problem_documentation([412])},
)
async def write_article(  # noqa: PLR0913, PLR0917 - each one a dependency
    code: Code, wanted: ArticleIn, db: Db, desk: TheDesk, expected: IfMatch, response: Response, principal: Author
) -> ArticleView:
    """Every change is a new version; answers that cited an earlier one keep it."""
    article, is_new = await db.transact(
        lambda uow: put_article(
            uow,
            desk,
            wanted.to_domain(code),
            actor=principal.actor,
            check_version=lambda version: expect_row(expected, version),
        )
    )
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = etag_of(article.version)
    return _view(article)
