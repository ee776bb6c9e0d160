"""The moves that end or touch an appeal: answering, referring, declining, withdrawing, urging; and its history."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.intake.api.dependencies import Reader, TheDesk
from services.intake.api.move_schemas import (
    AnswerIn,
    DeclineDecisionIn,
    DeclineIn,
    DeclineView,
    History,
    ReferIn,
    UrgeIn,
    WithdrawIn,
    decline_view,
    history_view,
)
from services.intake.api.moving import MOVE_PROBLEMS, TheDecision, TheMove, TheMoveOrDecision
from services.intake.api.staff import TheStaffMove
from services.intake.api.track_guard import TrackGuard
from services.intake.api.views import AppealView
from services.intake.use_cases.answer_appeal import answer_appeal
from services.intake.use_cases.decline_appeal import DecideDecline, DeclineAppeal, decide_decline, decline_appeal
from services.intake.use_cases.list_moves import get_history, list_declines
from services.intake.use_cases.refer_appeal import refer_appeal
from services.intake.use_cases.urge_appeal import urge_appeal
from services.intake.use_cases.withdraw_appeal import WrongAccessCode, withdraw_appeal
from shared.errors import Forbidden
from shared.http.dependencies import Db, Page, PageQuery
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


@router.post(
    "/{appeal_id}/answer",
    operation_id="answer_appeal",
    summary="Answer and close without a department",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def answer(appeal_id: UUID, answer_in: AnswerIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T2: the citizen reads the text when tracking, and can still evaluate. Articles must be valid today."""
    command = answer_in.to_command(appeal_id)
    return await move.run(lambda uow, mover: answer_appeal(uow, desk, command, mover))


@router.post(
    "/{appeal_id}/refer",
    operation_id="refer_appeal",
    summary="Explain and tell the citizen where to go",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def refer(appeal_id: UUID, referral: ReferIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T8: for what is not ours; explanation and target are both required."""
    command = referral.to_command(appeal_id)
    return await move.run(lambda uow, mover: refer_appeal(uow, desk, command, mover))


@router.get(
    "/declines",
    operation_id="list_declines",
    summary="Refusals, oldest first",
    response_model=Page[DeclineView],
)
async def read_declines(
    db: Db,
    page: PageQuery,
    principal: Reader,
    pending: Annotated[bool | None, Query(description="Only those that wait for their second person, or not.")] = None,
) -> Page[DeclineView]:
    """With `pending=true` the reviewer's work list."""
    rows, following = await db.transact(
        lambda uow: list_declines(
            uow,
            pending=pending,
            department_code=principal.department_code,
            cursor=page.cursor,
            limit=page.limit,
        ),
        read_only=True,
    )
    return Page(items=[decline_view(row) for row in rows], next_cursor=following)


@router.post(
    "/{appeal_id}/decline",
    operation_id="decline_appeal",
    summary="Refuse an appeal on a ground of the closed list",
    response_model=AppealView,
    responses={202: {"model": AppealView, "description": "Proposed; another person decides"}, **MOVE_PROBLEMS},
)
async def decline(appeal_id: UUID, refusal: DeclineIn, desk: TheDesk, move: TheMoveOrDecision) -> Response:
    """T7, by two persons: without `appeals:review` it is proposed (202); a reviewer's call decides."""
    may_review = move.principal.has("appeals:review")
    command = DeclineAppeal(appeal_id, refusal.to_domain(), may_review)
    return await move.run(
        lambda uow, mover: decline_appeal(uow, desk, command, mover), status=200 if may_review else 202
    )


@router.post(
    "/{appeal_id}/decline-decision",
    operation_id="decide_decline",
    summary="Confirm or reject a proposed refusal",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def decide(appeal_id: UUID, decision: DeclineDecisionIn, desk: TheDesk, move: TheDecision) -> Response:
    """By another person than the one who proposed it. After a rejection the appeal goes on as before."""
    command = DecideDecline(appeal_id, decision.decision, decision.note)
    return await move.run(lambda uow, mover: decide_decline(uow, desk, command, mover))


@router.post(
    "/{appeal_id}/withdraw",
    operation_id="withdraw_appeal",
    summary="Take an appeal back for its citizen",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def withdraw(appeal_id: UUID, withdrawal: WithdrawIn, request: Request, desk: TheDesk, move: TheMove) -> Response:
    """T41: with the citizen's access code, or an agent's word on how identity was checked. Not where others are in
    danger. After some wrong codes the appeal rests for a while.
    """
    command = withdrawal.to_command(appeal_id)
    if command.access_code is None and not move.principal.has("appeals:read"):
        raise Forbidden("Only staff who read appeals can vouch for somebody's identity; send the access code.")
    guard = cast("TrackGuard", request.app.state.track_guard)
    guard.check(str(appeal_id))
    try:
        return await move.run(lambda uow, mover: withdraw_appeal(uow, desk, command, mover))
    except WrongAccessCode:
        await guard.count_failure(str(appeal_id))
        raise


@router.post(
    "/{appeal_id}/urge",
    operation_id="urge_appeal",
    summary="The same person asks again about the same open matter",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def urge(appeal_id: UUID, touch: UrgeIn, desk: TheDesk, move: TheMove) -> Response:
    """A touch that is counted and passed on, never a second ticket (section 8)."""
    command = touch.to_command(appeal_id)
    return await move.run(lambda uow, mover: urge_appeal(uow, desk, command, mover))


@router.get(
    "/{appeal_id}/history",
    operation_id="get_appeal_history",
    summary="What intake did, with who and why",
    response_model=History,
    responses=problem_documentation([404]),
)
async def read_history(appeal_id: UUID, db: Db, principal: Reader) -> History:
    """The record behind the timeline: rules, actors, reasons, the versions of the articles that were cited."""
    steps = await db.transact(
        lambda uow: get_history(uow, appeal_id, department_code=principal.department_code), read_only=True
    )
    return history_view(steps)
