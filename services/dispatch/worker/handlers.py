"""Which use case applies which event. Intake's and feedback's streams are each in order, and interleave in any way."""

from collections.abc import Sequence

from services.dispatch.use_cases import follow_case
from services.dispatch.use_cases.call_back_ticket import call_back_ticket
from services.dispatch.use_cases.group_tickets import attach_ticket, detach_ticket
from services.dispatch.use_cases.import_tickets import import_tickets
from services.dispatch.use_cases.mark_ticket import raise_group_risk, urge_ticket
from services.dispatch.use_cases.open_tickets import open_tickets
from services.dispatch.use_cases.pause_ticket import resume_ticket, stop_for_papers
from services.dispatch.use_cases.recategorize_ticket import recategorize_ticket
from services.dispatch.use_cases.workplace import Workplace
from shared.contracts import events as e
from shared.contracts.envelope import Envelope
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.subscriptions import Subscriptions
from shared.vocabulary import Service


def make_subscriptions(workplace: Workplace) -> Subscriptions:
    """Return the handlers of everything that is sent to this service."""
    subscriptions = Subscriptions(Service.DISPATCH)
    _subscribe_to_intake(subscriptions, workplace)
    _subscribe_to_handling(subscriptions, workplace)
    _subscribe_to_feedback(subscriptions, workplace)
    return subscriptions


def _subscribe_to_intake(subscriptions: Subscriptions, workplace: Workplace) -> None:
    @subscriptions.on(e.AppealAccepted)
    async def accepted(uow: UnitOfWork, envelope: Envelope, event: e.AppealAccepted) -> None:
        await open_tickets(uow, workplace, [(envelope.subject, event)])

    @subscriptions.on_batch(e.AppealAccepted)
    async def accepted_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, e.AppealAccepted]]) -> None:
        await open_tickets(uow, workplace, [(envelope.subject, event) for envelope, event in items])

    @subscriptions.on(e.AppealImported)
    async def imported(uow: UnitOfWork, envelope: Envelope, event: e.AppealImported) -> None:
        await import_tickets(uow, workplace, [(envelope.subject, event)])

    @subscriptions.on_batch(e.AppealImported)
    async def imported_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, e.AppealImported]]) -> None:
        await import_tickets(uow, workplace, [(envelope.subject, event) for envelope, event in items])


def _subscribe_to_handling(subscriptions: Subscriptions, workplace: Workplace) -> None:
    """What intake decides about an appeal that was accepted."""

    @subscriptions.on(e.AppealEnded)
    async def ended(uow: UnitOfWork, envelope: Envelope, event: e.AppealEnded) -> None:
        await call_back_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealSupplementRequested)
    async def supplement_requested(uow: UnitOfWork, envelope: Envelope, event: e.AppealSupplementRequested) -> None:
        await stop_for_papers(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealResumed)
    async def resumed(uow: UnitOfWork, envelope: Envelope, event: e.AppealResumed) -> None:
        await resume_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealAttached)
    async def attached(uow: UnitOfWork, envelope: Envelope, event: e.AppealAttached) -> None:
        await attach_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealDetached)
    async def detached(uow: UnitOfWork, envelope: Envelope, event: e.AppealDetached) -> None:
        await detach_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealRecategorized)
    async def recategorized(uow: UnitOfWork, envelope: Envelope, event: e.AppealRecategorized) -> None:
        await recategorize_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealUrged)
    async def urged(uow: UnitOfWork, envelope: Envelope, event: e.AppealUrged) -> None:
        await urge_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.AppealGroupRiskRaised)
    async def group_risk_raised(uow: UnitOfWork, envelope: Envelope, event: e.AppealGroupRiskRaised) -> None:
        await raise_group_risk(uow, workplace, envelope.subject, event)


def _subscribe_to_feedback(subscriptions: Subscriptions, workplace: Workplace) -> None:
    @subscriptions.on(e.CaseClosed)
    async def closed(uow: UnitOfWork, envelope: Envelope, event: e.CaseClosed) -> None:
        await follow_case.close_ticket(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.CaseRedoRequested)
    async def redo_requested(uow: UnitOfWork, envelope: Envelope, event: e.CaseRedoRequested) -> None:
        await follow_case.start_redo(uow, workplace, envelope.subject, event)

    @subscriptions.on(e.CasePutOnLedger)
    async def put_on_ledger(uow: UnitOfWork, envelope: Envelope, event: e.CasePutOnLedger) -> None:
        await follow_case.put_on_ledger(uow, workplace, envelope.subject, event)
