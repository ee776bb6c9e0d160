"""Verifies OpenID Connect access tokens (JWT) against the issuer's published keys.

The algorithm is fixed by the *key*, never by the token: `none`, an HMAC made with a public key, and a key of another
type are refused before any signature is computed.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import jwt

from shared.clock import Clock
from shared.errors import Unavailable
from shared.identity.principal import Principal, Unauthenticated
from shared.identity.scopes import ALL_SCOPES
from shared.settings import ServiceSettings

_ALGORITHM_OF_KEY: Final[Mapping[tuple[str, str | None], str]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
_REQUIRED_CLAIMS: Final = ("exp", "nbf", "iss", "aud", "sub")
_FRESH_FOR: Final = 300.0
_TRUSTED_WHILE_AWAY: Final = 3_600.0
_REFRESH_AT_MOST_EVERY: Final = 10.0
_FETCH_TIMEOUT: Final = 3.0
_LARGEST_KEY_SET: Final = 262_144
_LEEWAY_SECONDS: Final = 30
_MOST_KEYS: Final = 50
_SHORTEST_RSA: Final = 2048


class TokenVerifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(  # noqa: PLR0913 - all keyword-only
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str,
        clock: Clock,
        claims: ClaimMapping,
        client: httpx.AsyncClient | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._claims = claims
        self._keys = _KeySet(jwks_url, client or httpx.AsyncClient(timeout=_FETCH_TIMEOUT), monotonic)

    @classmethod
    def from_settings(cls, settings: ServiceSettings, clock: Clock) -> TokenVerifier | None:
        """Return a verifier, or None when OIDC is not set up."""
        if not (settings.oidc_issuer and settings.oidc_audience and settings.oidc_jwks_url):
            return None
        return cls(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            jwks_url=settings.oidc_jwks_url,
            clock=clock,
            claims=ClaimMapping(settings.oidc_scopes_claim, settings.oidc_department_claim, settings.oidc_scope_map),
        )

    async def verify(self, token: str) -> Principal:
        """Return the token's principal. Raises Unauthenticated, or Unavailable when no key could be fetched yet."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Unauthenticated from error
        key_id = header.get("kid")
        if not isinstance(key_id, str) or header.get("crit") is not None:
            raise Unauthenticated
        key = await self._keys.get(key_id)
        if key is None or header.get("alg") != key.algorithm_name:
            raise Unauthenticated
        return self._claims.principal(self._decode(token, key), self._issuer)

    async def close(self) -> None:
        await self._keys.close()

    def _decode(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        """Check signature, issuer and audience by the library, the times by our own clock."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": list(_REQUIRED_CLAIMS),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            now = self._clock.now().timestamp()
            if _number(claims["exp"]) + _LEEWAY_SECONDS <= now or _number(claims["nbf"]) - _LEEWAY_SECONDS > now:
                raise Unauthenticated
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unauthenticated from error
        return claims


class ClaimMapping:
    """Which claims say what a person may do. Unknown scopes are dropped, never an error."""

    def __init__(
        self, scopes_claim: str, department_claim: str, scope_map: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._scopes_claim = scopes_claim
        self._department_claim = department_claim
        self._scope_map = scope_map or {}

    def principal(self, claims: Mapping[str, Any], issuer: str) -> Principal:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise Unauthenticated
        department = claims.get(self._department_claim)
        if department is not None and (not isinstance(department, str) or not 1 <= len(department) <= 64):
            raise Unauthenticated
        return Principal(
            id=f"{issuer}#{subject}",
            kind="jwt",
            name=subject,
            scopes=self._scopes(claims.get(self._scopes_claim)),
            department_code=department,
            actor=f"user:{subject}",
        )

    def _scopes(self, value: Any) -> frozenset[str]:
        words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        granted: set[str] = set()
        for word in words:
            if isinstance(word, str):
                granted.update(self._scope_map.get(word, (word,)))
        return frozenset(granted & ALL_SCOPES)


class _KeySet:
    """The issuer's signing keys, fetched lazily, refreshed when old or when a token names an unknown key."""

    def __init__(self, url: str, client: httpx.AsyncClient, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._client = client
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        now = self._monotonic()
        key = self._keys.get(key_id)
        if key is not None and now - self._fetched_at <= _FRESH_FOR:
            return key
        async with self._lock:
            if self._may_refresh(key_id):
                await self._refresh()
        age = self._monotonic() - self._fetched_at
        if age > _TRUSTED_WHILE_AWAY:
            raise Unavailable("The identity provider cannot be reached.", retry_after_seconds=5)
        return self._keys.get(key_id)

    async def close(self) -> None:
        await self._client.aclose()

    def _may_refresh(self, key_id: str) -> bool:
        now = self._monotonic()
        wanted = key_id not in self._keys or now - self._fetched_at > _FRESH_FOR
        return wanted and now - self._tried_at >= _REFRESH_AT_MOST_EVERY

    async def _refresh(self) -> None:
        self._tried_at = self._monotonic()
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT):
                document = await self._fetch()
        except (httpx.HTTPError, ValueError, TimeoutError):
            return
        keys = _usable_keys(document)
        if keys:
            self._keys = keys
            self._fetched_at = self._monotonic()

    async def _fetch(self) -> Any:
        async with self._client.stream("GET", self._url, headers={"Accept": "application/json"}) as response:
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_KEY_SET:
                    raise ValueError("the key set is too large")
        return httpx.Response(200, content=bytes(body)).json()


def _usable_keys(document: Any) -> dict[str, jwt.PyJWK]:
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return {}
    found: dict[str, jwt.PyJWK] = {}
    for entry in entries[:_MOST_KEYS]:
        key = _usable_key(entry)
        if key is not None:
            found[str(key.key_id)] = key
    return found


def _usable_key(entry: Any) -> jwt.PyJWK | None:
    """A signature key of an allowed type with a name, tied to that type's one algorithm; else None."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    kind = entry.get("kty")
    algorithm = _ALGORITHM_OF_KEY.get((str(kind), None if kind == "RSA" else entry.get("crv")))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm=algorithm)
    except jwt.PyJWTError:
        return None
    if kind == "RSA" and getattr(key.key, "key_size", 0) < _SHORTEST_RSA:
        return None
    return key


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a NumericDate is a number")
    if not math.isfinite(value):
        raise ValueError("a NumericDate is finite")
    return float(value)
