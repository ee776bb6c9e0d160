"""The rate limit: shared by processes through a real Redis, open when Redis is away, cheap when there is room."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from deploy.embedded import RedisServer
from shared.clock import ManualClock
from shared.http.rate_limits import RateLimiter, TooManyRequests
from shared.observability.metrics import RATE_LIMIT_FAIL_OPEN
from tests.integration.http.conftest import start_probe
from tests.support.probe_service import ProbeSettings


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    client: Redis = Redis.from_url(redis_url)
    yield client
    await client.aclose()


def limiter(redis: "Redis", *, per_second: float, burst: int) -> RateLimiter:
    return RateLimiter(redis, service="intake", per_second=per_second, burst=burst)


async def taken(limits: RateLimiter, caller: str, attempts: int) -> int:
    """How many of so many attempts pass."""
    passed = 0
    for _ in range(attempts):
        try:
            await limits.take(caller)
            passed += 1
        except TooManyRequests:
            pass
    return passed


async def test_a_caller_gets_the_burst_and_then_waits(redis: "Redis") -> None:
    limits = limiter(redis, per_second=0.01, burst=40)

    assert await taken(limits, "one", 100) == 40
    with pytest.raises(TooManyRequests) as refusal:
        await limits.take("one")
    assert 90 <= refusal.value.retry_after_seconds <= 101
    assert refusal.value.headers["RateLimit-Limit"] == "40"


async def test_two_processes_share_the_bucket_and_callers_do_not(redis: "Redis") -> None:
    first, second = (limiter(redis, per_second=0.01, burst=40) for _ in range(2))

    passed = await asyncio.gather(taken(first, "one", 60), taken(second, "one", 60))

    assert 38 <= sum(passed) <= 40
    assert await taken(first, "two", 10) == 10


async def test_tokens_are_leased_in_chunks_and_not_asked_for_one_by_one(redis: "Redis") -> None:
    limits = limiter(redis, per_second=1_000, burst=2_000)
    before = (await redis.info("commandstats")).get("cmdstat_eval", {}).get("calls", 0)

    assert await taken(limits, "one", 1_000) == 1_000

    after = (await redis.info("commandstats"))["cmdstat_eval"]["calls"]
    assert after - before <= 15


async def test_without_redis_requests_pass_and_a_metric_says_so(redis: "Redis", redis_server: RedisServer) -> None:
    limits = limiter(redis, per_second=0.01, burst=1)
    counter = RATE_LIMIT_FAIL_OPEN.labels("intake")
    before = counter._value.get()
    redis_server.stop()

    assert await taken(limits, "one", 50) == 50
    assert counter._value.get() - before == 50


async def test_a_rate_of_zero_means_no_limit(redis: "Redis") -> None:
    assert await taken(limiter(redis, per_second=0, burst=1), "one", 100) == 100


async def test_over_the_limit_the_service_answers_429_with_when_to_come_back(
    probe_settings: ProbeSettings, manual_clock: ManualClock
) -> None:
    settings = probe_settings.model_copy(update={"rate_limit_per_second": 0.01, "rate_limit_burst": 2})
    async for probe in start_probe(settings, manual_clock):
        statuses = [(await probe.client.get("/v1/notes", headers=probe.headers)).status_code for _ in range(3)]
        reply = await probe.client.get("/v1/notes", headers=probe.headers)

        assert statuses == [200, 200, 429]
        assert reply.json()["code"] == "rate_limited"
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.headers["ratelimit-remaining"] == "0"
        assert (await probe.client.get("/healthz")).status_code == 200
