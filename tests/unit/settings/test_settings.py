"""Settings: which variable feeds which field, one clear line for what is wrong, and an example that is complete."""

from importlib import import_module
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr

from shared.settings import ServiceSettings, SettingsError
from shared.vocabulary import Service

EXAMPLE = Path(__file__).parents[3] / ".env.example"
URL = "postgresql+asyncpg://intake:pw@/minqing?host=/run/pg"


class IntakeLike(ServiceSettings):
    """Settings of a service that names itself intake."""

    SERVICE: ClassVar[Service] = Service.INTAKE


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("MINQING_", "INTAKE_", "DISPATCH_", "FEEDBACK_", "REDIS_")):
            monkeypatch.delenv(name)


def minimal(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {"INTAKE_DATABASE_URL": URL, "INTAKE_PORT": "8001", **more}.items():
        monkeypatch.setenv(name, value)


def example_variables() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def settings_of(service: Service) -> type[ServiceSettings]:
    kind: type[ServiceSettings] = import_module(f"services.{service.value}.settings").Settings
    return kind


def known_variables() -> set[str]:
    """Every variable of every service, by the name it is documented under."""
    return {
        settings_of(service).documented_name(field)
        for service in Service
        for field in settings_of(service).model_fields
    }


def test_each_service_reads_its_own_database_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    minimal(monkeypatch, DISPATCH_DATABASE_URL="postgresql://other@/x", REDIS_URL="redis://cache:6379/1")

    settings = IntakeLike.load()

    assert settings.database_url.get_secret_value() == URL
    assert settings.redis_url.get_secret_value() == "redis://cache:6379/1"
    assert settings.port == 8001


def test_a_variable_of_the_service_wins_over_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    minimal(monkeypatch, MINQING_POOL_SIZE="5", INTAKE_POOL_SIZE="9", MINQING_LOG_LEVEL="DEBUG")

    settings = IntakeLike.load()

    assert settings.pool_size == 9
    assert settings.log_level == "DEBUG"


def test_lists_and_maps_are_read_from_text(monkeypatch: pytest.MonkeyPatch) -> None:
    minimal(
        monkeypatch,
        MINQING_CORS_ORIGINS="https://a.example, https://b.example:8443",
        MINQING_OIDC_SCOPE_MAP="desk=tickets:read tickets:dispatch;boss=admin",
    )

    settings = IntakeLike.load()

    assert settings.cors_origins == ("https://a.example", "https://b.example:8443")
    assert settings.oidc_scope_map == {"desk": ("tickets:read", "tickets:dispatch"), "boss": ("admin",)}


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    minimal(monkeypatch, MINQING_POOL_SIZE="", MINQING_OTLP_ENDPOINT=" ")

    assert IntakeLike.load().pool_size == 10
    assert IntakeLike.load().otlp_endpoint is None


def test_everything_wrong_is_one_line_that_names_variables_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTAKE_DATABASE_URL", "mysql://root:hunter2@db/x")
    monkeypatch.setenv("MINQING_MASTER_KEY", "hunter3")
    monkeypatch.setenv("MINQING_TIME_ZONE", "Mars/Olympus")

    with pytest.raises(SettingsError) as refusal:
        IntakeLike.load()

    message = str(refusal.value)
    assert "\n" not in message
    for name in ("INTAKE_DATABASE_URL", "INTAKE_PORT is missing", "MINQING_MASTER_KEY", "MINQING_TIME_ZONE"):
        assert name in message
    assert "hunter" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INTAKE_PORT", "70000"),
        ("REDIS_URL", "http://x"),
        ("MINQING_CORS_ORIGINS", "https://a.example/"),
        ("MINQING_OIDC_ISSUER", "https://id.example"),
        ("MINQING_OIDC_SCOPE_MAP", "desk"),
        ("MINQING_LOG_LEVEL", "LOUD"),
        ("MINQING_BODY_LIMIT_BYTES", "1"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    minimal(monkeypatch, **{name: value})

    with pytest.raises(SettingsError, match=r"MINQING_|REDIS_URL|INTAKE_PORT"):
        IntakeLike.load()


def test_secrets_do_not_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    minimal(monkeypatch, MINQING_MASTER_KEY="k" * 40)

    settings = IntakeLike.load()

    assert "pw@" not in repr(settings)
    assert "kkkk" not in repr(settings)
    assert settings.master_key == SecretStr("k" * 40)


def test_the_example_names_every_variable_and_no_other() -> None:
    assert set(example_variables()) == known_variables()


@pytest.mark.parametrize("service", list(Service))
def test_the_example_is_valid_and_shows_the_defaults(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    kind = settings_of(service)
    example = example_variables()
    plain = kind.model_validate(
        {
            "database_url": example[f"{service.value.upper()}_DATABASE_URL"],
            "port": int(example[f"{service.value.upper()}_PORT"]),
            "master_key": example["MINQING_MASTER_KEY"],
        }
    )
    for name, value in example.items():
        monkeypatch.setenv(name, value)

    assert kind.load() == plain
