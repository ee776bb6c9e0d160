"""One running stack for the end-to-end tests of a test process, started as a person starts it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.city_client import CityClient
from tests.support.stack import RunningStack, environment


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The whole system, ready; tests leave it as they would like to find it."""
    base = Path(tempfile.mkdtemp(prefix="mq-"))
    try:
        with RunningStack(environment(base / "var")) as running:
            yield running.start()
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def city(stack: RunningStack) -> Iterator[CityClient]:
    """Everybody who calls the system, each with their own key."""
    with CityClient({service: stack.url(service) for service in CityClient.SERVICES}, stack.keys()) as client:
        yield client
