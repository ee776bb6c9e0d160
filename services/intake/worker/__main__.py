"""The worker process of intake: follows the other services' events. Run with `python -m services.intake.worker`."""

from services.intake.settings import Settings
from services.intake.worker.background import background_of
from services.intake.worker.handlers import make_subscriptions
from shared.messaging.process import worker_main

if __name__ == "__main__":
    settings = Settings.load()
    worker_main(settings, make_subscriptions(settings.zone), background_of(settings))
