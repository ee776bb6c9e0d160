"""Every error is a problem document with a code, on a real server, and none of them quotes what was sent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import sqlalchemy as sa

from shared.db.unit_of_work import UnitOfWork
from tests.integration.http.conftest import Probe
from tests.support.polling import eventually

PHONE = "13800138000"


def assert_problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:minqing:problem:{code}"
    assert body["title"]
    assert body["request_id"] == reply.headers["x-request-id"]
    return body


async def post(probe: Probe, content: bytes | str, kind: str = "application/json") -> httpx.Response:
    return await probe.client.post("/v1/notes", content=content, headers={**probe.headers, "Content-Type": kind})


NOT_JSON = [
    b"{",
    b"",
    b'{"text": NaN}',
    b'{"text": Infinity}',
    b'{"text": "\\ud800"}',
    b'{"text": "\xff"}',
    b'{"text": "a\x01b"}',
    b"\xef\xbb\xbf{}",
    b"[" * 20_000,
]
BREAKS_A_RULE = [
    '{"text": "a\\u0000b"}',
    '{"text": "a\\u0007b"}',
    '{"text": "a\\u0085b"}',
    '{"text": "ok", "title": "two\\nlines"}',
    '{"text": "ok", "attributes": {"k": ["deep\\u0000"]}}',
    '{"text": "ok", "attributes": {"k\\u0000": 1}}',
    '{"text": "   "}',
    '{"text": 5}',
    '{"text": "ok", "weight": "5"}',
    '{"text": "ok", "weight": true}',
    '{"text": "ok", "weight": 1.5}',
    '{"text": "ok", "unknown": 1}',
    '{"text": "ok", "at": "2026-03-02T09:00:00"}',
    '{"text": "ok", "at": "2026-03-02"}',
    '{"text": "ok", "at": 1700000000}',
    '{"text": "ok", "at": "1700000000"}',
    '{"text": "ok", "at": "0001-01-01T00:00:00+14:00"}',
    '{"text": "ok", "at": "9999-12-31T23:59:59-12:00"}',
    "[]",
    "null",
    '"text"',
]


async def test_a_body_that_is_not_json_is_malformed_and_never_a_failure(probe: Probe) -> None:
    for body in NOT_JSON:
        reply = await post(probe, body)
        assert reply.status_code == (400 if body else 422), body
        assert reply.headers["content-type"] == "application/problem+json"


async def test_input_that_breaks_a_rule_is_refused_with_reasons(probe: Probe) -> None:
    for body in BREAKS_A_RULE:
        problem = assert_problem(await post(probe, body), 422, "invalid_input")
        assert problem.get("errors") or problem["detail"], body


async def test_fields_are_named_by_pointer_with_what_is_allowed(probe: Probe) -> None:
    problem = assert_problem(await post(probe, '{"title": "%s", "weight": "x"}' % ("t" * 101)), 422, "invalid_input")

    errors = {error["field"]: error for error in problem["errors"]}
    assert set(errors) == {"/text", "/title", "/weight"}
    assert errors["/text"]["message"] == "is required"
    assert errors["/title"]["allowed"] == {"max_length": 100}


async def test_values_that_were_sent_are_never_quoted(probe: Probe) -> None:
    reply = await post(probe, f'{{"text": 5, "weight": "{PHONE}", "at": "{PHONE}", "{PHONE}": "{PHONE}"}}')

    assert_problem(reply, 422, "invalid_input")
    assert PHONE not in reply.text


async def test_text_is_stripped_normalised_and_its_line_ends_unified(probe: Probe) -> None:
    reply = await post(probe, '{"text": "  cafe\\u0301\\r\\nline\\t2  "}')

    assert reply.json()["text"] == "café\nline\t2"


async def test_a_body_of_another_type_is_refused(probe: Probe) -> None:
    assert_problem(await post(probe, "text=1", "application/x-www-form-urlencoded"), 415, "unsupported_media_type")
    assert_problem(await post(probe, "{}", "text/plain"), 415, "unsupported_media_type")


async def test_a_large_body_is_refused_by_its_length(probe: Probe) -> None:
    assert_problem(await post(probe, '{"text": "%s"}' % ("x" * 60_000)), 413, "body_too_large")


async def test_a_large_body_is_refused_while_it_streams_without_a_length(probe: Probe) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10_000):
            sent += 10_000
            yield b"x" * 10_000
            await asyncio.sleep(0)

    try:
        reply = await probe.client.post(
            "/v1/notes", content=endless(), headers={**probe.headers, "Content-Type": "application/json"}
        )
    except httpx.TransportError:
        assert sent < 50_000_000  # the server answered and closed while we were still writing
    else:
        assert_problem(reply, 413, "body_too_large")


async def test_unknown_paths_and_methods(probe: Probe) -> None:
    assert_problem(await probe.client.get("/v1/nothing"), 404, "not_found")
    reply = await probe.client.delete("/v1/notes", headers=probe.headers)
    assert_problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, POST"


async def test_a_path_parameter_of_wrong_form_is_invalid(probe: Probe) -> None:
    problem = assert_problem(await probe.client.get("/v1/notes/nope", headers=probe.headers), 422, "invalid_input")

    assert problem["errors"][0]["in"] == "path"


async def test_an_illegal_move_names_the_state_and_the_allowed_moves(probe: Probe) -> None:
    reply = await probe.client.post(f"/v1/notes/{uuid4()}/archive", headers=probe.headers)

    problem = assert_problem(reply, 409, "illegal_move")
    assert problem["state"] == "written"
    assert problem["allowed_moves"] == ["delete", "edit"]


async def test_if_match_decides_and_never_fails(probe: Probe) -> None:
    made = (await post(probe, '{"text": "v1"}')).json()
    path, body = f"/v1/notes/{made['id']}", {"text": "v2"}

    async def put(tag: str) -> httpx.Response:
        return await probe.client.put(path, json=body, headers={**probe.headers, "If-Match": tag})

    for stale in ['"v9"', 'W/"v1"', '"other"', '"v0"', '"v99999999999999999999"', '"1"']:
        assert_problem(await put(stale), 412, "stale_version")
    for malformed in ["v1", '"v1', "", '"v1" "v2"', '"' * 99, '"v1",', "null"]:
        assert_problem(await put(malformed), 400, "malformed_header")
    assert (await put('"v7", "v1"')).json()["version"] == 2
    assert (await put("*")).json()["version"] == 3
    reply = await probe.client.get(path, headers=probe.headers)
    assert reply.headers["etag"] == '"v3"'


async def test_an_unforeseen_failure_says_nothing_but_its_request_id(probe: Probe) -> None:
    reply = await probe.client.get("/v1/faults/crash", params={"text": PHONE})

    assert_problem(reply, 500, "internal_error")
    assert PHONE not in reply.text
    assert "RuntimeError" not in reply.text


async def test_a_refused_statement_is_a_failure_that_shows_no_sql(probe: Probe) -> None:
    reply = await probe.client.get("/v1/faults/database", params={"text": PHONE})

    assert_problem(reply, 500, "internal_error")
    assert PHONE not in reply.text
    assert "CAST" not in reply.text


async def test_a_database_that_cuts_the_connection_is_unavailable(probe: Probe) -> None:
    stalled = asyncio.create_task(probe.client.get("/v1/faults/stall"))

    async def cut(uow: UnitOfWork) -> int:
        statement = sa.text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE query LIKE 'SELECT pg_sleep%' AND usename = current_user AND state = 'active'"
        )
        return int((await uow.connection.execute(statement)).scalar_one())

    async def connections_cut() -> int:
        return await probe.database.transact(cut)

    cut_off: int = await eventually(connections_cut)
    assert cut_off == 1
    reply = await stalled

    assert_problem(reply, 503, "unavailable")
    assert reply.headers["retry-after"] == "1"


async def test_a_statement_over_its_time_is_unavailable(probe: Probe) -> None:
    await probe.database.transact(_shorten_statements)

    reply = await probe.client.get("/v1/faults/stall", timeout=20)

    assert_problem(reply, 503, "unavailable")


async def _shorten_statements(uow: UnitOfWork) -> None:
    """The pool hands out the connection used last, so the next request gets the short time-out."""
    await uow.connection.execute(sa.text("SET SESSION statement_timeout = 200"))
