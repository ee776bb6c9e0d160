"""Access codes: what a citizen shows beside the receipt number to see the progress. Only a keyed hash is stored."""

import hmac
import os
import re
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0 O 1 I L, which people mix up
LENGTH: Final = 8
_SPACE: Final = len(ALPHABET) ** LENGTH
_PAIRS: Final = tuple(first + second for first in ALPHABET for second in ALPHABET)
_NOISE: Final = re.compile(r"[\s\-]+")


def new_access_code() -> str:
    """Return eight random characters of an unambiguous alphabet (39 bits)."""
    value = int.from_bytes(os.urandom(8), "big") % _SPACE
    high, low = divmod(value, len(_PAIRS) ** 2)
    return "".join(_PAIRS[part] for half in (high, low) for part in divmod(half, len(_PAIRS)))


def normalise_access_code(text: str) -> str:
    """Upper case, without the spaces and dashes people type."""
    return _NOISE.sub("", text).upper()


def hash_access_code(code: str, key: bytes) -> bytes:
    """Return what is stored of a code: without the key not even all codes together help to find it."""
    return hmac.digest(key, code.encode("utf-8", "replace"), "sha256")


def access_code_matches(code: str, stored: bytes, key: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_access_code(code, key), stored)
