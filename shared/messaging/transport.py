"""The port that carries hints between services. Whatever is behind it may lose, repeat or reorder them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.contracts.envelope import Envelope
from shared.vocabulary import Service


@dataclass(frozen=True, slots=True)
class Ack:
    """What a consumer has stored durably: event ids of one producer."""

    consumer: Service
    event_ids: Sequence[UUID]


class Transport(Protocol):
    """Sends batches; raises TransportDown when it cannot."""

    async def deliver(self, consumer: Service, envelopes: Sequence[bytes]) -> None:
        """Hint `consumer` at a batch of envelopes, each already JSON."""

    async def acknowledge(self, producer: Service, ack: Ack) -> None:
        """Tell `producer` what has been stored."""

    async def backlog(self, consumer: Service) -> int:
        """Return how many batches wait for `consumer`; a full queue is not fed further."""


class TransportDown(Exception):
    """The transport cannot take anything right now; the outbox keeps it."""


class MessageReceiver(Protocol):
    """What a worker does with what arrives."""

    async def receive(self, envelopes: Sequence[Envelope]) -> None: ...

    async def acknowledged(self, ack: Ack) -> None: ...
