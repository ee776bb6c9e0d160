"""The intake API: run with `uvicorn --factory services.intake.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.intake.api import (
    alarms,
    appeals,
    attachments,
    categories,
    classification,
    entry,
    groups,
    hand_overs,
    inbound,
    knowledge,
    moves,
    privacy,
    reading,
    searching,
    similar,
    suggestions,
    supplements,
    tracking,
    volume,
)
from services.intake.api.attachment_reception import AttachmentRoom
from services.intake.api.open311.front_door import GeoReportDialect
from services.intake.api.open311.router import router as open311
from services.intake.api.track_guard import TrackGuard
from services.intake.api.vault_keys import FormerKeys
from services.intake.db.express import ExpressLane
from services.intake.db.metadata import metadata
from services.intake.settings import Settings
from services.intake.use_cases.desk import Desk
from shared.clock import Clock
from shared.http.assembly import assemble_service
from shared.http.rate_limits import RateLimiter

_ROUTERS = (
    appeals.router,
    suggestions.review,
    classification.router,
    supplements.router,
    moves.router,
    hand_overs.router,
    groups.router,
    alarms.router,
    attachments.router,
    searching.router,
    similar.router,
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
    desk = Desk.from_settings(settings)
    former_keys = FormerKeys(desk.vault)
    app = assemble_service(
        settings,
        title="Minqing intake",
        description="Appeals, the people behind them, categories, and what citizens are told on the way.",
        metadata=metadata,
        routers=_ROUTERS,
        readiness={"vault": former_keys.check},
        lifespan=[_express_lane, _former_keys],
        clock=clock,
        state={"desk": desk, "former_keys": former_keys},
        dialects=[GeoReportDialect()],
    )
    app.state.track_guard = TrackGuard(
        app.state.redis, attempts=settings.track_attempts, window_seconds=settings.track_window_seconds
    )
    app.state.open311_limiter = RateLimiter(
        app.state.redis,
        service=settings.SERVICE.value,
        per_second=settings.open311_rate_limit_per_second,
        burst=settings.open311_rate_limit_burst,
    )
    app.state.attachments = AttachmentRoom.from_settings(settings)
    app.state.helpful_checks["classifier"] = partial(desk.advisor.check, app.state.database)
    app.state.express_lane = ExpressLane(app.state.database, app.state.wake)
    return app


@asynccontextmanager
async def _express_lane(app: FastAPI) -> AsyncIterator[None]:
    """Keep the lane open while the application runs."""
    lane: ExpressLane = app.state.express_lane
    async with lane.running():
        yield


@asynccontextmanager
async def _former_keys(app: FastAPI) -> AsyncIterator[None]:
    """Learn how to find what was hashed under former master keys."""
    former_keys: FormerKeys = app.state.former_keys
    async with former_keys.learning(app.state.database):
        yield
