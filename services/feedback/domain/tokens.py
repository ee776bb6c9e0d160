"""Evaluation tokens: what a citizen holds to evaluate one round of one matter, once (trap 18).

A token is a callback's id and a keyed digest of it. The database holds no token, a guess is refused without asking the
database, and asking twice for the same round gives the same token rather than a second chance to evaluate.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.errors import DomainError, NotFound

TOKEN_LENGTH: Final = 48
_DIGEST_BYTES: Final = 20
_PURPOSE: Final = b"minqing feedback evaluation token v1"


class TokenUnknown(NotFound):
    """Not a token of ours, or one that was never given out; the two look the same from outside."""

    code = "token_unknown"
    title = "The evaluation token is not known"


class TokenSigner:
    """Makes and checks tokens with a key derived from the deployment's master key."""

    __slots__ = ("_key",)

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.new(master_key, _PURPOSE, hashlib.sha256).digest()

    def token_for(self, callback_id: UUID) -> str:
        """Return the one token of a callback, which stands for one appeal and round."""
        raw = callback_id.bytes + self._digest(callback_id.bytes)
        return base64.urlsafe_b64encode(raw).decode()

    def callback_of(self, token: str) -> UUID:
        """Return the callback a token was made for. Raises TokenUnknown; compares in constant time."""
        if len(token) != TOKEN_LENGTH:
            raise _unknown()
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise _unknown() from None
        identity, digest = raw[:16], raw[16:]
        if not hmac.compare_digest(digest, self._digest(identity)):
            raise _unknown()
        return UUID(bytes=identity)

    def _digest(self, identity: bytes) -> bytes:
        return hmac.new(self._key, identity, hashlib.sha256).digest()[:_DIGEST_BYTES]


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """The record of a token that was given out."""

    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at


def _unknown() -> DomainError:
    return TokenUnknown("The evaluation token is not one that was given out.")
