"""A refused body is read to its end, and not beyond: there is nothing more to come, only a client that waits."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.http.requests import BoundedRequest, discard_rest


def request_of(pieces: Sequence[bytes]) -> tuple[BoundedRequest, list[Any]]:
    """A request whose body comes in pieces, and what is left of them; asking beyond the end is a failure."""
    left = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, start=1)
    ]

    async def receive() -> Any:
        assert left, "asked for more than there is"
        return left.pop(0)

    return BoundedRequest({"type": "http", "method": "POST", "headers": [], "path": "/"}, receive, 1_000), left


@pytest.mark.parametrize("pieces", [[b"all of it"], [b"some", b"and", b"the rest"]])
async def test_the_rest_of_a_body_is_read_once(pieces: Sequence[bytes]) -> None:
    request, left = request_of(pieces)
    stream = aiter(request.stream())
    assert await anext(stream) == pieces[0]

    await discard_rest(request)

    assert left == []
