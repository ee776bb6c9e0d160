"""Settings of the intake service: the common ones, and the master key of its vault."""

from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from services.intake.attachment_settings import AttachmentSettings
from services.intake.domain.acceptance import AcceptanceTerms
from services.intake.domain.retention import RetentionPolicy
from services.intake.domain.supplements import PaperTerms
from shared.settings import ServiceSettings
from shared.vocabulary import Service


class Settings(AttachmentSettings, ServiceSettings):
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

    suggestion_accept_at: float = Field(default=0.95, ge=0.5, le=1)

    retention_person_days: float = Field(default=1_095, ge=1, le=36_500)
    retention_report_identity_days: float = Field(default=365, ge=1, le=36_500)
    retention_body_days: float = Field(default=3_650, ge=1, le=36_500)
    retention_recording_days: float = Field(default=730, ge=1, le=36_500)
    retention_sweep_seconds: float = Field(default=3_600, ge=0.05, le=86_400)

    session_grace_hours: float = Field(default=24.0, ge=0, le=2_160)
    building_report_due_day: int = Field(default=5, ge=1, le=28)

    open311_jurisdictions: tuple[str, ...] = ()
    open311_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/\S*)?$")
    open311_contact: str = "Turn to the city's hotline."
    open311_key_service: str = "Ask the city's hotline for an API key."
    open311_appeal_type: Literal["help", "complaint"] = "help"
    open311_answer: Literal["id", "token"] = "id"
    open311_hidden_categories: tuple[str, ...] = ()
    open311_rate_limit_per_second: float = Field(default=100.0, ge=0, le=1_000_000)
    open311_rate_limit_burst: int = Field(default=1_000, ge=1, le=10_000_000)

    @field_validator("open311_jurisdictions", "open311_hidden_categories", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    imap_url: SecretStr | None = None
    imap_poll_seconds: float = Field(default=30.0, ge=0.05, le=3_600)

    @property
    def retention(self) -> RetentionPolicy:
        return RetentionPolicy(
            person=timedelta(days=self.retention_person_days),
            report_identity=timedelta(days=self.retention_report_identity_days),
            body=timedelta(days=self.retention_body_days),
            recording=timedelta(days=self.retention_recording_days),
        )

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
