"""Settings of the intake service: the common ones, and the master key of its vault."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, SecretStr

from services.intake.domain.acceptance import AcceptanceTerms
from services.intake.domain.supplements import PaperTerms
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
    accept_p1_minutes: float = Field(default=5, gt=0, le=10_080)
    accept_p2_minutes: float = Field(default=15, gt=0, le=10_080)
    accept_spoken_minutes: float = Field(default=15, gt=0, le=10_080)
    accept_written_minutes: float = Field(default=120, gt=0, le=10_080)
    supplement_days: float = Field(default=14, ge=1, le=60)
    supplement_reminder_days: float = Field(default=3, ge=0.1, le=30)
    term_sweep_seconds: float = Field(default=5.0, ge=0.05, le=3600)
    term_sweep_batch: int = Field(default=200, ge=1, le=5_000)

    @property
    def acceptance_terms(self) -> AcceptanceTerms:
        return AcceptanceTerms(
            p1=timedelta(minutes=self.accept_p1_minutes),
            p2=timedelta(minutes=self.accept_p2_minutes),
            spoken=timedelta(minutes=self.accept_spoken_minutes),
            written=timedelta(minutes=self.accept_written_minutes),
        )

    @property
    def paper_terms(self) -> PaperTerms:
        return PaperTerms(timedelta(days=self.supplement_days), timedelta(days=self.supplement_reminder_days))

    @property
    def term_sweep_every(self) -> timedelta:
        return timedelta(seconds=self.term_sweep_seconds)

    @property
    def earlier_keys(self) -> tuple[str, ...]:
        return tuple(self.earlier_master_keys.get_secret_value().split())
