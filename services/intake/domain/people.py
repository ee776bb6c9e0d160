"""The people of an appeal: who reports, for whom, who signed. Everything here belongs in the vault."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_PHONE_SHAPE: Final = re.compile(r"(?:\+|00)?[0-9(（][0-9\s\-.()（）]{4,28}[0-9]")
_NOT_DIGITS: Final = re.compile(r"\D+")
_MAINLAND_MOBILE: Final = re.compile(r"(?:86)?(1[3-9][0-9]{9})")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})+")
_FULL_WIDTH: Final = {0xFF10 + digit: 0x30 + digit for digit in range(10)} | {0xFF0B: 0x2B, 0xFF0D: 0x2D}
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15


@dataclass(frozen=True, slots=True)
class Reporter:
    """Service object 服务对象: who appeals, and how far the city may come back to that person."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    anonymous: bool = False
    confidential: bool = False
    wants_reply: bool = True

    @property
    def has_identity(self) -> bool:
        return bool(self.name or self.phone or self.email)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody an informant speaks for (LZ-03), or a signatory of a joint appeal (HZ-12)."""

    name: str | None = None
    phone: str | None = None
    relation: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """One appeal of many: households are counted apart from people (trap 25).

    `persons` is how many stand behind it when not everybody's name is known; 0 means those who are listed.
    """

    households: int = 0
    signatories: tuple[Person, ...] = ()
    persons: int = 0
    representatives: tuple[Person, ...] = ()

    @property
    def everybody(self) -> tuple[Person, ...]:
        return (*self.signatories, *self.representatives)


def normalise_phone(text: str) -> str | None:
    """Return a number in one form, so that one person is found however the number was typed; None if it is none.

    Mainland mobiles become +86…, other international numbers +…, local ones stay digits.
    """
    text = text.translate(_FULL_WIDTH).strip()
    if _PHONE_SHAPE.fullmatch(text) is None:
        return None
    digits = _NOT_DIGITS.sub("", text)
    international = text.startswith(("+", "00"))
    if not text.startswith("+") and international:
        digits = digits[2:]
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return None
    mobile = _MAINLAND_MOBILE.fullmatch(digits)
    if mobile is not None and (not international or digits.startswith("86")):
        return f"+86{mobile[1]}"
    return f"+{digits}" if international else digits


def is_email(text: str) -> bool:
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def known_names(reporter: Reporter | None, on_behalf_of: Person | None, joint: Joint | None) -> Iterator[str]:
    """Every name that must not appear in a text that leaves the vault."""
    for person in (reporter, on_behalf_of, *(joint.everybody if joint else ())):
        if person is not None and person.name:
            yield person.name


def known_phones(reporter: Reporter | None, on_behalf_of: Person | None, joint: Joint | None) -> Iterator[str]:
    """Every phone number that must not appear in a text that leaves the vault."""
    for person in (reporter, on_behalf_of, *(joint.everybody if joint else ())):
        if person is not None and person.phone:
            yield person.phone
