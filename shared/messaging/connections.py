"""A process's connections, made from its service's settings: the database with its outbox, and Redis for hints."""

from datetime import timedelta

from redis.asyncio import Redis

from shared.clock import Clock
from shared.db.engine import Database
from shared.messaging.outbox import Outbox
from shared.messaging.wake import Wake
from shared.observability.tracing import current_traceparent
from shared.settings import ServiceSettings


def connect_redis(settings: ServiceSettings) -> Redis:
    """Return a client for hints and limits; nothing is connected yet."""
    client: Redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_connect_timeout=2,
        socket_timeout=None,
        health_check_interval=30,
    )
    return client


def connect_database(  # noqa: PLR0913 - all keyword-only, each one part of a process
    settings: ServiceSettings,
    *,
    process: str,
    wake: Wake,
    clock: Clock,
    statement_timeout: timedelta,
    pool_size: int,
    waits_for_disk: bool = True,
) -> Database:
    """Return the service's database, with its outbox as the place where published events go."""
    service = settings.SERVICE
    return Database.connect(
        settings.database_url.get_secret_value(),
        schema=service.value,
        application_name=f"minqing-{service.value}-{process}",
        clock=clock,
        sink=Outbox(service, wake, trace=current_traceparent),
        statement_timeout=statement_timeout,
        pool_size=pool_size,
        waits_for_disk=waits_for_disk,
    )
