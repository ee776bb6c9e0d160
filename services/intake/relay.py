"""The relay process of intake: sends what is in its outbox. Run with `python -m services.intake.relay`."""

from services.intake.settings import Settings
from shared.messaging.process import relay_main

if __name__ == "__main__":
    relay_main(Settings.load())
