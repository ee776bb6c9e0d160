"""The department's moves on its tickets."""

from functools import partial

from fastapi import APIRouter
from fastapi.responses import Response

from services.dispatch.api.ticket_schemas import (
    AcknowledgeBody,
    ContactBody,
    ProgressBody,
    ResolveBody,
    ReturnBody,
    TicketView,
)
from services.dispatch.api.workplace import MOVE_PROBLEMS, Handler, Move
from services.dispatch.domain.ticket_moves import Contact, Progress, Return
from services.dispatch.use_cases.acknowledge_ticket import acknowledge_ticket as acknowledge
from services.dispatch.use_cases.contact_citizen import contact_citizen
from services.dispatch.use_cases.note_progress import note_progress as note
from services.dispatch.use_cases.resolve_ticket import resolve_ticket as resolve
from services.dispatch.use_cases.return_ticket import return_ticket as send_back

router = APIRouter(prefix="/v1/tickets", tags=["department moves"], responses=MOVE_PROBLEMS)


@router.post(
    "/{ticket_id}/acknowledge",
    operation_id="acknowledge_ticket",
    summary="Say that the department has it (T15)",
    response_model=TicketView,
)
async def acknowledge_ticket(principal: Handler, move: Move, body: AcknowledgeBody | None = None) -> Response:
    """Stops T_SIGN. Legal once per turn, also after an automatic acknowledgement, a refused return, or a redo."""
    return await move.run(principal, body.lease_token if body is not None else None, acknowledge)


@router.post(
    "/{ticket_id}/contact",
    operation_id="record_contact",
    summary="Record that the citizen was spoken to (T21)",
    response_model=TicketView,
)
async def record_contact(principal: Handler, move: Move, body: ContactBody) -> Response:
    """The first contact of a turn stops T_CONTACT and ends the right to return."""
    work = partial(contact_citizen, command=Contact(body.channel, body.note))
    return await move.run(principal, body.lease_token, work)


@router.post(
    "/{ticket_id}/progress",
    operation_id="note_progress",
    summary="Leave a note on the way",
    response_model=TicketView,
)
async def note_progress(principal: Handler, move: Move, body: ProgressBody) -> Response:
    """The citizen sees it, with personal data masked; no clock is touched."""
    return await move.run(principal, body.lease_token, partial(note, command=Progress(body.note)))


@router.post(
    "/{ticket_id}/return",
    operation_id="return_ticket",
    summary="Say that it is not the department's (T17)",
    response_model=TicketView,
)
async def return_ticket(principal: Handler, move: Move, body: ReturnBody) -> Response:
    """Before the first contact and inside T_RETURN, once per department, twice per ticket. Nothing pauses."""
    work = partial(send_back, command=Return(body.reason_code, body.explanation))
    return await move.run(principal, body.lease_token, work)


@router.post(
    "/{ticket_id}/resolve",
    operation_id="resolve_ticket",
    summary="Submit the answer (T30)",
    response_model=TicketView,
)
async def resolve_ticket(principal: Handler, move: Move, body: ResolveBody) -> Response:
    """Stops T_RESOLVE provisionally; the hotline office reviews it."""
    return await move.run(principal, body.lease_token, partial(resolve, resolution=body.resolution()))
