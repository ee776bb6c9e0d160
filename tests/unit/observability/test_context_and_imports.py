"""Trace context flows without an exporter; background processes do not carry the web framework or an exporter."""

import json
import subprocess
import sys

import pytest

from shared.observability.context import bind, current_work
from shared.observability.logging import describe_exception, redact
from shared.observability.tracing import current_traceparent, parse_traceparent, start_span_from

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_work_continues_the_trace_an_event_came_with() -> None:
    assert current_traceparent() is None
    with start_span_from(PARENT, "apply", appeal_id="a-1", event_id="e-1"):
        inner = current_traceparent()
        assert inner is not None
        assert inner.split("-")[1] == PARENT.split("-")[1]
        assert inner.split("-")[2] != PARENT.split("-")[2]
        assert current_work().appeal_id == "a-1"
        bind(appeal_id="a-2")
        assert current_work().appeal_id == "a-2"
    assert current_traceparent() is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "rubbish",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        PARENT + "-extra",
        PARENT.upper(),
        "x" * 500,
    ],
)
def test_a_traceparent_that_is_not_valid_starts_a_new_trace(header: str | None) -> None:
    assert parse_traceparent(header) is None
    with start_span_from(header, "apply"):
        assert parse_traceparent(current_traceparent()) is not None


def test_a_failure_passes_through_a_span() -> None:
    with pytest.raises(KeyError), start_span_from(None, "apply"):
        raise KeyError
    assert current_traceparent() is None


def test_an_exception_is_described_by_types_and_places_without_its_message() -> None:
    try:
        try:
            raise ValueError("call 13800138000")
        except ValueError as cause:
            raise RuntimeError("for zhang.san@example.com") from cause
    except RuntimeError as error:
        described = describe_exception(error)

    assert "builtins.RuntimeError" in described
    assert "caused by builtins.ValueError" in described
    assert "test_context_and_imports.py" in described
    assert "13800138000" not in described
    assert "example.com" not in described


def test_log_values_are_masked_at_any_depth_and_secrets_go_by_name() -> None:
    event = redact(
        None,
        "info",
        {
            "event": "called 13800138000",
            "receipt_number": "13800138000",
            "authorization": "Bearer mq_x",
            "nested": {"list": [{"phone": 1, "text": "0374-2334567"}], "token": "t"},
            "number": 13800138000,
            "count": 5,
        },
    )

    assert event["event"] == "called [phone]"
    assert event["receipt_number"] == "13800138000"
    assert event["authorization"] == "[secret]"
    assert event["nested"] == {"list": [{"phone": "[secret]", "text": "[phone]"}], "token": "[secret]"}
    assert event["number"] == "[phone]"
    assert event["count"] == 5


def test_background_processes_import_neither_the_web_framework_nor_an_exporter() -> None:
    script = (
        "import sys, json; import shared.observability.logging, shared.observability.metrics, "
        "shared.observability.tracing, shared.observability.redaction, shared.settings; "
        "print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))"
    )
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout))

    assert not loaded & {"fastapi", "starlette", "opentelemetry", "httpx", "sqlalchemy", "cryptography"}
