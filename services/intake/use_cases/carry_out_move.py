"""How every move of intake is carried out: `begin_move`, the move's own checks and tables, `finish_move`.

Besides registering, and following the other services, nothing else changes an appeal's status. In between,
`uow.publish(...)` what others must know: `ended_event`, or an event built with `facts_of_row`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.intake.db.appeals import HistoryEntry, Row, append_history, find_appeal, lock_appeal
from services.intake.db.moves import MoveToSave, last_change_at, save_move
from services.intake.domain import machine
from services.intake.domain.machine import Move, Rule
from shared.contracts.events import AppealEnded
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

S = AppealStatus
VersionCheck = Callable[[int], None]

# While an appeal is in one of these, facts of other services add lines to its timeline and nothing else. Not so for an
# attached one: what dispatch still says lies before it on the path, and feedback closes it with a verdict of its own.
HELD_BY_INTAKE: Final = frozenset({S.SUPPLEMENTING, S.CLOSED, S.REFERRED, S.NOT_ACCEPTED, S.WITHDRAWN})
_CLOCKS_MAY_DIFFER_BY: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Mover:
    """Who makes a move, the department that binds them, and a check of the version they decided on (If-Match)."""

    actor: str
    department_code: str | None = None
    check_version: VersionCheck | None = None


@dataclass(frozen=True, slots=True)
class Moving:
    """A move under way: the row is locked until the transaction ends. `before` is the state the citizen saw."""

    row: Row
    move: Move
    rule: Rule
    mover: Mover

    @property
    def appeal_id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    @property
    def before(self) -> AppealStatus:
        return AppealStatus(self.row["seen_status"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a move ends.

    It leads where the rule says, unless it `stays` (a proposal, a hand-over that a department goes on with) or is
    `accepted` by the same step (T10). `changes` are columns of the appeal besides status and version; `details` goes
    into the history and may hold masked text only.
    """

    details: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    stays: bool = False
    accepted: bool = False


async def begin_move(uow: UnitOfWork, appeal_id: UUID, move: Move, mover: Mover) -> Moving:
    """Lock the appeal and see whether the move is possible; of two at once the second finds what the first left.

        moving = await begin_move(uow, appeal_id, Move.REFER, mover)
        ...
        return await finish_move(uow, moving, Outcome(details={...}))

    Raises NotFound (also for another department's), StaleVersion, IllegalMove, in this order (trap 39).
    """
    row = await lock_appeal(uow.connection, appeal_id)
    if row is None or mover.department_code not in {None, row["department_code"]}:
        raise NotFound("There is no such appeal.")
    if mover.check_version is not None:
        mover.check_version(row["shown_version"])
    return Moving(row, move, machine.decide(AppealStatus(row["seen_status"]), move), mover)


async def finish_move(uow: UnitOfWork, moving: Moving, outcome: Outcome) -> Row:
    """Store the move with its line in the history, and return the appeal as it is then.

    Reaching acceptance keeps the first `accepted_at`: the citizen's clock resumes, it does not restart (trap 7).
    """
    row, before = moving.row, moving.before
    to, rules = _destination(moving, outcome)
    changes = dict(outcome.changes)
    if outcome.accepted:
        changes.setdefault("accepted_at", row["accepted_at"] or uow.now)
    is_held = row["held"] if to is before else to in HELD_BY_INTAKE
    await save_move(
        uow.connection,
        MoveToSave(
            appeal_id=moving.appeal_id,
            at=uow.now,
            status=to if to is not before else None,
            changes=changes,
            held=is_held,
            released_at=await _released_at(uow, moving) if _releases(moving, is_held=is_held) else None,
        ),
    )
    await append_history(
        uow.connection,
        HistoryEntry(
            appeal_id=moving.appeal_id,
            move=moving.move,
            rules=rules,
            from_status=before,
            to_status=to,
            actor=moving.mover.actor,
            at=uow.now,
            details=outcome.details,
        ),
    )
    after = await find_appeal(uow.connection, moving.appeal_id)
    if after is None:
        raise NotFound("There is no such appeal.")
    return after


def _destination(moving: Moving, outcome: Outcome) -> tuple[AppealStatus, tuple[str, ...]]:
    if outcome.stays:
        return moving.before, (moving.rule.rule_id,)
    if outcome.accepted:
        accepted = machine.decide(moving.rule.to, Move.ACCEPT) if moving.move is not Move.ACCEPT else moving.rule
        rules = (moving.rule.rule_id,) if accepted is moving.rule else (moving.rule.rule_id, accepted.rule_id)
        return accepted.to, rules
    return moving.rule.to, (moving.rule.rule_id,)


def _releases(moving: Moving, *, is_held: bool) -> bool:
    return (moving.row["held"] and not is_held) or moving.move is Move.DETACH


async def _released_at(uow: UnitOfWork, moving: Moving) -> datetime:
    """From when on facts of other services count again.

    What they tell of the time before the hold may still be under way, and their clocks are not quite ours: the middle
    of the hold is as far as can be from either.
    """
    since = await last_change_at(uow.connection, moving.appeal_id) or uow.now
    return min(since + (uow.now - since) / 2, uow.now - _CLOCKS_MAY_DIFFER_BY)


def facts_of_row(row: Row, *, now: datetime) -> dict[str, Any]:
    """Return the fields of AppealFacts of a locked or found row. What is stored is masked, and neutral for a report."""
    is_report = row["type"] == AppealType.REPORT
    copied = (
        "receipt_number", "title", "description", "grid_code", "longitude", "latitude", "place", "anonymous",
        "confidential", "wants_reply", "households", "signatories", "external_system", "external_id", "occurred_at",
        "received_at",
    )  # fmt: skip
    return {
        **{name: row[name] for name in copied},
        "type": AppealType(row["type"]),
        "channel": Channel(row["channel"]),
        "category_code": row["category_code"] or "",
        "category_name": row["category_name"] or "",
        "urgency": Urgency(row["urgency"] or Urgency.P3),
        "mode": HandlingMode(row["mode"] or HandlingMode.COMMITTED),
        "special_care": () if is_report else tuple(SpecialCare(care) for care in row["special_care"]),
        "accepted_at": row["accepted_at"] or now,
    }


def ended_event(
    uow: UnitOfWork,
    moving: Moving,
    *,
    after: Row | None = None,
    reason_code: str = "",
    reply: str = "",
    evaluable: bool = False,
) -> AppealEnded:
    """Return what tells the other services that it ends here; `reply` must be masked, and a report's stays away.

    `after` is the row that finish_move returned, when the move changed more than the state.
    """
    row = after or moving.row
    copied = (
        "receipt_number", "title", "grid_code", "anonymous", "confidential", "wants_reply", "households", "signatories",
        "received_at", "accepted_at",
    )  # fmt: skip
    return AppealEnded(
        **{name: row[name] for name in copied},
        status=moving.rule.to.value,
        rule=moving.rule.rule_id,
        reason_code=reason_code,
        reply="" if row["type"] == AppealType.REPORT else reply,
        evaluable=evaluable,
        at=uow.now,
        type=AppealType(row["type"]),
        channel=Channel(row["channel"]),
        category_code=row["category_code"] or "",
        category_name=row["category_name"] or "",
        urgency=Urgency(row["urgency"]) if row["urgency"] else None,
        mode=HandlingMode(row["mode"]) if row["mode"] else None,
    )
