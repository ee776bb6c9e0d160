"""The numbers of the rules come from the environment, and a missing key is one clear line."""

from datetime import timedelta

import pytest

from services.feedback.settings import Settings
from services.feedback.worker.handlers import make_subscriptions
from shared.settings import SettingsError

ENVIRONMENT = {"FEEDBACK_DATABASE_URL": "postgresql://feedback@/minqing", "MINQING_MASTER_KEY": "m" * 32}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_defaults_are_those_of_the_specification(environment: pytest.MonkeyPatch) -> None:
    policy = Settings.load().policy()

    assert policy.callback_due == timedelta(hours=48)
    assert policy.attempts_needed == 3
    assert policy.ledger_review == timedelta(days=90)
    assert policy.most_rounds == 2
    assert str(policy.zone) == "Asia/Shanghai"


def test_a_deployment_may_set_its_own_numbers(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FEEDBACK_CALLBACK_DUE_HOURS", "24")
    environment.setenv("FEEDBACK_CALLBACK_ATTEMPT_SPACING_MINUTES", "90")

    policy = Settings.load().policy()

    assert (policy.callback_due, policy.attempt_spacing) == (timedelta(hours=24), timedelta(minutes=90))


def test_without_a_master_key_the_service_says_so(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("MINQING_MASTER_KEY")

    with pytest.raises(SettingsError, match="MINQING_MASTER_KEY is missing"):
        Settings.load()


def test_every_event_that_is_sent_here_has_a_handler(environment: pytest.MonkeyPatch) -> None:
    assert make_subscriptions(Settings.load().policy()).missing() == []
