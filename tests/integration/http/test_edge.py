"""Request ids, headers, CORS, guards, health, metrics and the description, on a real uvicorn."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from deploy.embedded import RedisServer
from shared.identity.api_keys import revoke_key
from tests.integration.http.conftest import Probe
from tests.support.polling import eventually
from tests.support.probe_service import KEYS, add_key


async def test_a_valid_request_id_is_kept_and_any_other_replaced(probe: Probe) -> None:
    kept = await probe.client.get("/healthz", headers={"X-Request-ID": "desk-0042.abc"})
    assert kept.headers["x-request-id"] == "desk-0042.abc"
    for bad in ["short", "has space here", "x" * 200, "<script>alert(1)", "13800138000"]:
        replaced = (await probe.client.get("/healthz", headers={"X-Request-ID": bad})).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", replaced)


async def test_a_trace_is_continued(probe: Probe) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = await probe.client.get("/healthz", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

    assert reply.headers["x-request-id"] == trace


async def test_every_answer_carries_security_headers(probe: Probe) -> None:
    for path in ("/healthz", "/v1/nothing", "/v1/faults/crash", "/v1/notes"):
        headers = (await probe.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-frame-options"] == "DENY"


async def test_cors_admits_only_the_origins_of_the_setting(probe: Probe) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await probe.client.options("/v1/notes", headers={"Origin": "https://desk.example", **asked})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://desk.example"
    assert "Idempotency-Key" in allowed.headers["access-control-allow-headers"]
    foreign = await probe.client.options("/v1/notes", headers={"Origin": "https://evil.example", **asked})
    assert foreign.status_code == 405
    assert "access-control-allow-origin" not in foreign.headers
    plain = await probe.client.get("/healthz", headers={"Origin": "https://desk.example"})
    assert plain.headers["vary"] == "Origin"


async def test_no_credential_and_a_wrong_one_look_the_same(probe: Probe) -> None:
    wrong = probe.key[:-1] + ("A" if probe.key[-1] != "A" else "B")
    for header in [None, "", "Bearer", "Basic x", f"Bearer {wrong}", "Bearer mq_x", "Bearer a.b.c", "Bearer é"]:
        headers = [] if header is None else [(b"Authorization", header.encode("utf-8"))]
        reply = await probe.client.get("/v1/notes", headers=headers)
        assert reply.status_code == 401
        assert reply.json()["code"] == "unauthenticated"
        assert reply.headers["www-authenticate"].startswith("Bearer")


async def test_the_caller_is_checked_before_the_body_is_looked_at(probe: Probe) -> None:
    reply = await probe.client.post("/v1/notes", content=b"{", headers={"Content-Type": "application/json"})

    assert reply.status_code == 401


async def test_a_key_without_the_scope_is_forbidden_and_told_which_it_needs(probe: Probe) -> None:
    reader = await add_key(probe.database, probe.clock, "appeals:read")
    reply = await probe.client.post("/v1/notes", json={"text": "x"}, headers={"Authorization": f"Bearer {reader.text}"})

    assert reply.status_code == 403
    assert reply.json()["required_scopes"] == ["appeals:write"]


async def test_an_expired_key_is_refused_at_the_moment_it_expires(probe: Probe) -> None:
    key = await add_key(
        probe.database, probe.clock, "appeals:read", expires_at=probe.clock.now() + timedelta(minutes=5)
    )
    headers = {"Authorization": f"Bearer {key.text}"}
    assert (await probe.client.get("/v1/notes", headers=headers)).status_code == 200

    probe.clock.advance(timedelta(minutes=5))

    assert (await probe.client.get("/v1/notes", headers=headers)).status_code == 401


@pytest.mark.slow
async def test_a_revoked_key_stops_working_within_thirty_seconds_under_use(probe: Probe) -> None:
    assert (await probe.client.get("/v1/notes", headers=probe.headers)).status_code == 200
    prefix = probe.key.split("_")[1]
    await probe.database.transact(
        lambda uow: revoke_key(uow.connection, KEYS, prefix=prefix, at=uow.now - timedelta(seconds=1))
    )

    async def refused() -> bool:
        return (await probe.client.get("/v1/notes", headers=probe.headers)).status_code == 401

    acted: bool = await eventually(refused, timeout=29, interval=0.2)
    assert acted


async def test_last_use_is_recorded_outside_of_the_request(probe: Probe) -> None:
    await probe.client.get("/v1/notes", headers=probe.headers)
    await probe.app.state.identity.write_last_use()

    from shared.identity.api_keys import find_key

    prefix = probe.key.split("_")[1]
    record = await probe.database.transact(lambda uow: find_key(uow.connection, KEYS, prefix))
    assert record is not None
    assert record.last_used_at == probe.clock.now()


async def test_readiness_names_what_is_missing(probe: Probe, redis_server: RedisServer) -> None:
    ready = await probe.client.get("/readyz")
    assert ready.json() == {
        "status": "ready",
        "dependencies": {"database": "ok", "redis": "ok"},
        "missing": [],
    }
    redis_server.stop()
    degraded = await probe.client.get("/readyz")
    assert degraded.status_code == 200
    assert degraded.json()["status"] == "degraded"
    assert degraded.json()["missing"] == ["redis"]
    assert (await probe.client.get("/v1/notes", headers=probe.headers)).status_code == 200


async def test_readiness_is_a_problem_when_the_database_is_away(probe: Probe) -> None:
    async def fail() -> None:
        raise ConnectionError

    probe.app.state.required_checks["database"] = fail
    reply = await probe.client.get("/readyz")

    assert reply.status_code == 503
    assert reply.json()["missing"] == ["database"]
    assert reply.headers["retry-after"] == "1"
    assert (await probe.client.get("/healthz")).status_code == 200


async def test_metrics_are_by_route_template_on_a_real_server(probe: Probe) -> None:
    note_id = uuid4()
    await probe.client.get(f"/v1/notes/{note_id}", headers=probe.headers)
    await probe.client.get("/v1/nothing/13800138000")
    await probe.client.delete("/v1/notes")
    text = (await probe.client.get("/metrics")).text

    assert re.search(r'route="/v1/notes/\{note_id\}",service="intake",status="404"\}', text)
    assert 'route="unmatched"' in text
    assert str(note_id) not in text
    assert "13800138000" not in text


async def test_the_description_is_3_1_and_documents_problems_on_every_route(probe: Probe) -> None:
    reply = await probe.client.get("/openapi.json")
    document = reply.json()

    assert document["openapi"].startswith("3.1")
    assert document["components"]["schemas"]["Problem"]["required"]
    operations = [op for path in document["paths"].values() for op in path.values()]
    assert len({op["operationId"] for op in operations}) == len(operations)
    for operation in operations:
        assert operation["tags"]
        assert "503" in operation["responses"]
        if operation["security"]:
            assert {"401", "403", "422", "429"} <= set(operation["responses"])
    assert "HTTPValidationError" not in reply.text
    assert (await probe.client.get("/docs")).status_code == 404
