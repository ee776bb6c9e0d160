"""What ticket endpoints depend on: who may call them, what use cases share, and how a move is run and answered."""

from collections.abc import Awaitable, Callable
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.responses import Response

from services.dispatch.api.ticket_schemas import TicketView
from services.dispatch.domain.ticket import Ticket
from services.dispatch.use_cases.carry_out import MoveRequest
from services.dispatch.use_cases.workplace import Workplace
from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import Db, Idempotency, IfMatch, etag_of, require
from shared.http.idempotency import Rendered
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

Handler = Annotated[Principal, Security(require("tickets:handle"))]
Dispatcher = Annotated[Principal, Security(require("tickets:dispatch"))]
Reader = Annotated[Principal, Security(require("tickets:read", "tickets:handle", "tickets:dispatch"))]
Puller = Annotated[Principal, Security(require("tickets:pull"))]

NOT_FOUND = problem_documentation([404])
MOVE_PROBLEMS = problem_documentation([404, 409, 412])


async def get_workplace(request: Request) -> Workplace:
    return cast("Workplace", request.app.state.workplace)


Place = Annotated[Workplace, Depends(get_workplace)]
Work = Callable[[UnitOfWork, Workplace, MoveRequest], Awaitable[Ticket]]


class Mover:
    """One request to move a ticket: run in one transaction, once per idempotency key, answered with the ticket."""

    def __init__(
        self, ticket_id: UUID, database: Db, workplace: Place, idempotency: Idempotency, if_match: IfMatch
    ) -> None:
        self._ticket_id = ticket_id
        self._database = database
        self._workplace = workplace
        self._idempotency = idempotency
        self._if_match = if_match

    async def run(self, principal: Principal, lease_token: str | None, work: Work) -> Response:
        """Make the move; the answer is sent after its commit."""
        request = MoveRequest(self._ticket_id, principal, lease_token, self._if_match)
        return await self._idempotency.run(
            self._database,
            lambda uow: work(uow, self._workplace, request),
            status=200,
            render=self._render,
        )

    def _render(self, ticket: Ticket) -> Rendered:
        return TicketView.of(ticket, self._database.clock.now()), {"ETag": etag_of(ticket.version)}


Move = Annotated[Mover, Depends(Mover)]
