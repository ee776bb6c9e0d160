"""The feedback API: run with `uvicorn --factory services.feedback.main:create_app`."""

from fastapi import FastAPI

from services.feedback.api import callbacks, cases, evaluations
from services.feedback.db.metadata import metadata
from services.feedback.settings import Settings
from shared.clock import Clock
from shared.http.assembly import assemble_service
from shared.http.rate_limits import RateLimiter


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """Build the application; nothing is connected before it starts."""
    settings = settings or Settings.load()
    app = assemble_service(
        settings,
        title="Minqing feedback",
        description="Callbacks, evaluations, the ledger of unsolved cases.",
        metadata=metadata,
        routers=[callbacks.router, evaluations.router, cases.router],
        clock=clock,
        state={"policy": settings.policy(), "signer": settings.signer()},
    )
    app.state.public_limiter = RateLimiter(
        app.state.redis,
        service=settings.SERVICE.value,
        per_second=settings.public_rate_limit_per_second,
        burst=settings.public_rate_limit_burst,
    )
    return app
