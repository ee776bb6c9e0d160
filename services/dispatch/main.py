"""The dispatch API: run with `uvicorn --factory services.dispatch.main:create_app`."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from types import FrameType

from fastapi import FastAPI

from services.dispatch.api import (
    calendars,
    changes,
    departments,
    grids,
    moves,
    office,
    pull,
    routing,
    sla,
    tickets,
    triage,
)
from services.dispatch.api.pull_desk import PullDesk
from services.dispatch.db.metadata import metadata
from services.dispatch.gauges import register_ticket_gauges
from services.dispatch.settings import Settings
from services.dispatch.use_cases.workplace import Workplace, offers_topic
from shared.clock import Clock
from shared.http.assembly import assemble_service
from shared.observability.metrics import QueriedGauges


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """Build the application; nothing is connected before it starts."""
    settings = settings or Settings.load()
    workplace, gauges = Workplace(), QueriedGauges()
    app = assemble_service(
        settings,
        title="Minqing dispatch",
        description="Departments, areas, routing rules, tickets and their deadlines.",
        metadata=metadata,
        routers=[
            pull.router,
            tickets.router,
            moves.router,
            office.router,
            triage.router,
            changes.router,
            departments.router,
            grids.router,
            routing.router,
            sla.router,
            calendars.router,
        ],
        lifespan=[_pull_desk],
        gauges=gauges,
        receives=[offers_topic("*")],
        clock=clock,
        state={"workplace": workplace, "reference": workplace.reference},
    )
    register_ticket_gauges(gauges, app.state.database)
    workplace.wake = app.state.wake
    app.state.pull_desk = PullDesk(app.state.database, app.state.wake, timedelta(seconds=settings.pull_poll_seconds))
    return app


@asynccontextmanager
async def _pull_desk(app: FastAPI) -> AsyncIterator[None]:
    """Keep the desk's poll running while the application does."""
    desk: PullDesk = app.state.pull_desk
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.run(stop))
        try:
            with _closing_on_signals(desk):
                yield
        finally:
            desk.close()
            stop.set()


@contextmanager
def _closing_on_signals(desk: PullDesk) -> Iterator[None]:
    """Answer who waits when the process is told to end: the server ends open requests before the lifespan."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(desk.close)
        server = before[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
