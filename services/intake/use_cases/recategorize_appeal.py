"""Changing what an appeal is about (T43), which accepts it when that was all that was missing (T10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.moves import NOTHING
from services.intake.db.suggestions import forget_words
from services.intake.db.supplements import find_open_request, was_completed
from services.intake.domain import channels
from services.intake.domain.acceptance import moved_due_at
from services.intake.domain.appeals import Classification, neutral_wording
from services.intake.domain.categories import Category, Tree, usable_category
from services.intake.domain.machine import Move
from services.intake.domain.reclassification import Present, Reclassified, Wanted, reclassify
from services.intake.use_cases.accept_appeal import publish_accepted
from services.intake.use_cases.carry_out_move import Mover, Moving, Outcome, begin_move, finish_move
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_words import keep_secrets, secrets_of
from services.intake.use_cases.mask_words import mask_for
from shared.contracts.events import AppealRecategorized
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

_WORDING: Final = ("title", "description", "place", "attributes")


@dataclass(frozen=True, slots=True)
class RecategorizeAppeal:
    """What is to be changed of an appeal, and why; None leaves a field as it is."""

    appeal_id: UUID
    reason: str = ""
    category_code: str | None = None
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    type: AppealType | None = None


async def recategorize_appeal(uow: UnitOfWork, desk: Desk, command: RecategorizeAppeal, mover: Mover) -> Row:
    """Change type, category, urgency or mode of an open appeal; return it as it is then.

    Nothing that was confidential becomes public by it, and no due time moves into the past. Raises NotFound,
    StaleVersion, IllegalMove, InvalidInput for a category that cannot be used or a missing reason, NothingChanges.
    """
    moving = await begin_move(uow, command.appeal_id, _move_of(command), mover)
    tree = (await desk.catalogue.within(uow.connection)).categories
    found = reclassify(_present(moving.row, tree), _wanted(command, tree))
    is_accepted = moving.before is AppealStatus.REGISTERED and found.accepts(
        papers_complete=await was_completed(uow.connection, moving.appeal_id)
    )
    changes = {
        **_classified(found),
        **await _protected(uow, desk, moving.row, found),
        **await _moved_term(uow, desk, moving, found),
    }
    mask = await mask_for(uow, desk, moving.appeal_id)
    details = {"reason": mask(command.reason), "changes": found.changes}
    after = await finish_move(uow, moving, Outcome(details=details, changes=changes, accepted=is_accepted))
    if is_accepted:
        publish_accepted(uow, before=moving.row, after=after)
    elif moving.row["accepted_at"] is not None:
        uow.publish(_recategorized(uow, after), subject=moving.appeal_id)
    return after


def _move_of(command: RecategorizeAppeal) -> Move:
    only_urgency = command.category_code is None and command.mode is None and command.type is None
    return Move.CHANGE_URGENCY if only_urgency else Move.RECATEGORIZE


def _present(row: Row, tree: Tree) -> Present:
    """A category that was retired since, or never in this tree, still says what came by rule."""
    code = row["category_code"]
    category = tree.get(code) or Category(code, row["category_name"] or "") if code is not None else None
    return Present(
        type=AppealType(row["type"]),
        classification=Classification(
            category,
            Urgency(row["urgency"]) if row["urgency"] else None,
            HandlingMode(row["mode"]) if row["mode"] else None,
        ),
        special_care=tuple(SpecialCare(care) for care in row["special_care"]),
        floor=channels.urgency_floor(Channel(row["channel"]), row["channel_details"]),
    )


def _wanted(command: RecategorizeAppeal, tree: Tree) -> Wanted:
    code = command.category_code
    return Wanted(
        type=command.type,
        category=usable_category(tree, code) if code is not None else None,
        urgency=command.urgency,
        mode=command.mode,
        reason=command.reason,
    )


def _classified(found: Reclassified) -> dict[str, Any]:
    category = found.classification.category
    return {
        "type": found.type,
        "category_code": category.code if category else None,
        "urgency": found.classification.urgency,
        "mode": found.classification.mode,
    }


async def _protected(uow: UnitOfWork, desk: Desk, row: Row, found: Reclassified) -> dict[str, Any]:
    """What a report, or a confidential category, hides from now on; nothing ever comes back out of the vault."""
    category = found.classification.category
    was_report, is_report = row["type"] == AppealType.REPORT, found.type is AppealType.REPORT
    is_confidential = row["confidential"] or is_report or bool(category and category.confidential)
    changes: dict[str, Any] = {"confidential": is_confidential}
    if is_confidential:
        changes["reporter_hint"] = NOTHING
        changes["channel_details"] = channels.shown(row["channel_details"], protected=True)
    if is_report or was_report:
        neutral = neutral_wording(category)
        changes |= {name: getattr(neutral, name) for name in _WORDING}
    if not was_report:
        await _keep_hidden(uow, desk, row, changes)
    if is_report:
        await forget_words(uow.connection, row["id"])
    return changes


async def _keep_hidden(uow: UnitOfWork, desk: Desk, row: Row, changes: Mapping[str, Any]) -> None:
    """Move the words that are hidden from now on into the vault, where the original ones stay."""
    named = {"address" if name == "place" else name: name for name in (*_WORDING, "channel_details")}
    hidden = {key: row[name] for key, name in named.items() if row[name] and row[name] != changes.get(name, row[name])}
    if hidden:
        secrets = await secrets_of(uow, desk, row["id"])
        secrets["original"] = {**hidden, **secrets.get("original", {})}
        await keep_secrets(uow, desk, row["id"], secrets)


async def _moved_term(uow: UnitOfWork, desk: Desk, moving: Moving, found: Reclassified) -> dict[str, Any]:
    """T_ACCEPT under the new urgency, from the original start. While papers are awaited its clock stands still."""
    row = moving.row
    if row["accept_due_at"] is None or row["accepted_at"] is not None:
        return {}
    now = uow.now
    if moving.before is AppealStatus.SUPPLEMENTING:
        request = await find_open_request(uow.connection, moving.appeal_id)
        now = request.requested_at if request is not None else now
    channel = Channel(row["channel"])
    old = desk.terms.term_of(Urgency(row["urgency"]) if row["urgency"] else None, channel)
    new = desk.terms.term_of(found.classification.urgency, channel)
    return {"accept_due_at": moved_due_at(row["accept_due_at"], old_term=old, new_term=new, now=now)}


def _recategorized(uow: UnitOfWork, after: Row) -> AppealRecategorized:
    return AppealRecategorized(
        category_code=after["category_code"] or "",
        category_name=after["category_name"] or "",
        urgency=Urgency(after["urgency"] or Urgency.P3),
        mode=HandlingMode(after["mode"] or HandlingMode.COMMITTED),
        title=after["title"],
        confidential=after["confidential"],
        type=AppealType(after["type"]),
        at=uow.now,
    )
