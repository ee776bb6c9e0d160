"""A department takes what is on offer to it, each ticket under a lease of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.dispatch.db import pull
from services.dispatch.domain.ticket import Ticket
from services.dispatch.use_cases.lease_tokens import hash_of, new_token
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, Forbidden, InvalidInput
from shared.identity.principal import Principal
from shared.identity.scopes import Scope


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a ticket until when; the token is shown here only."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Pulled:
    ticket: Ticket
    lease: Lease


def department_to_pull_for(principal: Principal, department_code: str | None) -> str:
    """Return whose tickets the caller may pull: its own department's; an administrator names one.

    Raises Forbidden for any other.
    """
    if principal.department_code is not None:
        if department_code not in {None, principal.department_code}:
            raise Forbidden("A department pulls only its own tickets.")
        return principal.department_code
    if not principal.has(Scope.ADMIN):
        raise Forbidden("This credential belongs to no department.")
    if department_code is None:
        problem = FieldProblem("/department_code", "is needed when the credential belongs to no department")
        raise InvalidInput("Whose tickets are to be pulled?", [problem])
    return department_code


async def pull_tickets(uow: UnitOfWork, *, department_code: str, limit: int, lease_for: timedelta) -> list[Pulled]:
    """Lease up to `limit` tickets: the most urgent and first due first; two pullers never get the same one.

    A ticket stays on offer until the department moves it, so a lease that ends is simply taken again.
    """
    offered = await pull.lock_offers(uow, department_code, limit)
    if not offered:
        return []
    tokens = {ticket_id: new_token() for ticket_id in offered}
    expires_at = uow.now + lease_for
    leased = await pull.lease(uow, [(id_, hash_of(token)) for id_, token in tokens.items()], expires_at)
    return [Pulled(ticket, Lease(tokens[ticket.id], expires_at)) for ticket in leased]
