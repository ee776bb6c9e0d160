"""Receipt numbers: 13 digits that a citizen can read over the phone and nobody can guess from another one.

Two digits of the year, ten random digits, one Damm check digit, which catches every single wrong digit and every swap
of two neighbours.
"""

import os
import re
from typing import Final

LENGTH: Final = 13
_RANDOM_DIGITS: Final = 10
_SPACE: Final = 10**_RANDOM_DIGITS
_SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015\u3000._/]+")
_FULL_WIDTH: Final = {0xFF10 + digit: 0x30 + digit for digit in range(10)} | {0xFF0D: 0x2D}
_FORM: Final = re.compile(r"[0-9]{13}")

# A totally anti-symmetric quasigroup of order 10 with zeros on its diagonal.
_DAMM: Final = tuple(
    tuple(int(digit) for digit in row)
    for row in (
        "0317598642",
        "7092154863",
        "4206871359",
        "1750983426",
        "6123045978",
        "3674209581",
        "5869720134",
        "8945362017",
        "9438617205",
        "2581436790",
    )
)


def check_digit(digits: str) -> str:
    """Return the Damm check digit of a string of decimal digits."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][ord(digit) - 48]
    return chr(48 + interim)


def make_receipt_number(year: int, random_value: int) -> str:
    """Return the number of this year (the city's) with this random value; only its last ten digits count."""
    body = f"{year % 100:02d}{random_value % _SPACE:010d}"
    return body + check_digit(body)


def new_receipt_number(year: int) -> str:
    """Return a fresh random number; that it is unused is for the database to say."""
    return make_receipt_number(year, int.from_bytes(os.urandom(8), "big"))


def normalise_receipt_number(text: str) -> str:
    """Take out the spaces and dashes people type, and turn full-width digits into plain ones."""
    return _SEPARATORS.sub("", text.translate(_FULL_WIDTH))


def is_receipt_number(text: str) -> bool:
    """Whether a normalised text has the form and the check digit of a receipt number."""
    return _FORM.fullmatch(text) is not None and check_digit(text[:-1]) == text[-1]
