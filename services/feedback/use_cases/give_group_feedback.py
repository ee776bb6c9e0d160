"""LZ-16: one special feedback to all who share a matter, the master and everybody handled with it, each once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.feedback.db import groups
from services.feedback.db.cases import lock_cases
from services.feedback.domain.records import FeedbackMode, GroupFeedback
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, InvalidInput, NotFound
from shared.ids import uuid7
from shared.observability.redaction import mask_text


@dataclass(frozen=True, slots=True)
class GiveGroupFeedback:
    """What was told to all of them, how, and when (now, unless said)."""

    appeal_id: UUID
    mode: FeedbackMode
    note: str
    at: datetime | None
    actor: str


async def give_group_feedback(uow: UnitOfWork, command: GiveGroupFeedback) -> GroupFeedback:
    """Record one feedback for a case and for all who are handled with it now; whether it is finished does not matter.

    The note is stored masked. Raises NotFound, InvalidInput for a time to come, Conflict `is_member` for one that is
    handled with another: the feedback is given to the whole group, at its master.
    """
    locked = await lock_cases(uow, [command.appeal_id])
    if not locked:
        raise NotFound("There is no such case.")
    if locked[0].master_appeal_id is not None:
        raise Conflict(
            "It is handled with another appeal; give the feedback there.",
            code="is_member",
            master_appeal_id=str(locked[0].master_appeal_id),
        )
    if command.at is not None and command.at > uow.now:
        raise InvalidInput("A feedback is recorded after it was given", [FieldProblem("/at", "lies in the future")])
    receivers = [command.appeal_id, *await groups.members_of(uow, command.appeal_id)]
    feedback = GroupFeedback(
        id=uuid7(),
        appeal_id=command.appeal_id,
        mode=command.mode,
        note=mask_text(command.note),
        at=command.at or uow.now,
        actor=command.actor,
        reached=len(receivers),
    )
    await groups.insert_group_feedback(uow, feedback, receivers)
    return feedback
