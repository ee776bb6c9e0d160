"""Turns an `Authorization` header into a principal, whichever kind of credential it holds."""

import asyncio
import contextlib
from datetime import timedelta

import sqlalchemy as sa
import structlog

from shared.clock import Clock
from shared.db.engine import Database
from shared.identity.api_keys import ApiKeyRecord, find_key, record_use
from shared.identity.key_ring import KeyRing
from shared.identity.principal import Principal, Unauthenticated
from shared.identity.tokens import TokenVerifier
from shared.settings import ServiceSettings

_LONGEST_CREDENTIAL = 8_192
_USE_WRITTEN_EVERY = timedelta(seconds=20)

log = structlog.get_logger(__name__)


class Authenticator:
    """Verifies API keys against the service's own table and, when OIDC is set up, tokens against the issuer's keys."""

    def __init__(
        self, database: Database, table: sa.Table, clock: Clock, *, tokens: TokenVerifier | None = None
    ) -> None:
        self._database = database
        self.table = table
        self._tokens = tokens
        self.keys = KeyRing(self._find, clock)

    @classmethod
    def from_settings(
        cls, settings: ServiceSettings, database: Database, table: sa.Table, clock: Clock
    ) -> "Authenticator":
        return cls(database, table, clock, tokens=TokenVerifier.from_settings(settings, clock))

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return who calls. Raises Unauthenticated, or Unavailable when the credential cannot be checked now."""
        if not authorization:
            raise Unauthenticated
        scheme, _, credential = authorization.partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential or len(credential) > _LONGEST_CREDENTIAL:
            raise Unauthenticated(challenge='Bearer error="invalid_request"')
        try:
            if credential.startswith("mq_"):
                return await self.keys.verify(credential)
            if self._tokens is not None:
                return await self._tokens.verify(credential)
        except Unauthenticated as refusal:
            refusal.challenge = 'Bearer error="invalid_token"'
            raise
        raise Unauthenticated(challenge='Bearer error="invalid_token"')

    async def run(self, stop: asyncio.Event) -> None:
        """Write the keys' last use from time to time, outside of any request, until `stop` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _USE_WRITTEN_EVERY.total_seconds())
            await self.write_last_use()

    async def write_last_use(self) -> None:
        """Store what was used since the last call; a failure costs nothing but a later date."""
        used = self.keys.take_used()
        if not used:
            return
        try:
            await self._database.transact(lambda uow: record_use(uow.connection, self.table, used))
        except Exception as error:  # noqa: BLE001 - bookkeeping must not end the process
            self.keys.give_back(used)
            log.warning("key_use_not_recorded", error=type(error).__name__)

    async def close(self) -> None:
        if self._tokens is not None:
            await self._tokens.close()

    async def _find(self, prefix: str) -> ApiKeyRecord | None:
        return await self._database.transact(lambda uow: find_key(uow.connection, self.table, prefix), read_only=True)
