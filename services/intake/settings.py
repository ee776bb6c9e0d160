"""Settings of the intake service: the common ones, and the master key of its vault."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings
from shared.vocabulary import Service


class Settings(ServiceSettings):
    """`MINQING_MASTER_KEY` is needed: without it no personal data could be kept.

    `MINQING_EARLIER_MASTER_KEYS` (space-separated) keeps older records readable after the key was changed.
    """

    SERVICE: ClassVar[Service] = Service.INTAKE

    port: int = Field(default=8001, ge=1, le=65535)
    master_key: SecretStr = Field(min_length=32)
    earlier_master_keys: SecretStr = SecretStr("")
    track_attempts: int = Field(default=20, ge=1, le=10_000)
    track_window_seconds: int = Field(default=900, ge=1, le=86_400)

    @property
    def earlier_keys(self) -> tuple[str, ...]:
        return tuple(self.earlier_master_keys.get_secret_value().split())
