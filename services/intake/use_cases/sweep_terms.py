"""What happens by itself when a term runs out: T_ACCEPT is marked, papers are reminded of, and at last given up (T6).

Each is safe to run at any time and any number of times: it looks again under the appeal's lock before it acts.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.db import acceptance
from services.intake.db.acceptance import OverdueMark
from services.intake.db.appeals import Row
from services.intake.db.supplements import StoredRequest, close_request, find_open_request, note_reminder
from services.intake.domain import machine
from services.intake.domain.machine import Move
from services.intake.domain.supplements import due_after_reminder, shown_moment
from services.intake.use_cases.carry_out_move import Mover, Moving, Outcome, begin_move, ended_event, finish_move
from shared.db.cursors import cut_page, decode_position
from shared.db.unit_of_work import UnitOfWork
from shared.errors import IllegalMove
from shared.vocabulary import AppealStatus

SYSTEM: Final = "system"
NEVER_CAME: Final = "papers_never_came"


async def mark_overdue(uow: UnitOfWork, *, limit: int) -> list[timedelta]:
    """Mark appeals whose scope was not decided in time, each once; return how late each was when it was seen."""
    rule = machine.decide(AppealStatus.REGISTERED, Move.OVERRUN_ACCEPTANCE)
    due = await acceptance.mark_overdue(uow.connection, OverdueMark(uow.now, rule.rule_id, SYSTEM), limit=limit)
    return [uow.now - at for at in due]


async def list_overdue(uow: UnitOfWork, *, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Return a page of appeals that are past T_ACCEPT and still undecided, the longest first.

    Raises InvalidInput for a cursor that is not of this list.
    """
    after = decode_position(cursor)
    found = await acceptance.list_overdue(uow.connection, uow.now, after=after, limit=limit + 1)
    return cut_page(found, limit, by="accept_due_at")


async def count_overdue(uow: UnitOfWork, *, at_most: int) -> int:
    """Return how many appeals are past T_ACCEPT and still undecided, counted up to a bound."""
    return await acceptance.count_overdue(uow.connection, uow.now, at_most=at_most)


async def remind_of_papers(uow: UnitOfWork, appeal_id: UUID, *, zone: ZoneInfo) -> bool:
    """Remind the citizen, once per list; return whether that was done now. A late reminder puts the end off."""
    found = await _awaited(uow, appeal_id, Move.REMIND_SUPPLEMENT)
    if found is None:
        return False
    moving, request = found
    if request.reminded_at is not None or request.deadline.remind_at > uow.now:
        return False
    due_at = due_after_reminder(request.deadline, uow.now)
    await note_reminder(uow.connection, request.id, at=uow.now, due_at=due_at)
    details = {
        "missing": request.missing,
        "due_at": due_at.isoformat(),
        "due_on": shown_moment(due_at, zone),
    }
    await finish_move(uow, moving, Outcome(details=details))
    return True


async def expire_papers(uow: UnitOfWork, appeal_id: UUID) -> bool:
    """T6: end an appeal whose papers never came; return whether that was done now. Never without a reminder before."""
    found = await _awaited(uow, appeal_id, Move.EXPIRE_SUPPLEMENT)
    if found is None:
        return False
    moving, request = found
    if request.reminded_at is None or request.deadline.due_at > uow.now:
        return False
    await close_request(uow.connection, request.id, "expired", uow.now)
    details = {"reason": NEVER_CAME, "missing": request.missing, "reminded_at": request.reminded_at.isoformat()}
    await finish_move(uow, moving, Outcome(details=details))
    uow.publish(ended_event(uow, moving, reason_code=NEVER_CAME), subject=appeal_id)
    return True


async def _awaited(uow: UnitOfWork, appeal_id: UUID, move: Move) -> tuple[Moving, StoredRequest] | None:
    """Lock the appeal and return its open list; one of an appeal that ended otherwise (withdrawn) is closed."""
    try:
        moving = await begin_move(uow, appeal_id, move, Mover(SYSTEM))
    except IllegalMove:
        left_over = await find_open_request(uow.connection, appeal_id)
        if left_over is not None:
            await close_request(uow.connection, left_over.id, "dropped", uow.now)
        return None
    request = await find_open_request(uow.connection, appeal_id)
    return (moving, request) if request is not None else None
