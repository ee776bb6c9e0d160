"""Opening the vault for one appeal: with a reason, leaving a trace before anything is shown (section 9).

Who reported (举报) is shown to one person only after another has allowed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from services.intake.db.appeals import read_vault
from services.intake.db.privacy import (
    RevealDecision,
    RevealRequest,
    Row,
    add_reveal_request,
    find_own_request,
    list_requests,
    lock_request,
    save_decision,
)
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.find_appeals import get_appeal
from services.intake.use_cases.keep_signatories import open_newest_list
from services.intake.use_cases.watch_access import AccessKind, Onlooker, trace
from shared.db.cursors import cut_page, decode_position
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import uuid7
from shared.vocabulary import AppealType

_UNDECIDED_FOR: Final = timedelta(days=2)
_APPROVED_FOR: Final = timedelta(hours=1)


class TwoPersonsNeeded(Forbidden):
    """A report's reporter is not shown on one person's word."""

    code = "two_persons_needed"
    title = "One person alone may not see this"


class SamePerson(Forbidden):
    """Whoever asks cannot allow it."""

    code = "same_person"
    title = "Another person has to decide this"


@dataclass(frozen=True, slots=True)
class Revealed:
    """The vault's content for one appeal; empty when there is nothing personal, or nothing any more."""

    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing is shown: a request waits for a second person. The refusal is on record."""

    request_id: UUID


async def reveal_reporter(uow: UnitOfWork, desk: Desk, appeal_id: UUID, onlooker: Onlooker) -> Revealed | Withheld:
    """Log the attempt, then return the vault's content, or the request that a second person has to allow.

    The caller turns Withheld into TwoPersonsNeeded after the commit, so that the trace stays. Raises NotFound.
    """
    row = await get_appeal(uow, appeal_id, department_code=onlooker.department_code)
    if row["type"] == AppealType.REPORT:
        request_id = await _request_to_wait_for(uow, appeal_id, onlooker)
        if request_id is not None:
            await trace(uow, appeal_id, onlooker, AccessKind.REVEAL, granted=False)
            return Withheld(request_id)
    await trace(uow, appeal_id, onlooker, AccessKind.REVEAL)
    sealed = await read_vault(uow.connection, appeal_id)
    content = desk.vault.open(appeal_id, sealed) if sealed is not None else {}
    signed = await open_newest_list(uow, desk, appeal_id)
    return Revealed(
        {**content, **{name: signed[name] for name in ("signatories", "representatives") if name in signed}}
    )


async def _request_to_wait_for(uow: UnitOfWork, appeal_id: UUID, onlooker: Onlooker) -> UUID | None:
    """Return the request that is undecided, made now if there was none; None when it was allowed."""
    own = await find_own_request(uow.connection, appeal_id, onlooker.principal_id, uow.now)
    if own is not None:
        waiting: UUID = own["id"]
        return None if own["approved"] else waiting
    request = RevealRequest(
        id=uuid7(),
        appeal_id=appeal_id,
        reason=onlooker.reason,
        actor=onlooker.actor,
        principal_id=onlooker.principal_id,
        at=uow.now,
        expires_at=uow.now + _UNDECIDED_FOR,
    )
    await add_reveal_request(uow.connection, request)
    return request.id


async def decide_reveal(uow: UnitOfWork, request_id: UUID, *, approved: bool, note: str, onlooker: Onlooker) -> Row:
    """Allow or refuse another person's request; an approval holds for an hour. Return the request.

    Raises NotFound, SamePerson, Conflict when it is decided or over.
    """
    request = await lock_request(uow.connection, request_id)
    if request is None:
        raise NotFound("There is no such request.")
    if request["requested_principal"] == onlooker.principal_id:
        raise SamePerson("Whoever asked to see it cannot allow it.")
    if request["approved"] is not None:
        raise Conflict("The request is decided already.", code="already_decided")
    if request["expires_at"] <= uow.now:
        raise Conflict("The request is too old; it has to be made again.", code="request_expired")
    decision = RevealDecision(
        request_id=request_id,
        approved=approved,
        actor=onlooker.actor,
        principal_id=onlooker.principal_id,
        note=note,
        at=uow.now,
        expires_at=uow.now + _APPROVED_FOR if approved else request["expires_at"],
    )
    await save_decision(uow.connection, decision)
    return await lock_request(uow.connection, request_id) or request


async def list_reveal_requests(
    uow: UnitOfWork, *, pending: bool | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of requests, the newest first. Raises InvalidInput for a cursor of another list."""
    after = decode_position(cursor)
    found = await list_requests(uow.connection, pending=pending, after=after, limit=limit + 1)
    return cut_page(found, limit, by="requested_at")
