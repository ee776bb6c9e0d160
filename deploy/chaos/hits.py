"""What a chaos run does to the system: each hit is sudden, on one part, and told by name."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from deploy.stack import Stack
from shared.vocabulary import Service

_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing to break."""

    name: str
    strike: Callable[[Stack], None]


def every_hit() -> Sequence[Hit]:
    """Each process killed with -9 in turn, then all at once with the server that forks them; Redis; PostgreSQL."""
    killed = [Hit(f"kill -9 {s.value}-{role}", _kill(f"{s.value}-{role}")) for role in _ROLES for s in Service]
    return [
        *killed,
        Hit("kill -9 all nine", _kill("forkserver")),
        Hit("FLUSHALL", _flush),
        Hit("kill -9 redis", _kill("redis")),
        Hit("redis restarts empty", _restart_redis_empty),
        Hit("kill -9 postgres", _kill("postgres")),
    ]


_ROLES = ("relay", "worker", "api")


def _kill(name: str) -> Callable[[Stack], None]:
    def strike(stack: Stack) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (pid := stack.process_ids().get(name)) is None:
            if time.monotonic() > deadline:
                raise LookupError(f"{name} does not run")
            stack.tick()
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):  # it died of an earlier hit at this very moment
            os.kill(pid, signal.SIGKILL)

    return strike


def _flush(stack: Stack) -> None:
    with contextlib.suppress(RedisError):  # a Redis that is just coming up has nothing to flush
        Redis.from_url(stack.redis_url).flushall()


def _restart_redis_empty(stack: Stack) -> None:
    """As when its disk is gone: killed, its files removed, then started by the supervisor."""
    _kill("redis")(stack)
    directory = stack.settings.data_dir / "redis"
    for path in directory.iterdir():
        if "appendonly" in path.name or path.suffix in {".rdb", ".aof"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
