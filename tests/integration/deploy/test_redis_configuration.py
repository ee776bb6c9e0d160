"""The Redis configuration that ships is one a real server accepts and acts on."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from deploy.embedded.redis import server_binary
from tests.unit.house.repository import ROOT

CONFIGURATION = ROOT / "deploy" / "redis" / "redis.conf"
PATIENCE_SECONDS = 10.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A server with the shipped configuration, on a socket of its own instead of a port."""
    socket = tmp_path / "redis.sock"
    process = subprocess.Popen(
        [server_binary(), CONFIGURATION, "--port", "0", "--unixsocket", socket, "--dir", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    client: Redis = Redis(unix_socket_path=str(socket))
    try:
        await_answer(client, process)
        yield client
    finally:
        client.close()
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def await_answer(client: Redis, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output, _ = process.communicate()
            pytest.fail(f"redis-server refused the configuration: {output.decode()}")
        try:
            if client.ping():
                return
        except RedisConnectionError:
            time.sleep(0.01)
    pytest.fail("redis-server did not answer")


def setting(server: Redis, name: str) -> str:
    told = cast("dict[str, str]", server.config_get(name))
    return told[name]


def test_a_server_accepts_the_configuration_and_never_evicts(server: Redis) -> None:
    assert setting(server, "maxmemory-policy") == "noeviction"
    assert setting(server, "appendonly") == "yes"
    assert setting(server, "appendfsync") == "everysec"
    assert int(setting(server, "maxmemory")) > 0


def test_what_is_queued_reaches_the_append_only_file(server: Redis, tmp_path: Path) -> None:
    server.rpush("arq:queue", b"a hint")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(b"a hint" in path.read_bytes() for path in tmp_path.rglob("*.aof*") if path.is_file()):
        assert time.monotonic() < deadline, "nothing was appended"
        time.sleep(0.01)
