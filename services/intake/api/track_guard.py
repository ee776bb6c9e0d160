"""Keeps access codes from being guessed: after some failures a receipt number rests, whoever asks.

Failures are counted in Redis for all processes together; when Redis is away each process counts alone.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.intake.domain.receipts import normalise_receipt_number
from shared.http.rate_limits import TooManyRequests

log = structlog.get_logger(__name__)

_CAPACITY: Final = 20_000
_LONGEST_KEY: Final = 40


class TrackGuard:
    """At most `attempts` failures per receipt number inside `window_seconds`."""

    def __init__(
        self,
        redis: "Redis | None",
        *,
        attempts: int,
        window_seconds: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._attempts = attempts
        self._window = window_seconds
        self._monotonic = monotonic
        self._local: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, receipt_number: str) -> None:
        """Raise TooManyRequests while the number rests. Costs a look into a dictionary."""
        held = self._local.get(_key(receipt_number))
        if held is None:
            return
        failures, until = held
        left = until - self._monotonic()
        if failures >= self._attempts and left > 0:
            raise TooManyRequests(retry_after_seconds=math.ceil(left), limit=self._attempts)

    async def count_failure(self, receipt_number: str) -> None:
        """Count a failure; the number rests once there are too many."""
        key = _key(receipt_number)
        now = self._monotonic()
        failures, until = self._local.get(key, (0, 0.0))
        failures, until = (failures + 1, until) if until > now else (1, now + self._window)
        everywhere = await self._count_everywhere(key)
        self._local[key] = (max(failures, everywhere), until)
        self._local.move_to_end(key)
        while len(self._local) > _CAPACITY:
            self._local.popitem(last=False)

    async def _count_everywhere(self, key: str) -> int:
        if self._redis is None:
            return 0
        redis: Any = self._redis
        name = f"minqing:track:{key}"
        try:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.set(name, 0, ex=self._window, nx=True)
                pipe.incr(name)
                _, count = await pipe.execute()
            return int(count)
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            log.warning("track_failures_counted_alone", error=type(error).__name__)
            return 0


def _key(receipt_number: str) -> str:
    return normalise_receipt_number(receipt_number)[:_LONGEST_KEY]
