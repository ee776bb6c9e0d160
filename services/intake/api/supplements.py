"""Papers that are missing: the list for the citizen, what has come, and delivering by tracking credentials."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request, Response, Security

from services.intake.api.dependencies import Reader, TheDesk
from services.intake.api.moving import MOVE_PROBLEMS
from services.intake.api.staff import TheStaffMove
from services.intake.api.supplement_schemas import (
    SupplementDelivered,
    SupplementIn,
    SupplementList,
    SupplementRequestIn,
    delivered_view,
    supplement_list,
)
from services.intake.api.track_guard import TrackGuard
from services.intake.api.views import AppealView
from services.intake.use_cases.request_supplement import list_supplements, request_supplement
from services.intake.use_cases.supplement_appeal import (
    Credentials,
    SupplementAppeal,
    supplement_appeal,
    supplement_own_appeal,
)
from shared.errors import NotFound
from shared.http.dependencies import Db, Idempotency, require
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

router = APIRouter(tags=["supplements"])


@router.post(
    "/v1/appeals/{appeal_id}/supplement-requests",
    operation_id="request_supplement",
    summary="Ask for everything that is missing, at once",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def ask(appeal_id: UUID, request: SupplementRequestIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T4: the clocks stop until everything is there. Not for P1 and P2; once only, unless a reviewer says why."""
    command = request.to_command(appeal_id, may_review=move.principal.has("appeals:review"))
    return await move.run(lambda uow, mover: request_supplement(uow, desk, command, mover))


@router.post(
    "/v1/appeals/{appeal_id}/supplements",
    operation_id="supplement_appeal",
    summary="Tick off papers that have come",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def deliver(appeal_id: UUID, supplement: SupplementIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T5 with the last of them: accepted when nothing else is missing; its clock resumes, it does not restart."""
    command = SupplementAppeal(appeal_id, supplement.papers(), supplement.note)
    return await move.run(lambda uow, mover: supplement_appeal(uow, desk, command, mover))


@router.get(
    "/v1/appeals/{appeal_id}/supplements",
    operation_id="list_supplements",
    summary="The lists the citizen was given, the latest first",
    response_model=SupplementList,
    responses=problem_documentation([404]),
)
async def read(appeal_id: UUID, db: Db, principal: Reader) -> SupplementList:
    """What was asked for, what has come and when."""
    requests = await db.transact(
        lambda uow: list_supplements(uow, appeal_id, department_code=principal.department_code), read_only=True
    )
    return supplement_list(requests)


@router.post(
    "/v1/track/{receipt_number}/supplements",
    operation_id="supplement_own_appeal",
    summary="Deliver papers as the citizen",
    response_model=SupplementDelivered,
    responses=problem_documentation([404, 409]),
)
async def deliver_own(  # noqa: PLR0913, PLR0917 - each one a dependency
    receipt_number: Annotated[str, Path(max_length=40)],
    supplement: SupplementIn,
    request: Request,
    db: Db,
    desk: TheDesk,
    idem: Idempotency,
    _principal: Annotated[Principal, Security(require("appeals:track"))],
    access_code: Annotated[str, Header(alias="X-Access-Code", max_length=64)] = "",
) -> Response:
    """A wrong number and a wrong code look the same, and are counted, as when tracking."""
    guard = cast("TrackGuard", request.app.state.track_guard)
    guard.check(receipt_number)
    who = Credentials(receipt_number, access_code)

    async def work(uow: Any) -> Any:
        return await supplement_own_appeal(uow, desk, who, papers=supplement.papers(), note=supplement.note)

    try:
        return await idem.run(db, work, status=200, render=lambda done: (delivered_view(*done), {}))
    except NotFound:
        await guard.count_failure(receipt_number)
        raise
