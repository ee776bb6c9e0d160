"""The envelope every event travels in, close to CloudEvents 1.0: who says what about which appeal, in which order."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.vocabulary import Service


class EventData(BaseModel):
    """Base of every event's payload. Frozen; unknown fields are ignored so that a contract may grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1


class Envelope(BaseModel):
    """One event on one edge.

    `subject` is the appeal's id. `sequence` counts from 1 without gaps per producer, consumer and subject; a consumer
    applies events of a subject strictly in that order. `time` is when it happened, not when it was sent.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: str = Field(max_length=80)
    version: int = Field(ge=1)
    source: Service
    subject: UUID
    time: AwareDatetime
    sequence: int = Field(ge=1)
    traceparent: str | None = None
    data: dict[str, Any]
