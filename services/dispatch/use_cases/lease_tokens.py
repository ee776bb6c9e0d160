"""Lease tokens: shown once to the puller, kept as a hash."""

import hashlib
import hmac
import secrets

_BYTES = 24


def new_token() -> str:
    """Return a fresh token."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(token: str) -> str:
    """Return what is stored of a token; it has enough entropy of its own to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, token_hash: str | None) -> bool:
    """Compare in constant time; nothing matches a ticket without a lease."""
    return token_hash is not None and hmac.compare_digest(hash_of(token), token_hash)
