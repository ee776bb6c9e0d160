"""Keyset pages: `?limit&cursor` in, `{items, next_cursor}` out."""

from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.db.cursors import MAX_CURSOR_LENGTH

Item = TypeVar("Item")

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


class Page(BaseModel, Generic[Item]):
    """A page of a list; `next_cursor` is null on the last one."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Pass as `cursor` to get what follows.")


class PageRequest(BaseModel):
    """Which page is wanted."""

    model_config = ConfigDict(frozen=True)

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


async def _page_request(
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="The most items in a page.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(min_length=1, max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the page before."),
    ] = None,
) -> PageRequest:
    return PageRequest.model_construct(limit=limit, cursor=cursor)


PageQuery = Annotated[PageRequest, Depends(_page_request)]
