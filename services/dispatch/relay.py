"""The dispatch relay: `python -m services.dispatch.relay` carries published events from the outbox to the queues."""

from services.dispatch.settings import Settings
from shared.messaging.process import relay_main
from shared.settings import SettingsError


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    relay_main(settings)


if __name__ == "__main__":
    main()
