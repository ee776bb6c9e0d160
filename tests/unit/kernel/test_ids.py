"""Identifiers sort by the time they were made, also within one millisecond and when the clock steps back."""

import time
from uuid import RFC_4122, UUID

import pytest

from shared.ids import uuid7


def test_an_id_is_a_version_7_uuid_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == RFC_4122
    # Ids made in a burst may run ahead of the clock by as many milliseconds as counters overflowed.
    assert before <= made.int >> 80 <= after + 5


def test_ids_made_in_a_burst_strictly_increase() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_still_increase_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    monkeypatch.setattr("shared.ids.time.time_ns", lambda: 1_000_000)
    assert uuid7() > first
    assert isinstance(first, UUID)
