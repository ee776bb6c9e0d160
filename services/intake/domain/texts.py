"""What a free text may contain, and which form of it may leave the vault."""

import re
from collections.abc import Iterable
from typing import Final

from shared.observability.redaction import mask_text

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NOT_DIGITS: Final = re.compile(r"\D+")
_SHORTEST_PHONE: Final = 7
_MANY_DIGITS: Final = re.compile(r"[0-9](?:[^0-9]{0,3}[0-9]){6}")
# What tells a home apart inside a street or an estate: from a building, unit, floor or room number onwards.
_DWELLING: Final = re.compile(
    r"[\s,，]*(?:[0-9A-Za-z一二三四五六七八九十百]{1,6}(?:号楼|栋|幢|单元|层|楼|室|户|号门)"
    r"|\b(?:apt|apartment|unit|room|rm|suite|ste|flat|floor|fl)\b\.?\s*#?\s*[0-9]+|#\s*[0-9]+).*",
    re.IGNORECASE | re.DOTALL,
)


def is_clean(text: str) -> bool:
    """No control character but tab and line ends, no half of a surrogate pair, no non-character."""
    return _FORBIDDEN.search(text) is None


def street_of(address: str) -> str:
    """Return an address without the part that tells the dwelling: enough to find the matter, not the person."""
    return _DWELLING.sub("", address).strip()


def mask_person(text: str, *, names: Iterable[str] = (), phones: Iterable[str] = ()) -> str:
    """Return a text fit to leave the vault: numbers and addresses masked, and the people of this matter not named."""
    masked = mask_text(text)
    for phone in phones:
        masked = _without_phone(masked, phone)
    for name in names:
        masked = _without_name(masked, name)
    return masked


def _without_phone(text: str, phone: str) -> str:
    """Take out a known number however it is grouped; forms that mask_text does not know are found by their digits."""
    if _MANY_DIGITS.search(text) is None:
        return text
    digits = _NOT_DIGITS.sub("", phone)
    national = digits[-10:] if len(digits) > 10 else digits
    if len(national) < _SHORTEST_PHONE or national not in _NOT_DIGITS.sub("", text):
        return text
    return re.sub(r"[\s\-.()（）]{0,3}".join(national), "[phone]", text)


def _without_name(text: str, name: str) -> str:
    """Replace a known name. Latin names only as whole words; one that is too short to be told from a word is left."""
    name = name.strip()
    if name.isascii():
        if len(name) < 3 or name.casefold() not in text.casefold():
            return text
        return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text.replace(name, "[name]") if len(name) >= 2 else text


def mask_name(name: str) -> str:
    """Return a name as it may be shown: the family name of a Chinese name, the first letter of another."""
    name = name.strip()
    return f"{name[0]}{'*' * min(max(len(name) - 1, 1), 3)}" if name else ""


def mask_phone(phone: str) -> str:
    """Return a number as it may be shown: its last four digits."""
    return f"{'*' * max(len(phone) - 4, 3)}{phone[-4:]}" if len(phone) > 4 else "*" * len(phone)


def mask_email(email: str) -> str:
    """Return an address as it may be shown: first letter and top-level domain."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}***@***.{domain.rpartition('.')[2]}"
