"""Takes personal data out of free text: phone and identity numbers, e-mail addresses, bank cards.

For free text and log values only. Fields of our own making (receipt numbers, grid codes, ids) are never passed through.
Standard library only.
"""

import re
from collections.abc import Callable
from typing import Final

_NOT_IN_NUMBER_BEFORE: Final = r"(?<![0-9A-Za-z])"
_NOT_IN_NUMBER_AFTER: Final = r"(?![0-9A-Za-z])"
_GAP: Final = r"[ \-\u2010-\u2015\u00a0\u3000.·]?"

_EMAIL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}")
_IDENTITY: Final = re.compile(
    r"(?<![0-9])[1-9](?:[ \-]?[0-9]){5}[ \-]?(?:1[89]|20)(?:[ \-]?[0-9]){2}"
    r"[ \-]?(?:0[1-9]|1[0-2])[ \-]?(?:0[1-9]|[12][0-9]|3[01])(?:[ \-]?[0-9]){3}[ \-]?[0-9Xx](?![0-9])"
)
_CARD: Final = re.compile(r"(?<![0-9])[3-6](?:[ \-]?[0-9]){12,18}(?![0-9])")
_MOBILE: Final = re.compile(rf"(?<![0-9])(?:(?:\+|00)?86{_GAP})?1[3-9][0-9](?:{_GAP}[0-9]){{8}}(?![0-9])")
_LANDLINE: Final = re.compile(
    rf"(?<![0-9])[(（]?0(?:10|2[0-9]|[3-9][0-9]{{2}})[)）]?{_GAP}[2-9][0-9]{{2,3}}{_GAP}[0-9]{{4}}"
    r"(?:[ ]?(?:-|转|ext\.?)[ ]?[0-9]{1,6})?(?![0-9])"
)
_INTERNATIONAL: Final = re.compile(r"(?<![0-9A-Za-z+])\+[1-9](?:[ \-.()]{0,2}[0-9]){6,14}(?![0-9])")
_HAS_CANDIDATE: Final = re.compile(r"[0-9０-９]{3}|[@＠]|\+[0-9]")

_FULL_WIDTH: Final = {0xFF10 + digit: 0x30 + digit for digit in range(10)} | {
    0xFF0B: ord("+"),
    0xFF20: ord("@"),
    0xFF0D: ord("-"),
    0xFF38: ord("X"),
    0xFF58: ord("x"),
    0xFF0E: ord("."),
}


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _mask_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return "[card]" if 13 <= len(digits) <= 19 and _passes_luhn(digits) else match[0]


_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (_EMAIL, "[email]"),
    (_IDENTITY, "[id]"),
    (_CARD, _mask_card),
    (_INTERNATIONAL, "[phone]"),
    (_MOBILE, "[phone]"),
    (_LANDLINE, "[phone]"),
)


def mask_text(text: str) -> str:
    """Return `text` with personal numbers and addresses replaced by `[phone]`, `[id]`, `[email]` or `[card]`.

    Full-width digits are recognised; the rest of the text keeps its form. Masking twice changes nothing more.
    """
    if not _HAS_CANDIDATE.search(text):
        return text
    plain = text.translate(_FULL_WIDTH)
    masked = plain
    for pattern, replacement in _RULES:
        masked = pattern.sub(replacement, masked)
    return text if masked == plain else masked
