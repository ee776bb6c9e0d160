"""Trace context (W3C `traceparent`) through requests, outbox rows and workers.

Identifiers always flow, so that logs of three services can be joined. Spans are made and exported only when an OTLP
endpoint is set; the SDK is not even imported otherwise.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from shared.observability.context import WorkContext, current_work, enter_work, leave_work

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16

log = structlog.get_logger(__name__)

_tracer: Any = None


def parse_traceparent(text: str | None) -> tuple[str, str] | None:
    """Return (trace id, span id), or None when the header is not valid."""
    if not text or len(text) > 128:
        return None
    match = _TRACEPARENT.fullmatch(text)
    if match is None or match[1] == "ff" or match[2] == _NO_TRACE or match[3] == _NO_SPAN:
        return None
    if match[1] == "00" and len(text) != 55:
        return None
    return match[2], match[3]


def new_ids() -> tuple[str, str]:
    """Return a fresh (trace id, span id)."""
    text = os.urandom(24).hex()
    return text[:32], text[32:]


def current_traceparent() -> str | None:
    """The trace the current work belongs to, to be stored with an event; None outside of any."""
    work = current_work()
    if work.trace_id is None or work.span_id is None:
        return None
    return f"00-{work.trace_id}-{work.span_id}-01"


@contextmanager
def start_span_from(traceparent: str | None, name: str, **identifiers: Any) -> Iterator[None]:
    """Run a block as part of the trace an event came with, or of a new one.

    `identifiers` (`appeal_id`, `event_id`) are bound to log lines and, when tracing is on, set on the span. Telemetry
    that fails never fails the block.
    """
    parent = parse_traceparent(traceparent)
    trace_id, span_id = new_ids()
    if parent is not None:
        trace_id = parent[0]
    span = begin_span(name, parent, identifiers) if _tracer is not None else None
    if span is not None:
        trace_id, span_id = span_ids(span)
    bound = {key: str(value) for key, value in identifiers.items() if value is not None}
    token = enter_work(WorkContext(trace_id=trace_id, span_id=span_id, **bound))
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        leave_work(token)
        if span is not None:
            end_span(span, failure)


def tracing_is_on() -> bool:
    return _tracer is not None


def configure_tracing(service: str, endpoint: str | None, *, exporter: Any = None) -> None:
    """Turn export on when there is an OTLP/HTTP endpoint (or an exporter, for tests); otherwise do nothing."""
    global _tracer  # noqa: PLW0603 - one tracer per process by nature
    if endpoint is None and exporter is None:
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=True)
        if exporter is not None:
            provider.add_span_processor(SimpleSpanProcessor(exporter))
        else:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        _tracer = provider.get_tracer("minqing")
    except Exception as error:  # noqa: BLE001 - a process runs without its telemetry
        log.warning("tracing_not_available", error=type(error).__name__)


def stop_tracing() -> None:
    """Flush what is left and turn tracing off."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        try:
            tracer.span_processor.shutdown()
        except Exception as error:  # noqa: BLE001
            log.warning("tracing_not_stopped", error=type(error).__name__)


def begin_span(name: str, parent: tuple[str, str] | None, attributes: dict[str, Any]) -> Any:
    """Start a span, or return None when tracing is off or fails."""
    if _tracer is None:
        return None
    try:
        from opentelemetry import trace

        context = None
        if parent is not None:
            remote = trace.SpanContext(
                int(parent[0], 16), int(parent[1], 16), is_remote=True, trace_flags=trace.TraceFlags(1)
            )
            context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        return _tracer.start_span(
            name, context=context, attributes={key: str(value) for key, value in attributes.items()}
        )
    except Exception:  # noqa: BLE001
        return None


def span_ids(span: Any) -> tuple[str, str]:
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def end_span(span: Any, failure: BaseException | None = None, **attributes: Any) -> None:
    """End a span; of a failure only the type is kept, for a message may quote what someone typed."""
    try:
        for key, value in attributes.items():
            span.set_attribute(key, value)
        if failure is not None:
            from opentelemetry.trace import Status, StatusCode

            span.set_status(Status(StatusCode.ERROR, type(failure).__name__))
        span.end()
    except Exception:  # noqa: BLE001, S110 - telemetry never fails the work
        pass
