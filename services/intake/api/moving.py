"""What the endpoints of all moves share: who moves it, what they have seen, and the appeal as the answer."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Response, Security

from services.intake.api.dependencies import mover_of
from services.intake.api.views import appeal_view
from services.intake.db.appeals import Row
from services.intake.use_cases.carry_out_move import Mover
from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import Db, Idempotency, IdempotencyContext, IfMatch, etag_of, require
from shared.http.preconditions import Expected
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

MOVE_PROBLEMS: Final = problem_documentation([404, 409, 412])


class MoveRequest:
    """One request to move an appeal. `run` carries it out once per idempotency key and answers with the appeal."""

    __slots__ = ("_database", "_idempotency", "mover", "principal")

    def __init__(
        self, database: Db, idempotency: IdempotencyContext, expected: Expected | None, principal: Principal
    ) -> None:
        self._database = database
        self._idempotency = idempotency
        self.principal = principal
        self.mover = mover_of(principal, expected)

    async def run(self, work: Callable[[UnitOfWork, Mover], Awaitable[Row]], *, status: int = 200) -> Response:
        """Answer with AppealView and its ETag. Raises what `work` raises; then nothing is changed."""
        return await self._idempotency.run(
            self._database,
            lambda uow: work(uow, self.mover),
            status=status,
            render=lambda row: (appeal_view(row), {"ETag": etag_of(row["shown_version"])}),
        )


def _move_request(*scopes: str) -> Any:
    """Return the dependency of a move that needs one of these scopes."""
    right = Security(require(*scopes))

    async def move_request(
        db: Db, idem: Idempotency, expected: IfMatch, principal: Annotated[Principal, right]
    ) -> MoveRequest:
        return MoveRequest(db, idem, expected, principal)

    return Depends(move_request)


TheMove = Annotated[MoveRequest, _move_request("appeals:write")]
"""A dependency of endpoints that need `appeals:write`: `move: TheMove`, then `return await move.run(...)`."""
TheDecision = Annotated[MoveRequest, _move_request("appeals:review")]
TheMoveOrDecision = Annotated[MoveRequest, _move_request("appeals:write", "appeals:review")]
