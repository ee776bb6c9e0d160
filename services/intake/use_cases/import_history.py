"""Matters of the past enter with their own times: they are on record, and nobody is notified of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.intake.db.catalogue import Catalogue
from services.intake.db.registration import NewAppeal, Seen, find_taken
from services.intake.domain import appeals, texts
from services.intake.domain.appeals import Submission
from services.intake.domain.categories import Category
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.register_appeals import external_key, facts_of, new_appeal, write
from shared.contracts.events import AppealImported
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealStatus, HandlingMode, Urgency

IMPORT_ACTOR = "import"


@dataclass(frozen=True, slots=True)
class PastAppeal:
    """One matter of the past. Its submission needs a category, `received_at`, and an external reference.

    `urgency` and `mode` are what they were then; left out, the category's. A category that is retired today is fine.
    """

    submission: Submission
    department_code: str
    dispatched_at: datetime
    department_name: str = ""
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    resolve_due_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None


class ImportStatus(StrEnum):
    """What became of an item."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of an item; of a duplicate, the appeal that is on record already."""

    status: ImportStatus
    appeal_id: UUID | None = None
    receipt_number: str | None = None
    problems: tuple[FieldProblem, ...] = ()


async def import_appeals(uow: UnitOfWork, desk: Desk, items: Sequence[PastAppeal]) -> list[ImportResult]:
    """Put a batch on record in this transaction; return a result per item, in order.

    Safe to repeat: what is on record already is found by its external reference and skipped. A rejected item stops no
    other. Publishes AppealImported for each that is created.
    """
    catalogue = await desk.catalogue.within(uow.connection)
    prepared = [_prepare(desk, catalogue, item, uow.now) for item in items]
    results = await _skip_known(uow, desk, prepared)
    created = [new for new, result in zip(prepared, results, strict=True) if _is_created(result, new)]
    fresh = [new for new in created if isinstance(new, NewAppeal)]
    if fresh:
        await write(uow, fresh)
    for item, new, result in zip(items, prepared, results, strict=True):
        if isinstance(new, NewAppeal) and _is_created(result, new):
            uow.publish(_event(item, new), subject=new.id)
    return results


def _prepare(desk: Desk, catalogue: Catalogue, item: PastAppeal, now: datetime) -> NewAppeal | ImportResult:
    problems = list(_problems_of(item, catalogue, now))
    if problems:
        return ImportResult(ImportStatus.REJECTED, problems=tuple(problems))
    category: Category = catalogue.categories[item.submission.category_code or ""]
    try:
        registered = appeals.register(item.submission, category=category, area=catalogue.area, now=now)
    except InvalidInput as error:
        return ImportResult(ImportStatus.REJECTED, problems=tuple(error.problems))
    registered = appeals.with_defaults(registered, urgency=item.urgency, mode=item.mode)
    return new_appeal(desk, registered, actor=IMPORT_ACTOR, seen=_seen(item))


def _problems_of(item: PastAppeal, catalogue: Catalogue, now: datetime) -> list[FieldProblem]:
    said = item.submission
    problems = []
    if said.category_code not in catalogue.categories:
        problems.append(FieldProblem("/category_code", "there is no such category"))
    if said.external_ref is None:
        problems.append(FieldProblem("/external_ref", "is needed, so that nothing is imported twice"))
    if said.received_at is None:
        problems.append(FieldProblem("/received_at", "is required"))
    if not said.title.strip():
        problems.append(FieldProblem("/title", "is required"))
    for name, text in (("title", said.title), ("description", said.description)):
        if not texts.is_clean(text):
            problems.append(FieldProblem(f"/{name}", "contains control characters or is not valid Unicode"))
    return [*problems, *_problems_of_times(item, now)]


def _problems_of_times(item: PastAppeal, now: datetime) -> Iterator[FieldProblem]:
    received_at = item.submission.received_at
    times = (("dispatched_at", item.dispatched_at), ("resolved_at", item.resolved_at), ("closed_at", item.closed_at))
    for name, moment in times:
        if moment is None:
            continue
        if moment > now:
            yield FieldProblem(f"/{name}", "lies in the future")
        elif received_at is not None and moment < received_at:
            yield FieldProblem(f"/{name}", "lies before received_at")


def _seen(item: PastAppeal) -> Seen:
    """What the citizen sees of it: where it ended, as far as it did."""
    if item.closed_at is not None:
        status, as_of = AppealStatus.CLOSED, item.closed_at
    elif item.resolved_at is not None:
        status, as_of = AppealStatus.AWAITING_CALLBACK, item.resolved_at
    else:
        status, as_of = AppealStatus.IN_PROGRESS, item.dispatched_at
    return Seen(
        status=status,
        as_of=as_of,
        department_code=item.department_code,
        department_name=item.department_name or item.department_code,
        promised_by=item.resolve_due_at,
        assigned_at=item.dispatched_at,
    )


async def _skip_known(uow: UnitOfWork, desk: Desk, prepared: list[NewAppeal | ImportResult]) -> list[ImportResult]:
    """Return the results, drawing new receipt numbers in place where one is taken."""
    drawn = [new for new in prepared if isinstance(new, NewAppeal)]
    keys = [key for new in drawn if (key := external_key(new)) is not None]
    taken = await find_taken(uow.connection, [new.receipt_number for new in drawn], keys)
    known = dict(taken.external)
    used = set(taken.receipt_numbers)
    results = []
    for index, new in enumerate(prepared):
        if isinstance(new, ImportResult):
            results.append(new)
            continue
        key = external_key(new)
        if key is not None and key in known:
            results.append(ImportResult(ImportStatus.DUPLICATE, *known[key]))
            continue
        while new.receipt_number in used:
            new = new_appeal(desk, new.registered, actor=new.actor, seen=new.seen)  # noqa: PLW2901
        prepared[index] = new
        used.add(new.receipt_number)
        if key is not None:
            known[key] = (new.id, new.receipt_number)
        results.append(ImportResult(ImportStatus.CREATED, new.id, new.receipt_number))
    return results


def _is_created(result: ImportResult, new: NewAppeal | ImportResult) -> bool:
    return result.status is ImportStatus.CREATED and isinstance(new, NewAppeal)


def _event(item: PastAppeal, new: NewAppeal) -> AppealImported:
    return AppealImported.model_construct(
        **{**facts_of(new), "accepted_at": item.dispatched_at},
        department_code=item.department_code,
        dispatched_at=item.dispatched_at,
        resolve_due_at=item.resolve_due_at,
        resolved_at=item.resolved_at,
        closed_at=item.closed_at,
    )


def with_reference(item: PastAppeal, system: str, id_: str) -> PastAppeal:
    """Return the item with its number in the system it came from."""
    reference = appeals.ExternalRef(system, id_)
    return replace(item, submission=replace(item.submission, external_ref=reference))
