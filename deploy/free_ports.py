"""Ports for a stack that runs beside others."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on now; all are held until the last is found, so they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
