"""The Prometheus metrics of every process, with bounded labels only: no id, no text, nothing a caller chooses.

Gauges that come from the database are registered as queries and refreshed when scraped, at most every few seconds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY: Final = CollectorRegistry(auto_describe=True)

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LAG: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0)

REQUEST_SECONDS: Final = Histogram(
    "minqing_http_request_duration_seconds",
    "Time to answer, by route template, method and status class.",
    ("service", "route", "method", "status"),
    buckets=_FAST,
    registry=REGISTRY,
)
REQUESTS_IN_FLIGHT: Final = Gauge(
    "minqing_http_requests_in_flight", "Requests being answered now.", ("service",), registry=REGISTRY
)
PROBLEMS: Final = Counter(
    "minqing_http_problems_total", "Problem documents sent, by code.", ("service", "code"), registry=REGISTRY
)
RATE_LIMITED: Final = Counter(
    "minqing_rate_limited_total", "Requests refused by the rate limit.", ("service",), registry=REGISTRY
)
RATE_LIMIT_FAIL_OPEN: Final = Counter(
    "minqing_rate_limit_fail_open_total",
    "Requests let through because Redis could not be asked.",
    ("service",),
    registry=REGISTRY,
)
IDEMPOTENT_REPLAYS: Final = Counter(
    "minqing_idempotent_replays_total", "Stored replies given again.", ("service",), registry=REGISTRY
)
EVENT_LAG_SECONDS: Final = Histogram(
    "minqing_event_lag_seconds",
    "From the producer's commit to the consumer's.",
    ("producer", "consumer"),
    buckets=_LAG,
    registry=REGISTRY,
)
EVENTS_APPLIED: Final = Counter(
    "minqing_events_applied_total",
    "Events a consumer dealt with, by type and outcome.",
    ("consumer", "type", "outcome"),
    registry=REGISTRY,
)
TIMER_LAG_SECONDS: Final = Histogram(
    "minqing_timer_lag_seconds", "From a timer's due time to its effect.", ("timer",), buckets=_LAG, registry=REGISTRY
)

OUTBOX_DEPTH: Final = "minqing_outbox_depth"
OUTBOX_AGE: Final = "minqing_outbox_oldest_seconds"
INBOX_PENDING: Final = "minqing_inbox_pending"
INBOX_DEAD: Final = "minqing_inbox_dead"
UNRECONCILED_OUT: Final = "minqing_unreconciled_out"
UNRECONCILED_IN: Final = "minqing_unreconciled_in"
OVERDUE_TICKETS: Final = "minqing_overdue_tickets"

LabelValues = tuple[str, ...]
GaugeQuery = Callable[[], Awaitable[Mapping[LabelValues, float]]]

_GAUGE_TTL: Final = 5.0
_GAUGE_TIMEOUT: Final = 3.0


class QueriedGauges:
    """Gauges of one application whose values are asked for when somebody looks."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gauges: list[tuple[Gauge, GaugeQuery]] = []
        self._monotonic = monotonic
        self._refreshed_at = float("-inf")
        self._lock = asyncio.Lock()
        self.registry = CollectorRegistry(auto_describe=True)

    def register(self, name: str, query: GaugeQuery, *, labels: tuple[str, ...] = (), help_text: str = "") -> None:
        """Add a gauge; `query` returns a value per tuple of label values, and should read little."""
        gauge = Gauge(
            name, help_text or name.removeprefix("minqing_").replace("_", " "), labels, registry=self.registry
        )
        self._gauges.append((gauge, query))

    async def refresh(self) -> None:
        """Ask every query again unless that was done moments ago; one that fails leaves its gauge without values."""
        async with self._lock:
            if self._monotonic() - self._refreshed_at < _GAUGE_TTL:
                return
            for gauge, query in self._gauges:
                await self._refresh_one(gauge, query)
            self._refreshed_at = self._monotonic()

    async def _refresh_one(self, gauge: Gauge, query: GaugeQuery) -> None:
        try:
            async with asyncio.timeout(_GAUGE_TIMEOUT):
                values = await query()
        except Exception as error:  # noqa: BLE001 - a metric never fails the process
            log.warning("gauge_not_refreshed", error=type(error).__name__)
            values = {} if gauge._labelnames else {(): float("nan")}
        gauge.clear()
        for labels, value in values.items():
            (gauge.labels(*labels) if labels else gauge).set(value)


_default_gauges = QueriedGauges()


def register_gauges(name: str, query: GaugeQuery, *, labels: tuple[str, ...] = (), help_text: str = "") -> None:
    """Register a queried gauge for this process's own exposition."""
    _default_gauges.register(name, query, labels=labels, help_text=help_text)


def serve_metrics(host: str, port: int) -> None:
    """Serve this process's metrics on a port of its own: for workers, which have no API. Runs in a daemon thread."""
    start_http_server(port, addr=host, registry=REGISTRY)


async def exposition(gauges: QueriedGauges | None = None) -> bytes:
    """All metrics of this process in the Prometheus text format."""
    text: bytes = generate_latest(REGISTRY)
    for source in (_default_gauges, gauges):
        if source is not None:
            await source.refresh()
            text += generate_latest(source.registry)
    return text
