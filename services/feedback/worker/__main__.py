"""The feedback worker: `python -m services.feedback.worker` applies what the other two services say."""

from services.feedback.settings import Settings
from services.feedback.worker.handlers import make_subscriptions
from shared.messaging.process import worker_main
from shared.settings import SettingsError


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    worker_main(settings, make_subscriptions(settings.policy()))


if __name__ == "__main__":
    main()
