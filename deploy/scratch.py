"""A stack of its own for a measurement or a demonstration: free ports, a directory that is thrown away afterwards."""

import asyncio
import contextlib
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.free_ports import free_ports
from deploy.settings import StackSettings
from deploy.stack import Stack, StopRequested
from shared.vocabulary import Service

SUPERVISE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """What a client of the stack needs."""

    stack: Stack
    urls: Mapping[Service, str]
    keys: Mapping[str, Any]


@contextlib.contextmanager
def scratch_directory(name: str, *, keep: bool = False) -> Iterator[Path]:
    """A short path, because Unix socket paths are; the servers' own user may pass through it."""
    directory = Path(tempfile.mkdtemp(prefix=f"mq-{name}-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def scratch_stack(directory: Path, city: Path | None, say: Callable[[str], None]) -> Iterator[Running]:
    """Start a whole stack below `directory` and stop it again however the body ends, SIGTERM included."""
    ports = dict(zip(Service, free_ports(len(Service)), strict=True))
    settings = StackSettings(
        data_dir=directory / "var", host="127.0.0.1", ports=ports, database_urls=None, redis_url=None, city=city
    )
    previous = signal.signal(signal.SIGTERM, _request_stop)
    stack = Stack(settings, say)
    stack.start()
    try:
        keys = json.loads(settings.keys_file.read_text(encoding="utf-8"))
        yield Running(stack, {service: settings.base_url(service) for service in Service}, keys)
    finally:
        stack.stop()
        signal.signal(signal.SIGTERM, previous)


@contextlib.asynccontextmanager
async def supervised(stack: Stack) -> AsyncIterator[None]:
    """Restart what dies while the body runs. In the loop's own thread: a child ends with the thread that started it."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(SUPERVISE_SECONDS)
            stack.tick()

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _request_stop(_signal: int, _frame: FrameType | None) -> None:
    raise StopRequested
