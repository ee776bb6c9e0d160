"""A unit test that opens a socket is not a unit test: here it fails at once, saying so."""

import socket
from typing import Any, NoReturn

import pytest

_CALLS = ("connect", "connect_ex", "bind", "sendto")


class SocketUsedError(AssertionError):
    """A unit test tried to talk to something."""


def block_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection until the test ends; the event loop's own socket pair still works."""

    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise SocketUsedError("unit tests do no I/O: this test belongs into tests/integration")

    for call in _CALLS:
        monkeypatch.setattr(socket.socket, call, refuse, raising=False)
