"""The harness itself: unit tests are cut off from the network, polling gives up at its deadline and says why."""

import asyncio
import socket

import pytest

from tests.support.network import SocketUsedError
from tests.support.polling import eventually, eventually_sync


def test_unit_test_cannot_connect() -> None:
    with socket.socket() as client, pytest.raises(SocketUsedError):
        client.connect(("127.0.0.1", 9))


async def test_unit_test_cannot_connect_through_the_event_loop() -> None:
    with pytest.raises(SocketUsedError):
        await asyncio.open_connection("127.0.0.1", 9)


def test_polling_returns_the_first_true_value() -> None:
    values = iter([None, 0, "found"])
    assert eventually_sync(lambda: next(values), interval=0) == "found"


async def test_polling_reports_the_last_assertion_at_the_deadline() -> None:
    def never() -> bool:
        raise AssertionError("three are missing")

    with pytest.raises(AssertionError, match="three are missing"):
        await eventually(never, timeout=0.05)
