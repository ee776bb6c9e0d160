"""Who publishes what to whom: the edges of the system, in one place."""

from collections.abc import Mapping
from datetime import timedelta

from shared.contracts import events as e
from shared.contracts.envelope import EventData
from shared.vocabulary import Service

_BOTH_OTHERS_OF_INTAKE = (Service.DISPATCH, Service.FEEDBACK)
_BOTH_OTHERS_OF_DISPATCH = (Service.INTAKE, Service.FEEDBACK)
_BOTH_OTHERS_OF_FEEDBACK = (Service.INTAKE, Service.DISPATCH)

SUBSCRIBERS: Mapping[Service, Mapping[type[EventData], tuple[Service, ...]]] = {
    Service.INTAKE: {
        e.AppealAccepted: _BOTH_OTHERS_OF_INTAKE,
        e.AppealImported: _BOTH_OTHERS_OF_INTAKE,
        e.AppealEnded: _BOTH_OTHERS_OF_INTAKE,
        e.AppealSupplementRequested: (Service.DISPATCH,),
        e.AppealResumed: (Service.DISPATCH,),
        e.AppealAttached: _BOTH_OTHERS_OF_INTAKE,
        e.AppealDetached: _BOTH_OTHERS_OF_INTAKE,
        e.AppealRecategorized: _BOTH_OTHERS_OF_INTAKE,
        e.AppealUrged: _BOTH_OTHERS_OF_INTAKE,
        e.AppealGroupRiskRaised: _BOTH_OTHERS_OF_INTAKE,
    },
    Service.DISPATCH: {
        e.TicketTriaged: (Service.INTAKE,),
        e.TicketDispatched: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketAcknowledged: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketContacted: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketProgressed: (Service.INTAKE,),
        e.TicketReturnRequested: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketReturnDecided: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketResolved: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketResolutionRejected: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketResolutionAccepted: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketTimerFired: (Service.FEEDBACK,),
        e.TicketRedoStarted: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketRescheduled: _BOTH_OTHERS_OF_DISPATCH,
        e.TicketImported: _BOTH_OTHERS_OF_DISPATCH,
    },
    Service.FEEDBACK: {
        e.CallbackOpened: (Service.INTAKE,),
        e.CaseClosed: _BOTH_OTHERS_OF_FEEDBACK,
        e.CaseRedoRequested: _BOTH_OTHERS_OF_FEEDBACK,
        e.CasePutOnLedger: _BOTH_OTHERS_OF_FEEDBACK,
    },
}


# How long a producer may gather events for a consumer before it sends again. What a department waits for goes at once;
# what only informs may wait a moment, for a batch costs nearly the same however much is in it.
PACES: Mapping[tuple[Service, Service], timedelta] = {
    (Service.INTAKE, Service.DISPATCH): timedelta(milliseconds=10),
    (Service.INTAKE, Service.FEEDBACK): timedelta(milliseconds=250),
    (Service.DISPATCH, Service.INTAKE): timedelta(milliseconds=100),
    (Service.DISPATCH, Service.FEEDBACK): timedelta(milliseconds=100),
    (Service.FEEDBACK, Service.INTAKE): timedelta(milliseconds=100),
    (Service.FEEDBACK, Service.DISPATCH): timedelta(milliseconds=50),
}


def consumers_of(source: Service, event: type[EventData]) -> tuple[Service, ...]:
    """Return who receives `event` from `source`.

    Raises KeyError when the service does not publish that event: an event nobody declared must not vanish silently.
    """
    return SUBSCRIBERS[source][event]


def edges() -> tuple[tuple[Service, Service], ...]:
    """Every (producer, consumer) pair that carries events, in a stable order."""
    pairs = {
        (producer, consumer)
        for producer, published in SUBSCRIBERS.items()
        for consumers in published.values()
        for consumer in consumers
    }
    return tuple(sorted(pairs))
