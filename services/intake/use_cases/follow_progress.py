"""What the other services tell becomes what citizens see: their events, translated into facts and lines and merged."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.db.progress import Told, add_entries, lock_progress, save_progress
from services.intake.domain.progress import Assignment, Fact, advance
from services.intake.domain.timeline import Entry, EntryCode, entry
from shared.contracts import events as e
from shared.contracts.envelope import Envelope, EventData
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.observability.redaction import mask_text
from shared.vocabulary import AppealStatus as S

Translation = tuple[Fact, Entry | None]
_FIRST_ROUND: Final = 1
_SHOWN_WHEN_RESUMED: Final = frozenset({S.IN_PROGRESS, S.UNDER_REVIEW})


async def follow(uow: UnitOfWork, items: Sequence[tuple[Envelope, EventData]], *, zone: ZoneInfo) -> None:
    """Merge events of different appeals into their progress, all or none. Order and repetition make no difference.

    Raises NotFound when an appeal is not on record: the event waits as a dead letter instead of vanishing.
    """
    told = []
    for envelope, event in items:
        fact, line = translate(event, zone)
        told.append(Told(envelope.subject, envelope.id, fact, line))
    stored = await lock_progress(uow.connection, [item.appeal_id for item in told])
    if len(stored) < len({item.appeal_id for item in told}):
        raise NotFound("An event tells of an appeal that is not on record.")
    merged: dict[UUID, Any] = dict(stored)
    for item in told:
        merged[item.appeal_id] = advance(merged[item.appeal_id], item.fact)
    # The version that clients see stands for what they see: a line that changes nothing of it leaves it alone.
    await save_progress(uow.connection, {id_: after for id_, after in merged.items() if after != stored[id_]})
    await add_entries(uow.connection, told)


def translate(event: EventData, zone: ZoneInfo) -> Translation:
    """Return what an event means for the citizen. Raises KeyError for an event nobody translates."""
    translator = _TRANSLATORS[type(event)]
    return translator(event, zone)


def _triaged(event: e.TicketTriaged, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, status=S.AWAITING_DISPATCH)
    return fact, entry(EntryCode.FINDING_DEPARTMENT, S.AWAITING_DISPATCH)


def _dispatched(event: e.TicketDispatched, _zone: ZoneInfo) -> Translation:
    assignment = Assignment(
        round=event.round,
        leg=event.leg,
        at=event.dispatched_at,
        department_code=event.department_code,
        department_name=event.department_name,
        promised_by=event.promised_by,
    )
    status = S.AWAITING_ACKNOWLEDGEMENT
    line = entry(EntryCode.DISPATCHED, status, event.round, department=event.department_name)
    return Fact(event.dispatched_at, event.round, status, assignment), line


def _acknowledged(event: e.TicketAcknowledged, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, event.round, S.IN_PROGRESS)
    # After the limit the system takes the ticket as received (T16); the citizen is not told that nobody looked yet.
    return fact, None if event.automatic else entry(EntryCode.ACKNOWLEDGED, S.IN_PROGRESS, event.round)


def _contacted(event: e.TicketContacted, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, event.round, S.IN_PROGRESS)
    return fact, entry(EntryCode.CONTACTED, S.IN_PROGRESS, event.round)


def _progressed(event: e.TicketProgressed, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, event.round, S.IN_PROGRESS)
    return fact, entry(EntryCode.PROGRESS, S.IN_PROGRESS, event.round, note=event.note)


def _return_requested(event: e.TicketReturnRequested, _zone: ZoneInfo) -> Translation:
    """Which department objects, and why, is between it and the hotline office."""
    line = entry(EntryCode.RESPONSIBILITY_CHECKED, S.AWAITING_DISPATCH, event.round)
    return Fact(event.at, event.round), line


def _return_decided(event: e.TicketReturnDecided, _zone: ZoneInfo) -> Translation:
    if event.approved:
        return Fact(event.at, event.round), entry(EntryCode.DEPARTMENT_CHANGES, S.AWAITING_DISPATCH, event.round)
    fact = Fact(event.at, event.round, S.IN_PROGRESS)
    return fact, entry(EntryCode.DEPARTMENT_CONFIRMED, S.IN_PROGRESS, event.round)


def _resolved(event: e.TicketResolved, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, event.round, S.UNDER_REVIEW)
    return fact, entry(EntryCode.HANDLED, S.UNDER_REVIEW, event.round)


def _resolution_rejected(event: e.TicketResolutionRejected, _zone: ZoneInfo) -> Translation:
    return Fact(event.at, event.round), entry(EntryCode.MORE_WORK_NEEDED, S.IN_PROGRESS, event.round)


def _resolution_accepted(event: e.TicketResolutionAccepted, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.accepted_at, event.round, S.AWAITING_CALLBACK)
    reply = mask_text(event.public_reply)
    return fact, entry(EntryCode.RESULT_CONFIRMED, S.AWAITING_CALLBACK, event.round, reply=reply)


def _redo_started(event: e.TicketRedoStarted, _zone: ZoneInfo) -> Translation:
    assignment = Assignment(
        round=event.round,
        leg=event.leg,
        at=event.at,
        department_code=event.department_code,
        department_name=event.department_name,
        promised_by=event.promised_by,
    )
    line = entry(EntryCode.REDO_STARTED, S.IN_PROGRESS, event.round, department=event.department_name)
    return Fact(event.at, event.round, S.IN_PROGRESS, assignment), line


def _rescheduled(event: e.TicketRescheduled, _zone: ZoneInfo) -> Translation:
    """The promised date has moved; why is a line of intake's own (papers complete, another category)."""
    assignment = Assignment(
        round=event.round,
        leg=event.leg,
        at=event.at,
        department_code=event.department_code,
        department_name=event.department_name,
        promised_by=event.promised_by,
    )
    # With the papers there it stands where it stood; whether a department objects is between it and the hotline office.
    resumed = event.status if event.status in _SHOWN_WHEN_RESUMED else S.AWAITING_ACKNOWLEDGEMENT
    status = resumed if event.reason == "resumed" else None
    return Fact(event.at, event.round, status, assignment), None


def _imported(event: e.TicketImported, _zone: ZoneInfo) -> Translation:
    assignment = Assignment(
        round=_FIRST_ROUND,
        leg=1,
        at=event.dispatched_at,
        department_code=event.department_code,
        department_name=event.department_name,
        promised_by=event.resolve_due_at,
    )
    if event.closed_at is not None:
        at, status = event.closed_at, S.CLOSED
    elif event.resolved_at is not None:
        at, status = event.resolved_at, S.AWAITING_CALLBACK
    else:
        at, status = event.dispatched_at, S.IN_PROGRESS
    return Fact(at, _FIRST_ROUND, status, assignment), entry(EntryCode.ON_RECORD, status)


def _callback_opened(event: e.CallbackOpened, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, event.round, S.AWAITING_CALLBACK)
    return fact, entry(EntryCode.CALLBACK_PLANNED, S.AWAITING_CALLBACK, event.round)


def _closed(event: e.CaseClosed, _zone: ZoneInfo) -> Translation:
    return Fact(event.at, event.round, S.CLOSED), entry(EntryCode.CLOSED, S.CLOSED, event.round)


def _redo_requested(event: e.CaseRedoRequested, _zone: ZoneInfo) -> Translation:
    fact = Fact(event.at, event.next_round, S.IN_PROGRESS)
    return fact, entry(EntryCode.HANDLED_AGAIN, S.IN_PROGRESS, event.next_round)


def _put_on_ledger(event: e.CasePutOnLedger, zone: ZoneInfo) -> Translation:
    date = event.review_at.astimezone(zone).date().isoformat()
    return Fact(event.at, event.round, S.ON_LEDGER), entry(EntryCode.ON_LEDGER, S.ON_LEDGER, event.round, date=date)


_TRANSLATORS: Final[Mapping[type[EventData], Callable[[Any, ZoneInfo], Translation]]] = {
    e.TicketTriaged: _triaged,
    e.TicketDispatched: _dispatched,
    e.TicketAcknowledged: _acknowledged,
    e.TicketContacted: _contacted,
    e.TicketProgressed: _progressed,
    e.TicketReturnRequested: _return_requested,
    e.TicketReturnDecided: _return_decided,
    e.TicketResolved: _resolved,
    e.TicketResolutionRejected: _resolution_rejected,
    e.TicketResolutionAccepted: _resolution_accepted,
    e.TicketRedoStarted: _redo_started,
    e.TicketRescheduled: _rescheduled,
    e.TicketImported: _imported,
    e.CallbackOpened: _callback_opened,
    e.CaseClosed: _closed,
    e.CaseRedoRequested: _redo_requested,
    e.CasePutOnLedger: _put_on_ledger,
}

FOLLOWED: Final = tuple(_TRANSLATORS)
