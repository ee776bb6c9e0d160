"""What intake's endpoints share: the desk, who may do what, and replies that are kept sealed."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request, Response, Security

from services.intake.db.express import ExpressLane
from services.intake.db.vault import Vault
from services.intake.use_cases.carry_out_move import Mover
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.watch_access import Onlooker
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import IdempotencyContext, require
from shared.http.idempotency import Render, StoredReply, claim, make_reply, store_reply
from shared.http.preconditions import Expected, expect
from shared.identity.principal import Principal

T = TypeVar("T")

Writer = Annotated[Principal, Security(require("appeals:write"))]
Reader = Annotated[Principal, Security(require("appeals:read"))]
Reviewer = Annotated[Principal, Security(require("appeals:review"))]
Revealer = Annotated[Principal, Security(require("appeals:reveal"))]
Guardian = Annotated[Principal, Security(require("privacy:write"))]
Editor = Annotated[Principal, Security(require("categories:write"))]


async def get_desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


async def get_lane(request: Request) -> ExpressLane:
    return cast("ExpressLane", request.app.state.express_lane)


def onlooker_of(principal: Principal, reason: str = "") -> Onlooker:
    """Return who looks at personal data, and why."""
    return Onlooker(principal.actor, principal.id, department_code=principal.department_code, reason=reason)


def mover_of(principal: Principal, expected: Expected | None) -> Mover:
    """Return who makes a move; a version they decided on (If-Match) is checked under the lock."""
    return Mover(
        principal.actor,
        department_code=principal.department_code,
        check_version=lambda version: expect(expected, version),
    )


TheDesk = Annotated[Desk, Depends(get_desk)]
TheLane = Annotated[ExpressLane, Depends(get_lane)]


async def run_sealed(
    idem: IdempotencyContext,
    database: Database,
    vault: Vault,
    work: Callable[[UnitOfWork], Awaitable[T]],
    *,
    status: int,
    render: Render[T],
) -> Response:
    """Like `idem.run`, for replies that hold an access code: the kept copy is encrypted."""
    identity = idem.identity
    if identity is None:
        return await idem.run(database, work, status=status, render=render)

    async def once(uow: UnitOfWork) -> tuple[StoredReply, bool]:
        found = await claim(uow, identity)
        if found is not None:
            return opened(vault, found, identity.id), True
        body, headers = render(await work(uow))
        reply = make_reply(status, body, headers)
        await store_reply(uow, identity, sealed(vault, reply, identity.id))
        return reply, False

    reply, replayed = await database.transact(once)
    return idem.answer(reply, replayed=replayed)


def sealed(vault: Vault, reply: StoredReply, bound_to: bytes) -> StoredReply:
    """Return the reply as it is kept."""
    return StoredReply(reply.status, reply.headers, vault.seal_reply(reply.body, bound_to))


def opened(vault: Vault, reply: StoredReply, bound_to: bytes) -> StoredReply:
    """Return a kept reply as it was given."""
    return StoredReply(reply.status, reply.headers, vault.open_reply(reply.body, bound_to))
