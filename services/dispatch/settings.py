"""Settings of the dispatch service."""

from typing import ClassVar

from pydantic import Field

from shared.settings import ServiceSettings
from shared.vocabulary import Service


class Settings(ServiceSettings):
    """Read from DISPATCH_… and MINQING_… variables."""

    SERVICE: ClassVar[Service] = Service.DISPATCH

    port: int = Field(default=8002, ge=1, le=65535)
    timer_sweep_seconds: float = Field(default=1.0, ge=0.05, le=60)
    timer_sweep_batch: int = Field(default=200, ge=1, le=5_000)
    pull_poll_seconds: float = Field(default=1.0, ge=0.1, le=10)
