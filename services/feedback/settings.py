"""What the feedback service reads from its environment: the common settings and the numbers of its own rules."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, SecretStr

from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.tokens import TokenSigner
from shared.settings import ServiceSettings
from shared.vocabulary import Service


class Settings(ServiceSettings):
    """Settings of the feedback service; `FEEDBACK_CALLBACK_DUE_HOURS` and so on."""

    SERVICE: ClassVar[Service] = Service.FEEDBACK

    port: int = Field(default=8003, ge=1, le=65535)
    # Required here: evaluation tokens are signed with a key made from it.
    master_key: SecretStr

    callback_due_hours: float = Field(default=48.0, gt=0, le=24 * 365)
    callback_attempts: int = Field(default=3, ge=1, le=20)
    callback_attempt_spacing_minutes: float = Field(default=30.0, ge=0, le=24 * 60)
    evaluation_token_days: float = Field(default=15.0, gt=0, le=365)
    ledger_review_days: float = Field(default=90.0, gt=0, le=3650)
    most_rounds: int = Field(default=2, ge=1, le=20)
    public_rate_limit_per_second: float = Field(default=5.0, ge=0, le=1_000_000)
    public_rate_limit_burst: int = Field(default=60, ge=1, le=10_000_000)

    def policy(self) -> FeedbackPolicy:
        """The numbers the rules run on."""
        return FeedbackPolicy(
            zone=self.zone,
            callback_due=timedelta(hours=self.callback_due_hours),
            attempt_spacing=timedelta(minutes=self.callback_attempt_spacing_minutes),
            attempts_needed=self.callback_attempts,
            token_lifetime=timedelta(days=self.evaluation_token_days),
            ledger_review=timedelta(days=self.ledger_review_days),
            most_rounds=self.most_rounds,
        )

    def signer(self) -> TokenSigner:
        """The maker of evaluation tokens."""
        return TokenSigner(self.master_key.get_secret_value().encode())
