"""What the use cases of tickets share besides the transaction: the reference data, and whom to wake for new work."""

from collections.abc import Iterable

from services.dispatch.reference import ReferenceCache
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.wake import LocalWake, Wake


def offers_topic(department_code: str) -> str:
    """Signalled when a department gets something to pull."""
    return f"pull:{department_code}"


class Workplace:
    """One per process. The wake may be attached after the handlers are made; until then hints stay in the process."""

    def __init__(self, reference: ReferenceCache | None = None, wake: Wake | None = None) -> None:
        self.reference = reference or ReferenceCache()
        self.wake: Wake = wake or LocalWake()

    def offer(self, uow: UnitOfWork, departments: Iterable[str]) -> None:
        """Wake these departments' pullers once the transaction has committed."""
        topics = sorted({offers_topic(department) for department in departments})
        if topics:
            uow.after_commit(lambda: self._signal(topics))

    def _signal(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self.wake.signal(topic)
