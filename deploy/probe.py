"""A health check for containers without curl: `python -m deploy.probe URL` ends with 0 when the URL answers 200."""

import http.client
import sys
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 4.0


def answers(url: str) -> bool:
    """Return whether a GET of this http URL is answered with 200 in time."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if len(sys.argv) == 2 and answers(sys.argv[1]) else 1)
