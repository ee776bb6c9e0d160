"""A figure that misses its bar is called short, whichever direction is better; nothing is hidden."""

import io
import json
import math

import pytest
from rich.console import Console

from deploy.bench.http_load import percentile, request_bytes
from deploy.bench.report import Better, Figure, Findings, median_figure, print_findings
from deploy.bench.routing import routing_figure


@pytest.mark.parametrize(
    ("value", "bar", "better", "verdict"),
    [
        (300, 300, "higher", "ok"),
        (299, 300, "higher", "short"),
        (30, 30, "lower", "ok"),
        (31, 30, "lower", "short"),
        (1, None, "higher", ""),
        (math.nan, 30, "lower", "short"),
        (math.nan, 30, "higher", "short"),
    ],
)
def test_the_verdict_follows_the_bar(value: float, bar: float | None, better: Better, verdict: str) -> None:
    assert Figure("x", value, "/s", bar, better).verdict == verdict


def test_a_figure_is_the_median_of_its_rounds_and_keeps_them() -> None:
    figure = median_figure("x", [3.0, 9.0, 4.0], "/s")

    assert (figure.value, figure.rounds) == (4.0, (3.0, 9.0, 4.0))


def test_short_figures_stand_in_the_table_and_in_the_document() -> None:
    findings = Findings(circumstances={"load_before": [4.0]})
    findings.add([Figure("rate", 12.0, "/s", 300, rounds=(12.0,)), Figure("gone", math.nan, "ms")])
    output = io.StringIO()
    print_findings(Console(file=output, width=120), findings)

    assert "short" in output.getvalue()
    assert "busy before the run" in output.getvalue()
    rate, gone = json.loads(json.dumps(findings.document(), allow_nan=False))["figures"]
    assert (rate["verdict"], gone["value"]) == ("short", None)


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.99, 100), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value
    assert math.isnan(percentile([], share))


def test_a_prepared_request_is_whole() -> None:
    request = request_bytes("POST", "/v1/x", "mq_key", {"a": "é"}, "Idempotency-Key: 1\r\n")
    head, body = request.split(b"\r\n\r\n")

    assert head.splitlines()[0] == b"POST /v1/x HTTP/1.1"
    assert b"Authorization: Bearer mq_key" in head.splitlines()
    assert f"Content-Length: {len(body)}".encode() in head.splitlines()
    assert json.loads(body) == {"a": "é"}


def test_routing_is_measured_round_by_round() -> None:
    figure = routing_figure(1)

    assert len(figure.rounds) == 1
    assert 0 < figure.value < 10_000
