"""The intake API: run with `uvicorn --factory services.intake.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.intake.api import (
    alarms,
    appeals,
    attachments,
    categories,
    entry,
    groups,
    inbound,
    knowledge,
    moves,
    privacy,
    reading,
    suggestions,
    tracking,
    volume,
)
from services.intake.api.open311.router import router as open311
from services.intake.api.track_guard import TrackGuard
from services.intake.db.express import ExpressLane
from services.intake.db.metadata import metadata
from services.intake.settings import Settings
from services.intake.use_cases.desk import Desk
from shared.clock import Clock
from shared.http.assembly import assemble_service

_ROUTERS = (
    appeals.router,
    moves.router,
    groups.router,
    alarms.router,
    attachments.router,
    reading.router,
    privacy.router,
    tracking.router,
    suggestions.router,
    categories.router,
    knowledge.router,
    volume.router,
    entry.router,
    inbound.router,
    open311,
)


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """Build the application; nothing is connected before it starts."""
    settings = settings or Settings.load()
    app = assemble_service(
        settings,
        title="Minqing intake",
        description="Appeals, the people behind them, categories, and what citizens are told on the way.",
        metadata=metadata,
        routers=_ROUTERS,
        lifespan=[_express_lane],
        clock=clock,
        state={"desk": Desk.from_settings(settings)},
    )
    app.state.track_guard = TrackGuard(
        app.state.redis, attempts=settings.track_attempts, window_seconds=settings.track_window_seconds
    )
    app.state.express_lane = ExpressLane(app.state.database, app.state.wake)
    return app


@asynccontextmanager
async def _express_lane(app: FastAPI) -> AsyncIterator[None]:
    """Keep the lane open while the application runs."""
    lane: ExpressLane = app.state.express_lane
    async with lane.running():
        yield
