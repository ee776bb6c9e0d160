"""Rate limits per caller, shared between processes through Redis, without a round trip per request.

A process leases tokens from the shared bucket in small chunks and spends them locally. When Redis is away requests
pass (a limit protects the service; it must not be what breaks it) and a metric says so.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import DomainError
from shared.observability.metrics import RATE_LIMIT_FAIL_OPEN, RATE_LIMITED

log = structlog.get_logger(__name__)

_REDIS_TIMEOUT: Final = 0.25
_AVOID_REDIS_FOR: Final = 1.0
_CAPACITY: Final = 20_000
_LEASE_LASTS: Final = 1.0

_TAKE: Final = """
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
local at = tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return {granted, tostring(tokens)}
"""


class TooManyRequests(DomainError):
    """The caller's share is used up for now."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, *, retry_after_seconds: int, limit: int) -> None:
        super().__init__("The rate limit of this credential is used up; wait and try again.")
        self.retry_after_seconds = retry_after_seconds
        self.headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(retry_after_seconds),
        }


@dataclass(slots=True)
class _Lease:
    tokens: int = 0
    until: float = 0.0
    refused_until: float = 0.0
    retry_at: float = 0.0
    lock: asyncio.Lock | None = None


class RateLimiter:
    """A token bucket per caller: `burst` at once, `per_second` in the long run; a rate of 0 means no limit."""

    def __init__(
        self,
        redis: "Redis | None",
        *,
        service: str,
        per_second: float,
        burst: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._service = service
        self._rate = per_second
        self._burst = burst
        self._chunk = max(1, min(burst // 20, math.ceil(per_second / 4) or 1, 200))
        self._monotonic = monotonic
        self._leases: OrderedDict[str, _Lease] = OrderedDict()
        self._redis_away_until = 0.0
        self._fail_open = RATE_LIMIT_FAIL_OPEN.labels(service)
        self._refused = RATE_LIMITED.labels(service)

    @property
    def is_on(self) -> bool:
        return self._redis is not None and self._rate > 0

    async def take(self, caller: str) -> None:
        """Spend one token of `caller`. Raises TooManyRequests when there is none."""
        if self._redis is None or self._rate <= 0:
            return
        lease = self._lease_of(caller)
        now = self._monotonic()
        if lease.tokens > 0 and now < lease.until:
            lease.tokens -= 1
            return
        if now < lease.refused_until:
            self._refuse(lease.retry_at - now)
        await self._renew(caller, lease)

    def _lease_of(self, caller: str) -> _Lease:
        lease = self._leases.get(caller)
        if lease is None:
            lease = self._leases[caller] = _Lease()
            while len(self._leases) > _CAPACITY:
                self._leases.popitem(last=False)
        return lease

    async def _renew(self, caller: str, lease: _Lease) -> None:
        """Lease a chunk; requests of the same caller that arrive meanwhile wait for it instead of asking again."""
        if lease.lock is None:
            lease.lock = asyncio.Lock()
        async with lease.lock:
            now = self._monotonic()
            if lease.tokens > 0 and now < lease.until:
                lease.tokens -= 1
                return
            if now < self._redis_away_until:
                self._fail_open.inc()
                return
            answer = await self._ask(caller)
            now = self._monotonic()
            if answer is None:
                self._redis_away_until = now + _AVOID_REDIS_FOR
                self._fail_open.inc()
                return
            granted, left = answer
            if granted >= 1:
                lease.tokens, lease.until = granted - 1, now + _LEASE_LASTS
                return
            wait = max(0.0, (1.0 - left) / self._rate)
            lease.refused_until, lease.retry_at = now + min(wait, 0.1), now + wait
        self._refuse(wait)

    async def _ask(self, caller: str) -> tuple[int, float] | None:
        """Take up to a chunk from the shared bucket: (granted, tokens left), or None when Redis does not answer."""
        redis: Any = self._redis
        try:
            async with asyncio.timeout(_REDIS_TIMEOUT):
                key = f"minqing:rate:{self._service}:{caller}"
                granted, left = await redis.eval(_TAKE, 1, key, self._rate, self._burst, self._chunk)
            return int(granted), float(left)
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            log.warning("rate_limit_not_checked", error=type(error).__name__)
            return None

    def _refuse(self, wait: float) -> None:
        self._refused.inc()
        raise TooManyRequests(retry_after_seconds=max(1, math.ceil(wait)), limit=self._burst)
