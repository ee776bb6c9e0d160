"""In which of our two languages a citizen wants to read: Accept-Language (RFC 9110), Chinese and English."""

import re
from typing import Annotated, Final, Literal

from fastapi import Depends, Header

Language = Literal["zh", "en"]

_RANGE: Final = re.compile(
    r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*(?:\s*;\s*[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?))?", re.ASCII
)
_LONGEST: Final = 1_000
_OURS: Final[tuple[Language, ...]] = ("en", "zh")


def choose_language(accept_language: str | None) -> Language:
    """Return the language that the header rates highest; English when it rates none, or both the same.

    A part that cannot be read counts for nothing: a reader's header never makes a request fail.
    """
    rated: dict[str, float] = {}
    for part in (accept_language or "")[:_LONGEST].split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is not None:
            name, quality = found[1].lower(), float(found[2] or 1)
            rated[name] = max(rated.get(name, 0.0), quality)
    anything = rated.get("*", 0.0)
    english, chinese = (rated.get(language, anything) for language in _OURS)
    return "zh" if chinese > english else "en"


def language_headers(language: Language) -> dict[str, str]:
    """Say which language it is, and that another reader may get another."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


async def _language(
    accept_language: Annotated[
        str | None,
        Header(alias="Accept-Language", description="`zh` or `en`; English otherwise."),
    ] = None,
) -> Language:
    return choose_language(accept_language)


WantedLanguage = Annotated[Language, Depends(_language)]
