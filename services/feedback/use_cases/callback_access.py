"""Who may take a callback in hand: never the department whose work is being judged (trap 45)."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from uuid import UUID

from services.feedback.db.callbacks import lock_callback
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.records import Callback, LockedCase
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Forbidden, IllegalMove, NotFound


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: the name for the record, and the department they are bound to, if any."""

    actor: str
    department_code: str | None = None


def _any_version(version: int) -> None:
    del version


async def take_callback(
    uow: UnitOfWork,
    callback_id: UUID,
    caller: Caller,
    *,
    move: str,
    statuses: Container[CallbackStatus] = (CallbackStatus.OPEN,),
    check_version: Callable[[int], None] = _any_version,
) -> tuple[Callback, LockedCase]:
    """Return a callback that is open, or in one of `statuses`, with its case, both locked.

    Raises NotFound; Forbidden for the handling department; whatever `check_version` raises; IllegalMove when the
    callback is in another. The right is checked before the version and the state (trap 39).
    """
    found = await lock_callback(uow, callback_id)
    if found is None:
        raise NotFound("There is no such callback.")
    callback, case = found
    if caller.department_code is not None and caller.department_code == callback.department_code:
        raise Forbidden("The handling department cannot call back about its own work.", code="own_work_not_evaluated")
    check_version(callback.version)
    if callback.status not in statuses:
        raise IllegalMove(move, callback.status.value, ())
    return callback, case
