"""Waiting for something to become true, with a deadline: the tests' only way to wait."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEFAULT_TIMEOUT_SECONDS = 10.0
INTERVAL_SECONDS = 0.02


def eventually_sync(
    predicate: Callable[[], T],
    *,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    interval: float = INTERVAL_SECONDS,
) -> T:
    """Call `predicate` until what it returns is true and return that.

    An AssertionError counts as "not yet"; at the deadline the last one, or the last value, is reported.
    """
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = predicate()
            if value:
                return value
        except AssertionError as error:
            failure = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not so within {timeout} s; last: {failure or value!r}") from failure
        time.sleep(interval)


async def eventually(
    predicate: Callable[[], T | Awaitable[T]],
    *,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,  # noqa: ASYNC109 - a deadline over many calls, not of one
    interval: float = INTERVAL_SECONDS,
) -> T:
    """The same for async code; `predicate` may be a plain or an async function."""
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            answer = predicate()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
        except AssertionError as error:
            failure = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not so within {timeout} s; last: {failure or value!r}") from failure
        await asyncio.sleep(interval)
