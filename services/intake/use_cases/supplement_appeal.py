"""Papers come in (T5): ticked off the list; with the last of them the appeal goes on where it stood."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.supplements import StoredRequest, close_request, find_open_request, tick_items
from services.intake.domain.acceptance import is_held
from services.intake.domain.machine import Move
from services.intake.domain.supplements import Paper, is_complete, tick_off
from services.intake.use_cases.accept_appeal import missing_of, publish_accepted
from services.intake.use_cases.carry_out_move import Mover, Moving, Outcome, begin_move, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_words import keep_secrets, secrets_of
from services.intake.use_cases.mask_words import mask_for
from services.intake.use_cases.track_appeal import find_by_credentials
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict
from shared.vocabulary import AppealType, HandlingMode

CITIZEN = "citizen"


@dataclass(frozen=True, slots=True)
class SupplementAppeal:
    """What came, by the names on the list; a note says what the citizen said with it."""

    appeal_id: UUID
    papers: Sequence[Paper]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves a citizen."""

    receipt_number: str
    access_code: str


async def supplement_appeal(uow: UnitOfWork, desk: Desk, command: SupplementAppeal, mover: Mover) -> Row:
    """Tick off what came; return the appeal: still waiting, back on the review list, or accepted.

    The citizen's own words go into the vault, masked ones on the list. Raises NotFound, StaleVersion, IllegalMove,
    InvalidInput for something that is not on the list.
    """
    moving = await begin_move(uow, command.appeal_id, Move.SUPPLEMENT, mover)
    request = await find_open_request(uow.connection, moving.appeal_id)
    if request is None:
        raise Conflict("No papers are awaited.")
    positions = tick_off(request.listed, [paper.name for paper in command.papers])
    notes = await _keep_words(uow, desk, moving.row, command)
    delivered = dict(zip(positions, notes[1:], strict=True))
    await tick_items(uow.connection, request.id, delivered, at=uow.now, actor=mover.actor)
    details: dict[str, Any] = {"papers": [item.paper.name for item in request.listed if item.position in delivered]}
    if notes[0]:
        details["note"] = notes[0]
    if not is_complete(request.listed, positions):
        still = [item.paper.name for item in request.listed if item.is_open and item.position not in delivered]
        return await finish_move(uow, moving, Outcome(details={**details, "missing": still}, stays=True))
    await close_request(uow.connection, request.id, "complete", uow.now)
    return await _resume(uow, moving, request, details)


async def supplement_own_appeal(
    uow: UnitOfWork, desk: Desk, who: Credentials, *, papers: Sequence[Paper], note: str
) -> tuple[Row, StoredRequest | None]:
    """Let citizens deliver by themselves, as `supplement_appeal`; return the appeal and what is still awaited.

    Raises NotFound as tracking does, for whatever does not fit.
    """
    found = await find_by_credentials(uow, desk, receipt_number=who.receipt_number, access_code=who.access_code)
    row = await supplement_appeal(uow, desk, SupplementAppeal(found.id, papers, note), Mover(CITIZEN))
    return row, await find_open_request(uow.connection, found.id)


async def _resume(uow: UnitOfWork, moving: Moving, request: StoredRequest, details: dict[str, Any]) -> Row:
    """Go on: accepted when nothing else is missing, otherwise back to the agent with what was left of T_ACCEPT."""
    row = moving.row
    mode = HandlingMode(row["mode"]) if row["mode"] else None
    was_accepted = row["accepted_at"] is not None
    # An agent who chose to answer it at once still may; a matter that was with the departments goes back to them.
    waits = is_held(mode, chosen=not was_accepted, papers_complete=True)
    accepts = not missing_of(row) and not waits
    changes = {}
    if not accepts and row["accept_due_at"] is not None:
        left: timedelta = row["accept_due_at"] - request.requested_at
        changes["accept_due_at"] = uow.now + left
    after = await finish_move(uow, moving, Outcome(details=details, changes=changes, accepted=accepts))
    if accepts:
        publish_accepted(uow, before=row, after=after)
    return after


async def _keep_words(uow: UnitOfWork, desk: Desk, row: Row, command: SupplementAppeal) -> list[str]:
    """Return the notes as they may be shown, the general one first; of a report nothing is (section 9)."""
    said = [command.note, *(paper.note for paper in command.papers)]
    if not any(said):
        return said
    mask = await mask_for(uow, desk, row["id"])
    is_report = row["type"] == AppealType.REPORT
    shown = ["" if is_report else mask(text) for text in said]
    if shown != said:
        secrets = await secrets_of(uow, desk, row["id"])
        kept = {"at": uow.now.isoformat(), "note": command.note}
        papers = [{"name": paper.name, "note": paper.note} for paper in command.papers if paper.note]
        original = secrets.setdefault("original", {})
        original["supplements"] = [*original.get("supplements", []), {**kept, "papers": papers}]
        await keep_secrets(uow, desk, row["id"], secrets)
    return shown
