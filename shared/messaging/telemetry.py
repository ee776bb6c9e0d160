"""What a worker tells of the events it applies: a span in the trace each came with, counts, and how late it was."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.events import EVENTS
from shared.messaging.drain import DrainObserver
from shared.observability.metrics import EVENT_LAG_SECONDS, EVENTS_APPLIED
from shared.observability.tracing import start_span_from
from shared.vocabulary import Service

_KNOWN = frozenset(event.TYPE for event in EVENTS)


class EventTelemetry(DrainObserver):
    """Metrics and traces of one consumer."""

    def __init__(self, consumer: Service) -> None:
        self._consumer = consumer.value

    def span(self, envelope: Envelope) -> AbstractContextManager[object]:
        return start_span_from(
            envelope.traceparent,
            f"apply {envelope.type}",
            appeal_id=str(envelope.subject),
            event_id=str(envelope.id),
        )

    def applied(self, envelopes: Sequence[Envelope], at: datetime) -> None:
        for envelope in envelopes:
            EVENTS_APPLIED.labels(self._consumer, _label(envelope.type), "applied").inc()
            lag = (at - envelope.time).total_seconds()
            EVENT_LAG_SECONDS.labels(envelope.source.value, self._consumer).observe(max(0.0, lag))

    def failed(self, event_type: str, *, dead: bool) -> None:
        EVENTS_APPLIED.labels(self._consumer, _label(event_type), "dead" if dead else "failed").inc()


def _label(event_type: str) -> str:
    """Labels are bounded: whatever no contract names is counted together."""
    return event_type if event_type in _KNOWN else "unknown"
