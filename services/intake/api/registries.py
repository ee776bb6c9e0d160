"""What the endpoints of the registries share: codes, rights, and how an entry is saved and answered."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Path, Query, Response, Security

from shared.errors import StaleVersion
from shared.http.dependencies import etag_of, require
from shared.http.preconditions import Expected
from shared.identity.principal import Principal

CODE_PATTERN: Final = r"^[0-9A-Za-z][0-9A-Za-z_.\-]{0,31}$"

Code = Annotated[str, Path(pattern=CODE_PATTERN)]
CodeQuery = Annotated[str | None, Query(pattern=CODE_PATTERN)]

EntryWriter = Annotated[Principal, Security(require("entry:write"))]
EntryReader = Annotated[Principal, Security(require("entry:write", "appeals:read", "appeals:write"))]
PeopleReader = Annotated[Principal, Security(require("entry:write", "appeals:review"))]
Filer = Annotated[Principal, Security(require("appeals:write", "entry:write"))]


def version_check(expected: Expected | None) -> Callable[[int | None], None]:
    """Return the check of If-Match for something that may not be there yet."""

    def check(version: int | None) -> None:
        if expected is None:
            return
        if version is None:
            raise StaleVersion("There is none with this code yet.", current_version=None)
        expected.check(version)

    return check


def mark_saved(response: Response, version: int, *, is_new: bool) -> None:
    """Answer 201 for a new entry, with the ETag that changing it takes."""
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = etag_of(version)
