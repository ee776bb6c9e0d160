"""What every service reads from its environment, validated once at start: a wrong value is one clear line, not a stack.

A field `pool_size` of intake is read from INTAKE_POOL_SIZE, else from MINQING_POOL_SIZE; REDIS_URL has no prefix.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.vocabulary import Service

_PER_SERVICE_ONLY = frozenset({"database_url", "port", "worker_metrics_port"})
_UNPREFIXED = frozenset({"redis_url"})
_MINIMUM_MASTER_KEY = 32


class SettingsError(Exception):
    """The environment does not make a valid configuration; the message is one line naming every variable at fault."""


class ServiceSettings(BaseSettings):
    """The settings common to the three services; each service subclasses it and names itself in `SERVICE`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, validate_default=True)

    SERVICE: ClassVar[Service]

    database_url: SecretStr
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    data_dir: Path = Path("var")
    time_zone: str = "Asia/Shanghai"
    environment: Literal["development", "production"] = "development"

    pool_size: int = Field(default=10, ge=1, le=200)
    statement_timeout_seconds: float = Field(default=5.0, gt=0, le=300)
    worker_statement_timeout_seconds: float = Field(default=30.0, gt=0, le=3600)
    shutdown_grace_seconds: float = Field(default=10.0, ge=0, le=300)

    cors_origins: tuple[str, ...] = ()
    body_limit_bytes: int = Field(default=1_048_576, ge=1_024, le=1_073_741_824)
    rate_limit_per_second: float = Field(default=1_000.0, ge=0, le=1_000_000)
    rate_limit_burst: int = Field(default=2_000, ge=1, le=10_000_000)
    idempotency_days: int = Field(default=7, ge=1, le=365)

    master_key: SecretStr | None = None
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    oidc_scopes_claim: str = "scope"
    oidc_department_claim: str = "department_code"
    oidc_scope_map: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    worker_metrics_port: int = Field(default=0, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    access_log: bool = True
    otlp_endpoint: str | None = None

    @property
    def statement_timeout(self) -> timedelta:
        return timedelta(seconds=self.statement_timeout_seconds)

    @property
    def worker_statement_timeout(self) -> timedelta:
        return timedelta(seconds=self.worker_statement_timeout_seconds)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @field_validator("database_url")
    @classmethod
    def _names_postgresql(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().split("://", 1)[0]
        if scheme not in {"postgresql", "postgres", "postgresql+asyncpg"}:
            raise ValueError("must start with postgresql:// or postgresql+asyncpg://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _names_redis(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is not a name of the IANA time zone database") from error
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_list(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and (not origin.startswith(("http://", "https://")) or origin.endswith("/")):
                raise ValueError("each origin is scheme://host[:port] without a trailing slash, or *")
        return value

    @field_validator("oidc_scope_map", mode="before")
    @classmethod
    def _parse_scope_map(cls, value: Any) -> Any:
        """Read `role=scope scope;role=scope` as a mapping."""
        if not isinstance(value, str):
            return value
        pairs = (part.split("=", 1) for part in value.split(";") if part.strip())
        try:
            return {role.strip(): tuple(scopes.split()) for role, scopes in pairs}
        except ValueError as error:
            raise ValueError("must look like role=scope scope;role=scope") from error

    @field_validator("master_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _MINIMUM_MASTER_KEY:
            raise ValueError(f"needs at least {_MINIMUM_MASTER_KEY} characters")
        return value

    @model_validator(mode="after")
    def _oidc_is_complete(self) -> Self:
        given = [self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url]
        if any(given) and not all(given):
            raise ValueError("MINQING_OIDC_ISSUER, MINQING_OIDC_AUDIENCE and MINQING_OIDC_JWKS_URL go together")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, _EnvironmentSource(settings_cls))

    @classmethod
    def environment_names(cls, field: str) -> tuple[str, ...]:
        """The variables a field is read from, the first that is set wins."""
        own = f"{cls.SERVICE.value.upper()}_{field.upper()}"
        if field in _PER_SERVICE_ONLY:
            return (own,)
        return (own, field.upper() if field in _UNPREFIXED else f"MINQING_{field.upper()}")

    @classmethod
    def documented_name(cls, field: str) -> str:
        """The variable a field is known by: the common one, or the service's own for what only it has."""
        names = cls.environment_names(field)
        return names[-1] if field in ServiceSettings.model_fields else names[0]

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises SettingsError with a one-line message that holds no secret."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_one_line(cls, error)) from None


class _EnvironmentSource(PydanticBaseSettingsSource):
    """Reads each field from the first of its variables that is set and not empty."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        owner = self.settings_cls
        if not issubclass(owner, ServiceSettings):
            return None, field_name, False
        for name in owner.environment_names(field_name):
            if value := os.environ.get(name, "").strip():
                return value, field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = ((name, self.get_field_value(info, name)[0]) for name, info in self.settings_cls.model_fields.items())
        return {name: value for name, value in found if value is not None}


def _one_line(settings: type[ServiceSettings], error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False, include_input=False):
        message = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            parts.append(message)
            continue
        name = settings.documented_name(str(problem["loc"][0]))
        parts.append(f"{name} is missing" if problem["type"] == "missing" else f"{name}: {message}")
    return "; ".join(parts)
