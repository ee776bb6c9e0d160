"""The dispatch worker: `python -m services.dispatch.worker` applies what the others say and fires timers."""

import asyncio
from datetime import timedelta

from services.dispatch.settings import Settings
from services.dispatch.use_cases.workplace import Workplace
from services.dispatch.worker.handlers import make_subscriptions
from services.dispatch.worker.timer_sweep import TimerSweep
from shared.messaging.process import ProcessContext, worker_main
from shared.settings import SettingsError


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    workplace = Workplace()

    async def attach_wake(context: ProcessContext, _stop: asyncio.Event) -> None:
        workplace.wake = context.wake

    async def sweep_timers(context: ProcessContext, stop: asyncio.Event) -> None:
        sweep = TimerSweep(context.database, batch=settings.timer_sweep_batch)
        await sweep.run(timedelta(seconds=settings.timer_sweep_seconds), stop)

    worker_main(settings, make_subscriptions(workplace), [attach_wake, sweep_timers])


if __name__ == "__main__":
    main()
