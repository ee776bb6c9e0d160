"""What an endpoint may ask for: its database, the clock, who is calling."""

from typing import Annotated, Any, cast

from fastapi import Depends, Request

from shared.clock import Clock
from shared.db.engine import Database
from shared.http.guards import Guard, public, require
from shared.http.idempotency import Idempotency, IdempotencyContext
from shared.http.paging import Page, PageQuery
from shared.http.preconditions import IfMatch, etag_of

__all__ = [
    "AppState",
    "Db",
    "Guard",
    "Idempotency",
    "IdempotencyContext",
    "IfMatch",
    "Now",
    "Page",
    "PageQuery",
    "etag_of",
    "get_clock",
    "get_database",
    "public",
    "require",
]


async def get_database(request: Request) -> Database:
    return cast("Database", request.app.state.database)


async def get_clock(request: Request) -> Clock:
    return cast("Clock", request.app.state.clock)


async def get_state(request: Request) -> Any:
    return request.app.state


Db = Annotated[Database, Depends(get_database)]
Now = Annotated[Clock, Depends(get_clock)]
AppState = Annotated[Any, Depends(get_state)]
