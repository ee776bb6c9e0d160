"""Tracking: what a citizen sees with the receipt number and the access code."""

from typing import Annotated, cast

from fastapi import APIRouter, Header, Path, Request, Response, Security

from services.intake.api.dependencies import TheDesk
from services.intake.api.languages import WantedLanguage, language_headers
from services.intake.api.track_guard import TrackGuard
from services.intake.api.views import TrackView, track_view
from services.intake.use_cases.track_appeal import track_appeal
from shared.errors import NotFound
from shared.http.dependencies import Db, require
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

router = APIRouter(prefix="/v1/track", tags=["tracking"])


@router.get(
    "/{receipt_number}",
    operation_id="track_appeal",
    summary="How far an appeal is",
    response_model=TrackView,
    responses=problem_documentation([404]),
)
async def track(  # noqa: PLR0913, PLR0917 - each one a dependency
    receipt_number: Annotated[str, Path(max_length=40)],
    request: Request,
    response: Response,
    db: Db,
    desk: TheDesk,
    _principal: Annotated[Principal, Security(require("appeals:track"))],
    language: WantedLanguage,
    access_code: Annotated[str, Header(alias="X-Access-Code", max_length=64)] = "",
) -> TrackView:
    """A wrong number and a wrong code look the same; after some wrong codes a number rests for a while."""
    guard = cast("TrackGuard", request.app.state.track_guard)
    guard.check(receipt_number)
    try:
        tracked = await db.transact(
            lambda uow: track_appeal(uow, desk, receipt_number=receipt_number, access_code=access_code),
            read_only=True,
        )
    except NotFound:
        await guard.count_failure(receipt_number)
        raise
    response.headers.update({"Cache-Control": "no-store", **language_headers(language)})
    return track_view(tracked, language)
