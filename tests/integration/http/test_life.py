"""Start, stop and what flows through: graceful shutdown, traces into the outbox, dead letters over the API."""

import asyncio
import re
from datetime import timedelta

import httpx
import pytest
import uvicorn

from shared.http.app import create_service_app
from shared.http.routing import UnguardedRouteError
from shared.identity.authenticator import Authenticator
from shared.observability.metrics import QueriedGauges
from tests.integration.http.conftest import Probe
from tests.support.probe_service import KEYS, ProbeSettings, notes


async def test_a_request_in_flight_is_finished_before_the_server_stops(
    probe: Probe, probe_settings: ProbeSettings
) -> None:
    app = create_service_app(
        settings=probe_settings,
        title="Probe",
        database=probe.database,
        redis=None,
        identity=Authenticator(probe.database, KEYS, probe.clock),
        routers=[notes],
        state={"gate": asyncio.Event(), "entered": asyncio.Event()},
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None)
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{socket.getsockname()[1]}", timeout=10) as client:
        slow = asyncio.create_task(client.post("/v1/notes/slow", json={"text": "last"}, headers=probe.headers))
        await asyncio.wait_for(app.state.entered.wait(), 10)
        server.should_exit = True
        app.state.gate.set()

        assert (await slow).status_code == 201
    await asyncio.wait_for(serving, 10)


async def test_a_route_added_later_keeps_the_server_from_starting(probe: Probe, probe_settings: ProbeSettings) -> None:
    app = create_service_app(
        settings=probe_settings,
        title="Probe",
        database=probe.database,
        redis=None,
        identity=Authenticator(probe.database, KEYS, probe.clock),
        routers=[],
    )

    async def open_door() -> dict[str, str]:
        return {}

    app.get("/v1/open-door")(open_door)
    with pytest.raises(UnguardedRouteError, match="open-door"):
        async with app.router.lifespan_context(app):
            raise AssertionError("started")


async def test_a_route_added_while_running_is_denied(probe: Probe) -> None:
    async def open_door() -> dict[str, str]:
        return {}

    probe.app.get("/v1/open-door")(open_door)

    assert (await probe.client.get("/v1/open-door", headers=probe.headers)).status_code == 403


async def test_registered_gauges_are_asked_when_scraped_and_not_again_at_once(probe: Probe) -> None:
    gauges: QueriedGauges = probe.app.state.gauges
    asked = 0

    async def depth() -> dict[tuple[str, ...], float]:
        nonlocal asked
        asked += 1
        return {("dispatch",): 7.0}

    async def broken() -> dict[tuple[str, ...], float]:
        raise ConnectionError

    gauges.register("minqing_test_depth", depth, labels=("peer",))
    gauges.register("minqing_test_broken", broken)
    first = (await probe.client.get("/metrics")).text
    second = (await probe.client.get("/metrics")).text

    assert 'minqing_test_depth{peer="dispatch"} 7.0' in first
    assert "minqing_test_depth" in second
    assert asked == 1
    assert not re.search(r"^minqing_test_broken \d", first, re.MULTILINE)


async def test_a_client_that_goes_away_does_no_harm(probe: Probe) -> None:
    with pytest.raises(httpx.TimeoutException):
        await probe.client.post(
            "/v1/notes/slow",
            json={"text": "gone"},
            headers=probe.headers,
            timeout=httpx.Timeout(5, read=timedelta(milliseconds=300).total_seconds()),
        )
    probe.app.state.gate.set()

    assert (await probe.client.get("/v1/notes", headers=probe.headers)).status_code == 200
