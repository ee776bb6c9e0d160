"""Puts a service's API process together from its settings: database, Redis, hints, identity, gauges, telemetry.

So that `services/<s>/main.py` only names what is its own: title, tables, routers.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI

from shared.clock import Clock, SystemClock
from shared.db.engine import Database
from shared.http.app import Hook, create_service_app
from shared.http.dead_letters import dead_letter_router
from shared.http.dialects import Dialect
from shared.http.health import Check
from shared.identity.authenticator import Authenticator
from shared.identity.tables import api_key_table
from shared.messaging.connections import connect_database, connect_redis
from shared.messaging.gauges import FlowFigures, flow_figures
from shared.messaging.wake import RedisWake, Wake
from shared.observability import metrics
from shared.observability.logging import configure_logging
from shared.observability.metrics import LabelValues, QueriedGauges
from shared.observability.tracing import configure_tracing
from shared.settings import ServiceSettings

_FIGURES: Final[Mapping[str, str]] = {
    metrics.OUTBOX_DEPTH: "outbox_depth",
    metrics.OUTBOX_AGE: "outbox_oldest_seconds",
    metrics.INBOX_PENDING: "inbox_pending",
    metrics.INBOX_DEAD: "inbox_dead",
    metrics.UNRECONCILED_OUT: "unreconciled_out",
    metrics.UNRECONCILED_IN: "unreconciled_in",
}


def assemble_service(  # noqa: PLR0913 - all keyword-only, each one part of a service
    settings: ServiceSettings,
    *,
    title: str,
    metadata: sa.MetaData,
    routers: Sequence[APIRouter],
    description: str = "",
    readiness: Mapping[str, Check] | None = None,
    lifespan: Sequence[Hook] = (),
    gauges: QueriedGauges | None = None,
    clock: Clock | None = None,
    state: Mapping[str, Any] | None = None,
    receives: Sequence[str] = (),
    dialects: Sequence[Dialect] = (),
) -> FastAPI:
    """Return the service's application; nothing is connected before it starts.

    The dead-letter routes are added. `app.state.wake` is the service's `Wake`; `receives` are the topics, as glob
    patterns, that its code listens to. `gauges` may hold the service's own.
    """
    clock = clock or SystemClock()
    redis = connect_redis(settings)
    wake = RedisWake(redis, receives)
    database = connect_database(
        settings,
        process="api",
        wake=wake,
        clock=clock,
        statement_timeout=settings.statement_timeout,
        pool_size=settings.pool_size,
    )
    gauges = gauges or QueriedGauges()
    register_flow_gauges(gauges, database)
    return create_service_app(
        settings=settings,
        title=title,
        description=description,
        database=database,
        redis=redis,
        identity=Authenticator.from_settings(settings, database, api_key_table(metadata), clock),
        routers=[*routers, dead_letter_router()],
        readiness=readiness,
        lifespan=[_telemetry, _hints, *lifespan],
        gauges=gauges,
        clock=clock,
        state={"wake": wake, **(state or {})},
        dialects=dialects,
    )


def register_flow_gauges(gauges: QueriedGauges, database: Database) -> None:
    """Show the message flow of one service: one query for all gauges each time they are refreshed."""
    figures = _Shared(database)
    for name, figure in _FIGURES.items():
        gauges.register(name, figures.reader(figure), labels=("service", "peer"))


class _Shared:
    """The figures of one refresh, read once by the first gauge and used by the others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._figures: FlowFigures | None = None
        self._wanted: set[str] = set()

    def reader(self, figure: str) -> metrics.GaugeQuery:
        async def read() -> Mapping[LabelValues, float]:
            if self._figures is None or figure not in self._wanted:
                self._figures = None
                self._figures = await flow_figures(self._database)
                self._wanted = set(_FIGURES.values())
            self._wanted.discard(figure)
            values: Mapping[str, float] = getattr(self._figures, figure)
            return {(self._database.schema, peer): float(value) for peer, value in values.items()}

        return read


@asynccontextmanager
async def _telemetry(app: FastAPI) -> AsyncIterator[None]:
    settings: ServiceSettings = app.state.settings
    configure_logging(settings.SERVICE.value, level=settings.log_level, json_lines=settings.log_format == "json")
    configure_tracing(settings.SERVICE.value, settings.otlp_endpoint)
    yield


@asynccontextmanager
async def _hints(app: FastAPI) -> AsyncIterator[None]:
    wake: Wake = app.state.wake
    if isinstance(wake, RedisWake):
        wake.start()
    try:
        yield
    finally:
        if isinstance(wake, RedisWake):
            await wake.stop()
