"""Which events intake follows: all that dispatch and feedback send it, one by one and many at a time."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from services.intake.use_cases.follow_progress import FOLLOWED, follow
from shared.contracts.envelope import Envelope, EventData
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.subscriptions import Subscriptions
from shared.vocabulary import Service


def make_subscriptions(zone: ZoneInfo) -> Subscriptions:
    """Return intake's handlers; dates inside sentences are the city's."""
    subscriptions = Subscriptions(Service.INTAKE)

    async def apply(uow: UnitOfWork, envelope: Envelope, event: EventData) -> None:
        await follow(uow, [(envelope, event)], zone=zone)

    async def apply_many(uow: UnitOfWork, items: Sequence[tuple[Envelope, EventData]]) -> None:
        await follow(uow, items, zone=zone)

    for event in FOLLOWED:
        subscriptions.on(event)(apply)
        subscriptions.on_batch(event)(apply_many)
    return subscriptions
