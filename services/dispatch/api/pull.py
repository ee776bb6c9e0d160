"""Departments take their tickets: leased, long-polled, each to one puller at a time."""

from datetime import timedelta
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from services.dispatch.api.pull_desk import PullDesk, PullWish
from services.dispatch.api.ticket_schemas import PullAnswer, PullBody, PulledView
from services.dispatch.api.workplace import Puller
from services.dispatch.use_cases.pull_tickets import department_to_pull_for
from shared.http.dependencies import Now

router = APIRouter(prefix="/v1/tickets", tags=["department moves"])


async def get_pull_desk(request: Request) -> PullDesk:
    return cast("PullDesk", request.app.state.pull_desk)


Desk = Annotated[PullDesk, Depends(get_pull_desk)]


@router.post(
    "/pull",
    operation_id="pull_tickets",
    summary="Take tickets on offer, or wait for some",
    response_model=PullAnswer,
)
async def pull(principal: Puller, desk: Desk, clock: Now, request: Request, body: PullBody) -> PullAnswer:
    """The most urgent and first due first. A ticket that is not moved is offered again when its lease ends."""
    wish = PullWish(
        department_code=department_to_pull_for(principal, body.department_code),
        limit=body.max,
        lease_for=timedelta(seconds=body.lease_seconds),
        wait_seconds=body.wait_seconds,
    )
    pulled = await desk.pull(wish, request.is_disconnected)
    now = clock.now()
    return PullAnswer(items=[PulledView.of(each, now) for each in pulled])
