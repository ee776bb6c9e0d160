"""What each channel brings along besides the matter itself: the facts of the letter box, the window, the meeting."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.errors import FieldProblem
from shared.vocabulary import Channel


def problems_of(_channel: Channel, _details: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield what is wrong with the facts of a channel."""
    yield from ()
