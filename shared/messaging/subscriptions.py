"""Which function applies which event in a consumer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from shared.contracts.envelope import Envelope, EventData
from shared.contracts.events import EVENT_BY_TYPE
from shared.contracts.topology import SUBSCRIBERS
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import Service

E = TypeVar("E", bound=EventData)

Apply = Callable[[UnitOfWork, Envelope, Any], Awaitable[None]]
ApplyMany = Callable[[UnitOfWork, Sequence[tuple[Envelope, Any]]], Awaitable[None]]


class UnknownEvent(Exception):
    """No handler for this type and version: kept, retried, and shown as a dead letter rather than dropped."""


class Subscriptions:
    """The handlers of one consumer. A handler writes through its unit of work only, and may be run again."""

    def __init__(self, consumer: Service) -> None:
        self.consumer = consumer
        self._apply: dict[tuple[str, int], Apply] = {}
        self._apply_many: dict[tuple[str, int], ApplyMany] = {}

    def on(
        self, event: type[E]
    ) -> Callable[
        [Callable[[UnitOfWork, Envelope, E], Awaitable[None]]],
        Callable[[UnitOfWork, Envelope, E], Awaitable[None]],
    ]:
        """Register the function that applies one event."""

        def register(
            function: Callable[[UnitOfWork, Envelope, E], Awaitable[None]],
        ) -> Callable[[UnitOfWork, Envelope, E], Awaitable[None]]:
            self._apply[(event.TYPE, event.VERSION)] = function
            return function

        return register

    def on_batch(
        self, event: type[E]
    ) -> Callable[
        [Callable[[UnitOfWork, Sequence[tuple[Envelope, E]]], Awaitable[None]]],
        Callable[[UnitOfWork, Sequence[tuple[Envelope, E]]], Awaitable[None]],
    ]:
        """Register a function that applies many events of one type, each of another appeal, all or none."""

        def register(
            function: Callable[[UnitOfWork, Sequence[tuple[Envelope, E]]], Awaitable[None]],
        ) -> Callable[[UnitOfWork, Sequence[tuple[Envelope, E]]], Awaitable[None]]:
            self._apply_many[(event.TYPE, event.VERSION)] = function
            return function

        return register

    async def apply(self, uow: UnitOfWork, envelope: Envelope) -> None:
        """Apply one event. Raises UnknownEvent, a validation error, or whatever the handler raises."""
        key = (envelope.type, envelope.version)
        handler = self._apply.get(key)
        if handler is None:
            raise UnknownEvent(f"{envelope.type} version {envelope.version}")
        await handler(uow, envelope, EVENT_BY_TYPE[key].model_validate(envelope.data))

    async def apply_many(self, uow: UnitOfWork, envelopes: Sequence[Envelope]) -> None:
        """Apply events of different appeals, using a batch handler per type where there is one."""
        by_type: dict[tuple[str, int], list[Envelope]] = {}
        for envelope in envelopes:
            by_type.setdefault((envelope.type, envelope.version), []).append(envelope)
        for key, group in by_type.items():
            batch = self._apply_many.get(key)
            if batch is None or len(group) == 1:
                for envelope in group:
                    await self.apply(uow, envelope)
            else:
                model = EVENT_BY_TYPE[key]
                await batch(uow, [(envelope, model.model_validate(envelope.data)) for envelope in group])

    def missing(self) -> list[str]:
        """Return the event types that are sent to this consumer and that it does not handle."""
        expected = {
            (event.TYPE, event.VERSION)
            for published in SUBSCRIBERS.values()
            for event, consumers in published.items()
            if self.consumer in consumers
        }
        return sorted(f"{kind} v{version}" for kind, version in expected - self._apply.keys())
