"""The hotline office's moves: dispatch by hand, decisions on returns, review of what was submitted."""

from functools import partial

from fastapi import APIRouter
from fastapi.responses import Response

from services.dispatch.api.ticket_schemas import DispatchBody, ReturnDecisionBody, ReviewBody, TicketView
from services.dispatch.api.workplace import MOVE_PROBLEMS, Dispatcher, Move
from services.dispatch.use_cases.decide_return import decide_return as judge_return
from services.dispatch.use_cases.dispatch_ticket import dispatch_ticket as send
from services.dispatch.use_cases.review_resolution import review_resolution
from shared.errors import FieldProblem, InvalidInput

router = APIRouter(prefix="/v1/tickets", tags=["office moves"], responses=MOVE_PROBLEMS)


@router.post(
    "/{ticket_id}/dispatch",
    operation_id="dispatch_ticket",
    summary="Send a waiting ticket to a department (T11)",
    response_model=TicketView,
)
async def dispatch_ticket(principal: Dispatcher, move: Move, body: DispatchBody) -> Response:
    """From triage or after an approved return; starts T_SIGN, T_CONTACT and T_RESOLVE."""
    work = partial(send, department_code=body.department_code, reason=body.reason)
    return await move.run(principal, None, work)


@router.post(
    "/{ticket_id}/return-decision",
    operation_id="decide_return",
    summary="Approve or refuse a return (T18, T19)",
    response_model=TicketView,
)
async def decide_return(principal: Dispatcher, move: Move, body: ReturnDecisionBody) -> Response:
    """Approved, it waits for dispatch or goes to `department_code` at once; refused, it stays on the same clocks."""
    work = partial(judge_return, approve=body.approves, note=body.note, department_code=body.department_code)
    return await move.run(principal, None, work)


@router.post(
    "/{ticket_id}/review",
    operation_id="review_resolution",
    summary="Accept or reject what was submitted (T32, T31)",
    response_model=TicketView,
)
async def review(principal: Dispatcher, move: Move, body: ReviewBody) -> Response:
    """Accepted, the citizen is asked. Rejected, it goes back, and the time to answer never stopped."""
    accept = body.decision == "accept"
    if not accept and not body.note:
        raise InvalidInput("A rejection names the defect", [FieldProblem("/note", "is needed to reject")])
    return await move.run(principal, None, partial(review_resolution, accept=accept, note=body.note))
