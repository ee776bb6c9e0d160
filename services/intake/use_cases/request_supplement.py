"""Asking for everything that is missing, once and in writing (T4, LZ-11): the clocks stop until it is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.groups import count_members
from services.intake.db.supplements import NewRequest, StoredRequest, add_request, find_requests
from services.intake.domain.machine import Move
from services.intake.domain.supplements import AskedTwice, Paper, check_list, check_may_wait, deadline_of, shown_moment
from services.intake.use_cases.carry_out_move import Mover, Outcome, begin_move, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.find_appeals import get_appeal
from services.intake.use_cases.mask_words import mask_for
from services.intake.use_cases.withdraw_appeal import HasMembers
from shared.contracts.events import AppealSupplementRequested
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealType, HandlingMode, Urgency

# It is handled under the citizen's own list from now on. What goes up to a superior, or elsewhere, stays that.
_BECOMES_SUPPLEMENT: Final = frozenset({None, HandlingMode.IMMEDIATE, HandlingMode.COMMITTED})


@dataclass(frozen=True, slots=True)
class RequestSupplement:
    """The whole list; `due_at` None takes the general term. `reason` and the right to review allow a second list."""

    appeal_id: UUID
    papers: Sequence[Paper]
    note: str = ""
    due_at: datetime | None = None
    reason: str = ""
    may_ask_again: bool = False


async def request_supplement(uow: UnitOfWork, desk: Desk, command: RequestSupplement, mover: Mover) -> Row:
    """Give the citizen the list and stop the clocks; return the appeal.

    Raises NotFound, StaleVersion, IllegalMove, InvalidInput, AskedTwice (trap 7), WaitsForNoPapers (section 3.5),
    HasMembers.
    """
    check_list(command.papers)
    moving = await begin_move(uow, command.appeal_id, Move.REQUEST_SUPPLEMENT, mover)
    row = moving.row
    await _check_nobody_else_waits(uow, moving.appeal_id)
    check_may_wait(Urgency(row["urgency"]) if row["urgency"] else None)
    is_second = await _is_second(uow, command)
    deadline = deadline_of(desk.papers, now=uow.now, asked_due_at=command.due_at)
    mask = await mask_for(uow, desk, moving.appeal_id)
    new = NewRequest(
        appeal_id=moving.appeal_id,
        papers=[Paper(mask(paper.name), mask(paper.note)) for paper in command.papers],
        note=mask(command.note),
        asked_again_because=mask(command.reason) if is_second else None,
        deadline=deadline,
        at=uow.now,
        actor=mover.actor,
    )
    await add_request(uow.connection, new)
    mode = HandlingMode(row["mode"]) if row["mode"] else None
    changes = {"mode": HandlingMode.SUPPLEMENT} if mode in _BECOMES_SUPPLEMENT else {}
    after = await finish_move(uow, moving, Outcome(details=_details(desk, new, mode, changes), changes=changes))
    if row["accepted_at"] is not None:
        asked = AppealSupplementRequested(at=uow.now, due_at=deadline.due_at)
        uow.publish(asked, subject=moving.appeal_id)
    return after


async def _check_nobody_else_waits(uow: UnitOfWork, appeal_id: UUID) -> None:
    """Papers of one citizen stop no clock of others. Raises HasMembers."""
    members = await count_members(uow.connection, appeal_id)
    if members:
        raise HasMembers("Others are attached to this appeal: detach them before papers are awaited.", members=members)


async def list_supplements(
    uow: UnitOfWork, appeal_id: UUID, *, department_code: str | None = None
) -> list[StoredRequest]:
    """Return every list an appeal's citizen was given, the latest first. Raises NotFound as get_appeal does.

    What was written to the reporter of a report is not for departments (section 9): one may be the reported party.
    """
    row = await get_appeal(uow, appeal_id, department_code=department_code)
    if department_code is not None and row["type"] == AppealType.REPORT:
        return []
    return await find_requests(uow.connection, appeal_id)


async def _is_second(uow: UnitOfWork, command: RequestSupplement) -> bool:
    """Tell whether an earlier list was completed. Raises AskedTwice unless a reviewer says why once more."""
    earlier = [r for r in await find_requests(uow.connection, command.appeal_id) if r.outcome == "complete"]
    if not earlier:
        return False
    if command.may_ask_again and command.reason:
        return True
    raise AskedTwice(
        "Everything that was asked for has come. Only a reviewer may ask again, giving a reason.",
        delivered=[item.listed.paper.name for request in earlier for item in request.items],
    )


def _details(desk: Desk, new: NewRequest, mode: HandlingMode | None, changes: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {
        "papers": [{"name": paper.name, "note": paper.note} for paper in new.papers],
        "due_at": new.deadline.due_at.isoformat(),
        "due_on": shown_moment(new.deadline.due_at, desk.zone),
    }
    if new.note:
        details["note"] = new.note
    if new.asked_again_because:
        details["asked_again_because"] = new.asked_again_because
    if changes:
        details["changes"] = {"mode": {"from": mode, "to": changes["mode"]}}
    return details
