"""Hints over Redis pub/sub that there is something to do now. Losing one costs a polling interval, never an event."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_PREFIX = "minqing:wake:"
_RECONNECT_SECONDS = 0.5
_PUBLISH_TIMEOUT_SECONDS = 1.0


class Listener:
    """Waits for a topic's signals; several signals before a wait count as one."""

    def __init__(self, on_close: "Wake | None", topic: str) -> None:
        self._event = asyncio.Event()
        self._wake = on_close
        self.topic = topic

    def notify(self) -> None:
        self._event.set()

    async def wait(self, timeout_seconds: float) -> bool:
        """Return True as soon as the topic was signalled since the last wait, False after the time-out."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._wake is not None:
            self._wake.forget(self)


class Wake(Protocol):
    """Signals topics and listens to them, over whatever carries hints between processes."""

    def signal(self, topic: str) -> None: ...

    def listen(self, topic: str) -> Listener: ...

    def forget(self, listener: Listener) -> None: ...


class LocalWake:
    """Hints inside one process; also what remains of a wake when there is no Redis."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = defaultdict(set)

    def signal(self, topic: str) -> None:
        for listener in tuple(self._listeners.get(topic, ())):
            listener.notify()

    def listen(self, topic: str) -> Listener:
        listener = Listener(self, topic)
        self._listeners[topic].add(listener)
        return listener

    def forget(self, listener: Listener) -> None:
        listeners = self._listeners.get(listener.topic)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[listener.topic]


class RedisWake(LocalWake):
    """Hints between processes. `signal` neither waits nor raises: one background task publishes what has gathered."""

    def __init__(self, redis: Redis, receives: Sequence[str] = ("*",)) -> None:
        """`receives` are the topics this process may listen to, as glob patterns; none means it only signals."""
        super().__init__()
        self._patterns = [_PREFIX + topic for topic in receives]
        self._redis = redis
        self._gathered: set[str] = set()
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def signal(self, topic: str) -> None:
        self._gathered.add(topic)
        self._something.set()

    def start(self) -> None:
        """Begin publishing and receiving; call once, inside the running loop."""
        self._tasks = [asyncio.create_task(self._publish_forever(), name="wake-publish")]
        if self._patterns:
            self._tasks.append(asyncio.create_task(self._receive_forever(), name="wake-receive"))

    async def stop(self) -> None:
        """End both tasks; hints not yet published are dropped, as any hint may be."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _publish_forever(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            topics, self._gathered = self._gathered, set()
            try:
                async with asyncio.timeout(_PUBLISH_TIMEOUT_SECONDS):
                    if len(topics) == 1:
                        await self._redis.publish(_PREFIX + topics.pop(), b"")
                        continue
                    async with self._redis.pipeline(transaction=False) as pipe:
                        for topic in topics:
                            pipe.publish(_PREFIX + topic, b"")
                        await pipe.execute()
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("wake.publish_failed", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _receive_forever(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.psubscribe(*self._patterns)
                    async for message in pubsub.listen():
                        channel: bytes = message["channel"]
                        super().signal(channel.decode().removeprefix(_PREFIX))
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("wake.receive_failed", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)


def relay_topic(service: str) -> str:
    """Signalled when a service's outbox has something to send."""
    return f"relay:{service}"
