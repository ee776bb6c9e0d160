"""`ETag` and `If-Match`: edit only what you have seen. The tag is the row's version: `"v7"`."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header

from shared.errors import DomainError, StaleVersion

_TAG: Final = r'(?:W/)?"[!#-~]{0,100}"'
_FORM: Final = rf"[ \t]*(?:\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*)[ \t]*"
_DOCUMENTED: Final = rf"^(?:\*|{_TAG}(?:, {_TAG}){{0,8}})$"
_TAGS: Final = re.compile(_FORM)
_OURS: Final = re.compile(r'(?<!W/)"v([1-9][0-9]{0,17})"')
_LONGEST: Final = 1_000


def etag_of(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"v{version}"'


class MalformedHeader(DomainError):
    """A header that does not follow its own grammar."""

    code = "malformed_header"
    title = "A header cannot be read"


class Expected:
    """What an If-Match header asks for: one of `versions`, or anything that exists when `any_version`."""

    __slots__ = ("any_version", "versions")

    def __init__(self, versions: frozenset[int], *, any_version: bool = False) -> None:
        self.versions = versions
        self.any_version = any_version

    def check(self, current: int) -> None:
        """Raise StaleVersion unless `current` is what the caller has seen."""
        if not self.any_version and current not in self.versions:
            raise StaleVersion("It was changed since you read it.", current_version=current)


def parse_if_match(header: str | None) -> Expected | None:
    """Return what is expected, or None without a header.

    A weak or foreign tag can match nothing of ours: it fails as a precondition later. Raises MalformedHeader for what
    is no list of entity tags at all.
    """
    if header is None:
        return None
    if len(header) > _LONGEST or not _TAGS.fullmatch(header):
        raise MalformedHeader("If-Match is not a list of entity tags.")
    if header.strip() == "*":
        return Expected(frozenset(), any_version=True)
    return Expected(frozenset(int(version) for version in _OURS.findall(header)))


def expect(expected: Expected | None, current: int) -> None:
    """Check an optional expectation inside a use case's transaction. Raises StaleVersion."""
    if expected is not None:
        expected.check(current)


def expect_row(expected: Expected | None, current: int | None) -> None:
    """The same for a thing that may not exist yet, whose version then is None. Raises StaleVersion."""
    if expected is not None and current is None:
        raise StaleVersion("There is nothing yet that could have been seen.", current_version=None)
    if current is not None:
        expect(expected, current)


async def _if_match(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description='The entity tag you have seen, e.g. `"v3"`, or `*`.',
            json_schema_extra={"pattern": _DOCUMENTED, "examples": ['"v3"', "*"]},
        ),
    ] = None,
) -> Expected | None:
    return parse_if_match(if_match)


IfMatch = Annotated[Expected | None, Depends(_if_match)]
