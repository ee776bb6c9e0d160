"""Setting the category of a registered appeal (T43), which accepts it when nothing else is missing (T10)."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import (
    HistoryEntry,
    Reclassified,
    Row,
    append_history,
    find_appeal,
    lock_appeal,
    save_reclassified,
)
from services.intake.domain import machine
from services.intake.domain.appeals import classify, missing_for_acceptance, neutral_wording
from services.intake.domain.categories import Category, usable_category
from services.intake.domain.machine import Move
from services.intake.use_cases.desk import Desk
from shared.contracts.events import AppealAccepted
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

VersionCheck = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class RecategorizeAppeal:
    appeal_id: UUID
    category_code: str
    reason: str
    actor: str


async def recategorize_appeal(
    uow: UnitOfWork, desk: Desk, command: RecategorizeAppeal, *, check_version: VersionCheck
) -> Row:
    """Set the category, and with it urgency and mode; return the appeal as it is then.

    Raises NotFound, StaleVersion, IllegalMove once it is accepted, InvalidInput for a category that cannot be used.
    """
    row = await lock_appeal(uow.connection, command.appeal_id)
    if row is None:
        raise NotFound("There is no such appeal.")
    check_version(row["shown_version"])
    rule = machine.decide(AppealStatus(row["status"]), Move.RECATEGORIZE)
    category = usable_category((await desk.catalogue.within(uow.connection)).categories, command.category_code)
    changed, rules = _reclassified(row, category, rule, uow)
    await save_reclassified(uow.connection, changed)
    await append_history(
        uow.connection,
        HistoryEntry(
            appeal_id=changed.appeal_id,
            move=Move.RECATEGORIZE,
            rules=rules,
            from_status=AppealStatus(row["status"]),
            to_status=changed.status,
            actor=command.actor,
            at=uow.now,
            details={"from": row["category_code"], "to": category.code, "reason": command.reason},
        ),
    )
    if changed.status is AppealStatus.AWAITING_DISPATCH:
        uow.publish(_accepted(row, changed), subject=changed.appeal_id)
    after = await find_appeal(uow.connection, command.appeal_id)
    if after is None:
        raise NotFound("There is no such appeal.")
    return after


def _reclassified(
    row: Row, category: Category, rule: machine.Rule, uow: UnitOfWork
) -> tuple[Reclassified, tuple[str, ...]]:
    is_report = row["type"] == AppealType.REPORT
    classification = classify(category, tuple(SpecialCare(care) for care in row["special_care"]))
    status = rule.to
    rules: tuple[str, ...] = (rule.rule_id,)
    if not missing_for_acceptance(classification):
        accepted = machine.decide(status, Move.ACCEPT)
        status, rules = accepted.to, (*rules, accepted.rule_id)
    return (
        Reclassified(
            appeal_id=row["id"],
            classification=classification,
            status=status,
            confidential=row["confidential"] or category.confidential,
            title=neutral_wording(category).title if is_report else row["title"],
            at=uow.now,
            accepted_at=uow.now if status is AppealStatus.AWAITING_DISPATCH else None,
        ),
        rules,
    )


def _accepted(row: Row, changed: Reclassified) -> AppealAccepted:
    """Return the event of an appeal that was on record before; what is stored is masked already."""
    category = changed.classification.category
    is_report = row["type"] == AppealType.REPORT
    return AppealAccepted(
        receipt_number=row["receipt_number"],
        type=AppealType(row["type"]),
        channel=Channel(row["channel"]),
        category_code=category.code if category else "",
        category_name=category.name if category else "",
        urgency=changed.classification.urgency or Urgency.P3,
        mode=changed.classification.mode or HandlingMode.COMMITTED,
        title=changed.title,
        description=row["description"],
        grid_code=row["grid_code"],
        longitude=row["longitude"],
        latitude=row["latitude"],
        place=row["place"],
        anonymous=row["anonymous"],
        confidential=changed.confidential,
        wants_reply=row["wants_reply"],
        special_care=() if is_report else tuple(SpecialCare(care) for care in row["special_care"]),
        households=row["households"],
        signatories=row["signatories"],
        external_system=row["external_system"],
        external_id=row["external_id"],
        occurred_at=row["occurred_at"],
        received_at=row["received_at"],
        accepted_at=changed.accepted_at or changed.at,
    )
