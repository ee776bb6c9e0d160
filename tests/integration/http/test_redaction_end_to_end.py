"""A phone number goes through a real service in every way it can and is found in no log, metric, trace or error."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.observability import tracing
from shared.observability.logging import configure_logging
from tests.integration.http.conftest import Probe

PHONE = "13800138000"
SPACED = "138 0013 8000"
IDENTITY = "410105199003078519"
MAIL = "zhang.san@example.com"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.configure_tracing("intake", None, exporter=exporter)
    yield exporter
    tracing.stop_tracing()


async def test_a_planted_phone_number_is_found_nowhere(
    probe: Probe, spans: InMemorySpanExporter, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging("intake", level="DEBUG")
    planted = f"{PHONE} {SPACED} {IDENTITY} {MAIL}"
    attempts = [
        ("POST", "/v1/notes", {"text": planted, "title": planted, "attributes": {PHONE: planted}}),
        ("POST", "/v1/notes", {"text": 5, PHONE: planted, "at": PHONE, "weight": planted}),
        ("GET", f"/v1/notes/{PHONE}", None),
        ("GET", f"/v1/nothing/{PHONE}?phone={PHONE}", None),
        ("GET", f"/v1/faults/crash?text={planted}", None),
        ("GET", f"/v1/faults/database?text={planted}", None),
        ("DELETE", f"/v1/notes/{PHONE}", None),
    ]
    seen = []
    for method, path, body in attempts:
        reply = await probe.client.request(
            method, path, json=body, headers={**probe.headers, "Idempotency-Key": PHONE, "User-Agent": MAIL}
        )
        if not reply.is_success:
            seen.append(reply.text + str(reply.headers))
    import logging

    import structlog

    structlog.get_logger().warning("free_text", note=f"call {planted}", nested={"phone": PHONE, "list": [planted]})
    logging.getLogger("some.library").error("cannot reach %s", planted)

    output = "".join(capfd.readouterr())
    seen += [output, (await probe.client.get("/metrics")).text]
    seen += [span.to_json() for span in spans.get_finished_spans()]
    everything = "\n".join(seen)

    assert "unhandled_exception" in output
    assert "free_text" in output
    assert len(spans.get_finished_spans()) >= len(attempts)
    for secret in (PHONE, SPACED, IDENTITY, MAIL, probe.key):
        assert secret not in everything
