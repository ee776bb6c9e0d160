"""Bad input is refused with a problem that names the field, and changes nothing."""

from typing import Any

import pytest

from shared.ids import uuid7
from tests.integration.feedback.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

REACHED = {"outcome": "reached", "resolved": True, "satisfaction": 5}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"outcome": "reached", "satisfaction": 5}, "/reached/resolved"),
        ({"outcome": "reached", "resolved": None}, "/reached/resolved"),
        ({"outcome": "reached", "resolved": "yes"}, "/reached/resolved"),
        ({"outcome": "reached", "resolved": 1}, "/reached/resolved"),
        ({**REACHED, "satisfaction": 0}, "/reached/satisfaction"),
        ({**REACHED, "satisfaction": 6}, "/reached/satisfaction"),
        ({**REACHED, "satisfaction": "5"}, "/reached/satisfaction"),
        ({**REACHED, "satisfaction": True}, "/reached/satisfaction"),
        ({**REACHED, "mood": "fine"}, "/reached/mood"),
        ({**REACHED, "comment": "x" * 2001}, "/reached/comment"),
        ({**REACHED, "comment": "bell \u0007"}, "/reached/comment"),
        ({"outcome": "no_answer", "resolved": True}, "/no_answer/resolved"),
        ({"outcome": "refused", "satisfaction": 1}, "/refused/satisfaction"),
        ({"outcome": "hung_up"}, ""),
        ({}, ""),
        ([], ""),
    ],
)
async def test_a_bad_attempt_is_refused_and_stores_nothing(shared_desk: Desk, body: Any, field: str) -> None:
    appeal = await shared_desk.awaiting()
    callback = await shared_desk.callback(appeal)

    answer = await shared_desk.client.post(
        f"/v1/callbacks/{callback['id']}/attempts", json=body, headers=shared_desk.headers
    )

    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert (await shared_desk.callback(appeal))["attempts"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"resolved": True, "satisfaction": 5},
        {"token": "", "resolved": True, "satisfaction": 5},
        {"token": "x" * 201, "resolved": True, "satisfaction": 5},
        {"token": "x", "satisfaction": 5},
        {"token": "x", "resolved": True},
        {"token": "x", "resolved": True, "satisfaction": 9},
        {"token": 7, "resolved": True, "satisfaction": 5},
        {"token": "x", "resolved": True, "satisfaction": 5, "appeal_id": str(uuid7())},
    ],
)
async def test_a_bad_evaluation_is_refused(shared_desk: Desk, body: dict[str, Any]) -> None:
    answer = await shared_desk.client.post("/v1/evaluations", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("raw", [b'{"outcome":', b'{"outcome": "\\ud800"}', b"\xff\xfe", b"NaN"])
async def test_what_is_not_json_is_malformed(shared_desk: Desk, raw: bytes) -> None:
    headers = {**shared_desk.headers, "Content-Type": "application/json"}

    answer = await shared_desk.client.post(f"/v1/callbacks/{uuid7()}/attempts", content=raw, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    "query",
    [
        {"status": "late"},
        {"appeal_id": "7"},
        {"due_before": "2026-03-02T09:00:00"},
        {"due_before": "yesterday"},
        {"limit": 0},
        {"limit": 201},
        {"cursor": "xyz"},
        {"cursor": "WzEsMl0"},
        {"department_code": "a b"},
    ],
)
async def test_a_bad_filter_is_refused(shared_desk: Desk, query: dict[str, Any]) -> None:
    answer = await shared_desk.get("/v1/callbacks", params=query)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_a_callback_that_does_not_exist_is_not_found(shared_desk: Desk) -> None:
    assert (await shared_desk.attempt(str(uuid7()), outcome="refused")).status_code == 404
    assert (await shared_desk.get(f"/v1/callbacks/{uuid7()}")).status_code == 404
    assert (await shared_desk.get("/v1/callbacks/not-a-uuid")).status_code == 422
