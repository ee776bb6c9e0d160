"""What the endpoints of all moves share: who moves it, what they have seen, and the appeal as the answer."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Response

from services.intake.api.dependencies import Writer
from services.intake.api.views import appeal_view
from services.intake.db.appeals import Row
from services.intake.use_cases.carry_out_move import Mover
from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import Db, Idempotency, IdempotencyContext, IfMatch, etag_of
from shared.http.preconditions import Expected, expect
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

MOVE_PROBLEMS: Final = problem_documentation([404, 409, 412])


class MoveRequest:
    """One request to move an appeal. `run` carries it out once per idempotency key and answers with the appeal."""

    __slots__ = ("_database", "_idempotency", "mover", "principal")

    def __init__(self, database: Db, idempotency: IdempotencyContext, expected: Expected | None, principal: Principal):
        self._database = database
        self._idempotency = idempotency
        self.principal = principal
        self.mover = Mover(
            actor=principal.actor,
            department_code=principal.department_code,
            check_version=lambda version: expect(expected, version),
        )

    async def run(self, work: Callable[[UnitOfWork, Mover], Awaitable[Row]]) -> Response:
        """Answer 200 with AppealView and its ETag. Raises what `work` raises; then nothing is changed."""
        return await self._idempotency.run(
            self._database,
            lambda uow: work(uow, self.mover),
            status=200,
            render=lambda row: (appeal_view(row), {"ETag": etag_of(row["shown_version"])}),
        )


async def _move_request(db: Db, idem: Idempotency, expected: IfMatch, principal: Writer) -> MoveRequest:
    return MoveRequest(db, idem, expected, principal)


TheMove = Annotated[MoveRequest, Depends(_move_request)]
"""A dependency of endpoints that need `appeals:write`: `move: TheMove`, then `return await move.run(...)`."""
