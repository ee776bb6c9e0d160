"""Verifies API keys without a query per request, yet so that a revoked key stops working within seconds.

Known keys are held for `KNOWN_FOR`, unknown prefixes, apart from them, for `UNKNOWN_FOR`; both caches are bounded.
While the database is away a key that was verified before is trusted a little longer, never beyond the 30 s in which a
revocation must act.
"""

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.clock import Clock
from shared.identity.api_keys import ApiKeyRecord, split_key
from shared.identity.principal import Principal, Unauthenticated

KNOWN_FOR: Final = 10.0
TRUSTED_WHILE_AWAY: Final = 25.0
UNKNOWN_FOR: Final = 5.0
_CAPACITY: Final = 10_000
_USE_NOTED_EVERY: Final = 60.0
_LOOKUPS_AT_ONCE: Final = 3  # a flood of made-up keys must not take all connections from those who work
_NO_KEY: Final = hashlib.sha256(b"no such key").digest()

FindKey = Callable[[str], Awaitable[ApiKeyRecord | None]]


@dataclass(slots=True)
class _Entry:
    record: ApiKeyRecord | None
    principal: Principal | None
    loaded_at: float
    use_noted_at: float = float("-inf")


class KeyRing:
    """Verifies keys of one service. `find` reads a key by prefix; `monotonic` tells durations."""

    def __init__(self, find: FindKey, clock: Clock, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, _Entry] = OrderedDict()
        self._lookups = asyncio.Semaphore(_LOOKUPS_AT_ONCE)
        self._loading: dict[str, asyncio.Task[_Entry]] = {}
        self._used: dict[UUID, datetime] = {}

    async def verify(self, text: str) -> Principal:
        """Return the key's principal.

        Raises Unauthenticated for anything that is not a valid key now; which of the reasons it was is not told.
        """
        parts = split_key(text)
        if parts is None:
            raise Unauthenticated
        prefix, secret = parts
        entry = self._known.get(prefix) or self._unknown.get(prefix)
        now = self._monotonic()
        if entry is None or now - entry.loaded_at > (KNOWN_FOR if entry.record else UNKNOWN_FOR):
            entry = await self._load(prefix, entry)
        record = entry.record
        digest = record.secret_sha256 if record is not None else _NO_KEY
        matches = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), digest)
        if not matches or record is None or entry.principal is None:
            raise Unauthenticated
        moment = self._clock.now()
        if not record.is_valid_at(moment):
            raise Unauthenticated
        if now - entry.use_noted_at >= _USE_NOTED_EVERY:
            entry.use_noted_at = now
            self._used[record.id] = moment
        return entry.principal

    @property
    def size(self) -> int:
        """How many prefixes are remembered; never more than twice the capacity."""
        return len(self._known) + len(self._unknown)

    def take_used(self) -> dict[UUID, datetime]:
        """Hand over what `record_use` should write; at most one entry per key and minute."""
        used, self._used = self._used, {}
        return used

    def give_back(self, used: dict[UUID, datetime]) -> None:
        """Keep for the next attempt what could not be written."""
        for key, moment in used.items():
            self._used.setdefault(key, moment)

    async def _load(self, prefix: str, stale: _Entry | None) -> _Entry:
        """Read a key once for all requests that wait for it."""
        task = self._loading.get(prefix)
        if task is None:
            task = asyncio.create_task(self._read(prefix, stale))
            self._loading[prefix] = task
            task.add_done_callback(lambda _: self._loading.pop(prefix, None))
        return await asyncio.shield(task)

    async def _read(self, prefix: str, stale: _Entry | None) -> _Entry:
        started = self._monotonic()
        try:
            async with self._lookups:
                record = await self._find(prefix)
        except Exception:
            if stale is not None and stale.record is not None and started - stale.loaded_at <= TRUSTED_WHILE_AWAY:
                return stale
            raise
        entry = _Entry(record, record.principal() if record else None, started)
        if stale is not None:
            entry.use_noted_at = stale.use_noted_at
        cache, other = (self._known, self._unknown) if record else (self._unknown, self._known)
        other.pop(prefix, None)
        cache[prefix] = entry
        cache.move_to_end(prefix)
        while len(cache) > _CAPACITY:
            cache.popitem(last=False)
        return entry
