"""Which use case applies which event. Intake's and dispatch's streams are each in order, and interleave in any way."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import Resolution
from services.feedback.use_cases import record_changes, record_legs
from services.feedback.use_cases.end_case import end_case
from services.feedback.use_cases.follow_master import attach_case, detach_case, tell_members
from services.feedback.use_cases.open_callback import accept_resolution
from services.feedback.use_cases.record_appeals import record_appeals
from shared.contracts import events as e
from shared.contracts.envelope import Envelope, EventData
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.subscriptions import Subscriptions
from shared.vocabulary import Service

_RECORDED: dict[type[EventData], Callable[..., Awaitable[None]]] = {
    e.TicketAcknowledged: record_legs.record_acknowledged,
    e.TicketContacted: record_legs.record_contacted,
    e.TicketReturnRequested: record_legs.record_return_requested,
    e.TicketReturnDecided: record_legs.record_return_decided,
    e.TicketResolved: record_legs.record_resolved,
    e.TicketResolutionRejected: record_legs.record_resolution_rejected,
    e.TicketTimerFired: record_legs.record_timer_fired,
    e.TicketRedoStarted: record_legs.record_redo_started,
    e.TicketRescheduled: record_legs.record_rescheduled,
    e.AppealRecategorized: record_changes.record_recategorized,
    e.AppealUrged: record_changes.record_urged,
    e.AppealGroupRiskRaised: record_changes.record_group_risk,
}


def make_subscriptions(policy: FeedbackPolicy) -> Subscriptions:
    """Return the handlers of everything that is sent to this service."""
    subscriptions = Subscriptions(Service.FEEDBACK)
    _subscribe_to_appeals(subscriptions, policy)
    _subscribe_to_handling(subscriptions, policy)
    _subscribe_to_tickets(subscriptions, policy)
    for event, record in _RECORDED.items():
        subscriptions.on(event)(_by_subject(record))
    return subscriptions


def _by_subject(record: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def apply(uow: UnitOfWork, envelope: Envelope, event: EventData) -> None:
        await record(uow, envelope.subject, event)

    return apply


def _subscribe_to_appeals(subscriptions: Subscriptions, policy: FeedbackPolicy) -> None:
    @subscriptions.on(e.AppealAccepted)
    async def accepted(uow: UnitOfWork, envelope: Envelope, event: e.AppealAccepted) -> None:
        await record_appeals(uow, [(envelope.subject, event)], policy)

    @subscriptions.on_batch(e.AppealAccepted)
    async def accepted_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, e.AppealAccepted]]) -> None:
        await record_appeals(uow, [(envelope.subject, event) for envelope, event in items], policy)

    @subscriptions.on(e.AppealImported)
    async def imported(uow: UnitOfWork, envelope: Envelope, event: e.AppealImported) -> None:
        await record_appeals(uow, [(envelope.subject, event)], policy)

    @subscriptions.on_batch(e.AppealImported)
    async def imported_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, e.AppealImported]]) -> None:
        await record_appeals(uow, [(envelope.subject, event) for envelope, event in items], policy)


def _subscribe_to_handling(subscriptions: Subscriptions, policy: FeedbackPolicy) -> None:
    """What intake decides about an appeal after it was accepted, or instead of accepting it."""

    @subscriptions.on(e.AppealEnded)
    async def ended(uow: UnitOfWork, envelope: Envelope, event: e.AppealEnded) -> None:
        await end_case(uow, envelope.subject, event, policy)

    @subscriptions.on(e.AppealAttached)
    async def attached(uow: UnitOfWork, envelope: Envelope, event: e.AppealAttached) -> None:
        await attach_case(uow, envelope.subject, event, policy)

    @subscriptions.on(e.AppealDetached)
    async def detached(uow: UnitOfWork, envelope: Envelope, event: e.AppealDetached) -> None:
        await detach_case(uow, envelope.subject, event, policy)


def _subscribe_to_tickets(subscriptions: Subscriptions, policy: FeedbackPolicy) -> None:
    @subscriptions.on(e.TicketDispatched)
    async def dispatched(uow: UnitOfWork, envelope: Envelope, event: e.TicketDispatched) -> None:
        await record_legs.record_dispatched(uow, [(envelope.subject, event)])

    @subscriptions.on_batch(e.TicketDispatched)
    async def dispatched_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, e.TicketDispatched]]) -> None:
        await record_legs.record_dispatched(uow, [(envelope.subject, event) for envelope, event in items])

    @subscriptions.on(e.TicketImported)
    async def imported(uow: UnitOfWork, envelope: Envelope, event: e.TicketImported) -> None:
        await record_legs.record_imported(uow, [(envelope.subject, event)])

    @subscriptions.on_batch(e.TicketImported)
    async def imported_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, e.TicketImported]]) -> None:
        await record_legs.record_imported(uow, [(envelope.subject, event) for envelope, event in items])

    @subscriptions.on(e.TicketResolutionAccepted)
    async def accepted(uow: UnitOfWork, envelope: Envelope, event: e.TicketResolutionAccepted) -> None:
        resolution = _resolution(envelope.subject, event)
        if await accept_resolution(uow, resolution, policy):
            await tell_members(uow, resolution, policy)


def _resolution(appeal_id: UUID, event: e.TicketResolutionAccepted) -> Resolution:
    return Resolution(
        appeal_id=appeal_id,
        round=event.round,
        leg=event.leg,
        department_code=event.department_code,
        department_name=event.department_name,
        accepted_at=event.accepted_at,
        resolved_at=event.resolved_at,
        resolve_due_at=event.resolve_due_at,
        late=event.late,
        claimed_resolved=event.resolved,
        public_reply=event.public_reply,
    )
