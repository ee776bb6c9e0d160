"""Registering appeals (T1) and accepting those that lack nothing (T10): one or a batch, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from services.intake.db.catalogue import Catalogue
from services.intake.db.registration import NewAppeal, Seen, find_taken, insert_appeals
from services.intake.db.unique import receipt_or_reference_taken
from services.intake.domain import access_codes, appeals, groups, receipts
from services.intake.domain.appeals import Registered, Submission
from services.intake.domain.categories import Category, usable_category
from services.intake.domain.suggestion import Advice, decision_of
from services.intake.use_cases.check_references import check_references
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_signatories import register_signatories
from services.intake.use_cases.suggest_category import advise_on, chosen_category, keep_advice
from shared.contracts.events import AppealAccepted
from shared.db.engine import RetryTransaction
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, DomainError, Forbidden
from shared.ids import uuid7
from shared.vocabulary import AppealStatus, AppealType

_MOST_DRAWS: Final = 20


class DuplicateExternalRef(Conflict):
    """The matter with this reference is on record already."""

    code = "duplicate_external_ref"
    title = "This external reference is on record already"


@dataclass(frozen=True, slots=True)
class RegisterAppeal:
    """Register one submission.

    `may_read` tells whether the caller may learn of an earlier appeal; `may_classify` whether it is staff, who may
    decide urgency and mode otherwise than by rule (trap 32).
    """

    submission: Submission
    actor: str
    may_read: bool = False
    may_classify: bool = True


Outcome = NewAppeal | DomainError


async def register_appeal(uow: UnitOfWork, desk: Desk, command: RegisterAppeal) -> NewAppeal:
    """Put one appeal on record and publish it if it is accepted.

    Raises InvalidInput naming every field at fault, DuplicateExternalRef. Nothing is written then.
    """
    [outcome] = await register_appeals(uow, desk, [command])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def register_appeals(uow: UnitOfWork, desk: Desk, commands: Sequence[RegisterAppeal]) -> list[Outcome]:
    """Put a batch on record in this transaction; return, in order, each appeal or why it was refused.

    A refused one stops no other. A race for a number or a reference runs the transaction again.
    """
    catalogue = await desk.catalogue.within(uow.connection)
    advices = await advise_on(uow, desk, catalogue, [command.submission for command in commands])
    outcomes: list[Outcome] = [
        _prepared(desk, catalogue, command, uow.now, advice) for command, advice in zip(commands, advices, strict=True)
    ]
    for index, fault in enumerate(await check_references(uow, [command.submission for command in commands])):
        if fault is not None and isinstance(outcomes[index], NewAppeal):
            outcomes[index] = fault
    await _refuse_taken(uow, desk, commands, outcomes)
    new = [outcome for outcome in outcomes if isinstance(outcome, NewAppeal)]
    if not new:
        return outcomes
    await write(uow, new)
    for appeal in new:
        if appeal.registered.status is AppealStatus.AWAITING_DISPATCH:
            uow.publish(accepted_event(appeal), subject=appeal.id)
    await register_signatories(uow, desk, new)
    suggested = zip(outcomes, advices, strict=True)
    await keep_advice(uow, {o.id: advice for o, advice in suggested if isinstance(o, NewAppeal) and advice is not None})
    return outcomes


async def write(uow: UnitOfWork, new: Sequence[NewAppeal]) -> None:
    """Insert appeals. Raises RetryTransaction when another transaction took a number or reference meanwhile."""
    try:
        await insert_appeals(uow.connection, new)
    except Exception as error:
        if receipt_or_reference_taken(error):
            raise RetryTransaction from error
        raise


def prepare(
    desk: Desk, catalogue: Catalogue, command: RegisterAppeal, now: datetime, *, advised: Category | None = None
) -> NewAppeal:
    """Apply the rules and make what the record needs: id, numbers, sealed personal data.

    `advised` is the category of a matter that came without one, where a model is sure enough of it. Raises
    InvalidInput, and Forbidden when a caller who is not staff sets urgency or mode.
    """
    submission = command.submission
    if not command.may_classify and (submission.urgency or submission.mode):
        raise Forbidden("Urgency and mode are set by rule and by staff, not by who appeals.")
    code = submission.category_code
    category = usable_category(catalogue.categories, code) if code is not None else advised
    registered = appeals.register(submission, category=category, area=catalogue.area, now=now, terms=desk.terms)
    return new_appeal(desk, registered, actor=command.actor, seen=Seen(registered.status, now))


def new_appeal(desk: Desk, registered: Registered, *, actor: str, seen: Seen) -> NewAppeal:
    """Give a registered appeal its id, receipt number and access code, and seal what is personal."""
    appeal_id = uuid7()
    vault = desk.vault
    access_code = access_codes.new_access_code()
    local = registered.registered_at.astimezone(desk.zone)
    reporter = registered.submission.reporter
    return NewAppeal(
        id=appeal_id,
        receipt_number=receipts.new_receipt_number(local.year),
        access_code=access_code,
        access_hash=access_codes.hash_access_code(access_code, vault.access_key),
        registered=registered,
        sealed=vault.seal(appeal_id, registered.secrets) if registered.secrets else None,
        phone_hash=vault.phone_hash(registered.phone) if registered.phone else None,
        email_hash=vault.email_hash(reporter.email) if reporter and reporter.email else None,
        actor=actor,
        seen=seen,
    )


def accepted_event(new: NewAppeal) -> AppealAccepted:
    """Return what the other services may know: no personal data, and of a report only its category."""
    return AppealAccepted.model_construct(**facts_of(new))


def accepted_payload(new: NewAppeal) -> str:
    """Return the same event as the text that is stored; without a model in between it costs a tenth."""
    return orjson.dumps(facts_of(new), option=orjson.OPT_UTC_Z).decode()


def facts_of(new: NewAppeal) -> dict[str, Any]:
    """The fields of AppealFacts. They come from checked values, so they are not checked again."""
    registered = new.registered
    said, public = registered.submission, registered.public
    category = registered.classification.category
    location, reporter, joint, external = said.location, said.reporter, said.joint, said.external_ref
    return {
        "receipt_number": new.receipt_number,
        "type": said.type,
        "channel": said.channel,
        "category_code": category.code if category else "",
        "category_name": category.name if category else "",
        "urgency": registered.classification.urgency,
        "mode": registered.classification.mode,
        "title": public.title,
        "description": public.description,
        "grid_code": location.grid_code if location else None,
        "longitude": location.longitude if location else None,
        "latitude": location.latitude if location else None,
        "place": public.place,
        "anonymous": reporter.anonymous if reporter else False,
        "confidential": registered.confidential,
        "wants_reply": reporter.wants_reply if reporter else True,
        "special_care": said.special_care if said.type is not AppealType.REPORT else (),
        "households": joint.households if joint else 0,
        "signatories": groups.persons_of(joint),
        "external_system": external.system if external else None,
        "external_id": external.id if external else None,
        "occurred_at": registered.occurred_at,
        "received_at": registered.received_at,
        "accepted_at": registered.accepted_at or registered.registered_at,
    }


def _prepared(
    desk: Desk, catalogue: Catalogue, command: RegisterAppeal, now: datetime, advice: Advice | None
) -> Outcome:
    advised = chosen_category(desk, catalogue, advice, command.submission.type)
    try:
        new = prepare(desk, catalogue, command, now, advised=advised)
    except DomainError as error:
        return error
    if advice is None or advised is None:
        return new
    decisions = {**new.registered.decisions, **decision_of(advice)}
    return replace(new, registered=replace(new.registered, decisions=decisions))


async def _refuse_taken(
    uow: UnitOfWork, desk: Desk, commands: Sequence[RegisterAppeal], outcomes: list[Outcome]
) -> None:
    """Draw again for numbers that are taken; refuse references that are on record or stand twice in the batch."""
    for _ in range(_MOST_DRAWS):
        drawn = {index: new for index, new in enumerate(outcomes) if isinstance(new, NewAppeal)}
        taken = await find_taken(
            uow.connection,
            [new.receipt_number for new in drawn.values()],
            [key for new in drawn.values() if (key := external_key(new)) is not None],
        )
        seen: dict[tuple[str, str], tuple[UUID, str]] = dict(taken.external)
        used = set(taken.receipt_numbers)
        again = False
        for index, new in drawn.items():
            key = external_key(new)
            if key is not None and key in seen:
                outcomes[index] = duplicate(seen[key], may_read=commands[index].may_read)
                continue
            if new.receipt_number in used:
                again = True
                outcomes[index] = new_appeal(desk, new.registered, actor=new.actor, seen=new.seen)
                continue
            used.add(new.receipt_number)
            if key is not None:
                seen[key] = (new.id, new.receipt_number)
        if not again:
            return
    raise RuntimeError("no free receipt number was found")


def external_key(new: NewAppeal) -> tuple[str, str] | None:
    reference = new.registered.submission.external_ref
    return (reference.system, reference.id) if reference is not None else None


def duplicate(existing: tuple[UUID, str], *, may_read: bool) -> DuplicateExternalRef:
    """Return the refusal; who may read appeals is told which one it is."""
    known = {"appeal_id": str(existing[0]), "receipt_number": existing[1]} if may_read else {}
    return DuplicateExternalRef("An appeal with this external reference exists.", **known)
