"""What intake says of appeals besides accepting them: attachments to a master, and what came before their ticket."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.db.tables_tickets import appeal_marks
from services.dispatch.domain.ticket import Members
from shared.db.unit_of_work import UnitOfWork

# Opening a ticket and attaching to an appeal that has none yet must see each other; few enough to hold all of them.
_SLOTS = 64
_LOCK_CLASS = 0x4D51  # "MQ"


@dataclass(frozen=True, slots=True)
class Voices:
    """Whom an appeal speaks for; one without signatories is one person's."""

    households: int
    persons: int


@dataclass(frozen=True, slots=True)
class EarlyMarks:
    """What was said of an appeal before it got its ticket."""

    members: Members
    urges: int
    group_risk: bool


async def attach(uow: UnitOfWork, appeal_id: UUID, master_appeal_id: UUID, voices: Voices) -> UUID | None:
    """Note whom an appeal is attached to; returns the master it had until now."""
    parameters = {
        "appeal_id": appeal_id,
        "master": master_appeal_id,
        "households": voices.households,
        "persons": voices.persons,
    }
    previous: UUID | None = await uow.connection.scalar(_PREVIOUS, parameters)
    await uow.connection.execute(_ATTACH, parameters)
    return previous


async def detach(uow: UnitOfWork, appeal_id: UUID) -> None:
    """Note that an appeal goes its own way."""
    changed = appeal_marks.update().where(appeal_marks.c.appeal_id == appeal_id)
    await uow.connection.execute(changed.values(master_appeal_id=None))


async def end(uow: UnitOfWork, appeal_id: UUID) -> UUID | None:
    """Note that an appeal was withdrawn, so that it is nobody's member any more; returns its master."""
    changed = appeal_marks.update().where(appeal_marks.c.appeal_id == appeal_id).values(ended=True)
    master: UUID | None = await uow.connection.scalar(changed.returning(appeal_marks.c.master_appeal_id))
    return master


async def close(uow: UnitOfWork, appeal_id: UUID, reason: str) -> None:
    """Keep that a member's case was closed before dispatch knew of a ticket, or that it is a member."""
    await uow.connection.execute(_CLOSE, {"appeal_id": appeal_id, "reason": reason})


async def closed_reason(uow: UnitOfWork, appeal_id: UUID) -> str | None:
    """Return why a member's case was closed, if that was said before it was attached."""
    query = sa.select(appeal_marks.c.closed_reason).where(appeal_marks.c.appeal_id == appeal_id)
    reason: str | None = await uow.connection.scalar(query)
    return reason


async def urge(uow: UnitOfWork, appeal_id: UUID, count: int) -> None:
    """Keep how often an appeal without a ticket was urged."""
    await uow.connection.execute(_URGE, {"appeal_id": appeal_id, "count": count})


async def raise_group_risk(uow: UnitOfWork, appeal_id: UUID) -> None:
    """Keep the warning about an appeal without a ticket."""
    await uow.connection.execute(_RISK, {"appeal_id": appeal_id})


async def members_of(uow: UnitOfWork, master_appeal_id: UUID) -> Members:
    """Return how many are attached to an appeal now. Its ticket must be locked, or the appeal (`lock_unopened`)."""
    row = (await uow.connection.execute(_MEMBERS, {"master": master_appeal_id})).one()
    return Members(row.appeals, row.households, row.persons)


async def lock_unopened(uow: UnitOfWork, appeal_id: UUID) -> None:
    """Keep the appeal from getting a ticket until the end of the transaction; look for one again afterwards."""
    await uow.connection.execute(_LOCK, {"class": _LOCK_CLASS, "slot": _slot(appeal_id)})


async def early_marks(uow: UnitOfWork, appeal_ids: Iterable[UUID]) -> Mapping[UUID, EarlyMarks]:
    """Return what was said of appeals that are about to get tickets; holds up who attaches to them meanwhile."""
    ids = list(appeal_ids)
    slots = sorted({_slot(appeal_id) for appeal_id in ids})
    await uow.connection.execute(_LOCK_SHARED, {"class": _LOCK_CLASS, "slots": slots})
    result = await uow.connection.execute(_EARLY, {"ids": ids})
    return {
        row.appeal_id: EarlyMarks(Members(row.appeals, row.households, row.persons), row.urges, row.group_risk)
        for row in result
    }


def _slot(appeal_id: UUID) -> int:
    return appeal_id.int % _SLOTS


_PREVIOUS = sa.text("SELECT master_appeal_id FROM dispatch.appeal_marks WHERE appeal_id = :appeal_id")
_ATTACH = sa.text("""
INSERT INTO dispatch.appeal_marks (appeal_id, master_appeal_id, households, persons)
VALUES (:appeal_id, :master, :households, :persons)
ON CONFLICT (appeal_id) DO UPDATE
    SET master_appeal_id = excluded.master_appeal_id, households = excluded.households, persons = excluded.persons
""")
_CLOSE = sa.text("""
INSERT INTO dispatch.appeal_marks (appeal_id, closed_reason) VALUES (:appeal_id, :reason)
ON CONFLICT (appeal_id) DO UPDATE SET closed_reason = excluded.closed_reason
""")
_URGE = sa.text("""
INSERT INTO dispatch.appeal_marks AS m (appeal_id, urges) VALUES (:appeal_id, :count)
ON CONFLICT (appeal_id) DO UPDATE SET urges = greatest(m.urges, excluded.urges)
""")
_RISK = sa.text("""
INSERT INTO dispatch.appeal_marks (appeal_id, group_risk) VALUES (:appeal_id, true)
ON CONFLICT (appeal_id) DO UPDATE SET group_risk = true
""")
_COUNTS = """
count(*) AS appeals, coalesce(sum(households), 0) AS households, coalesce(sum(persons), 0) AS persons
"""
_MEMBERS = sa.text(f"""
SELECT {_COUNTS} FROM dispatch.appeal_marks WHERE master_appeal_id = :master AND NOT ended
""")  # noqa: S608 - put together from constants
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:class, :slot)")
_LOCK_SHARED = sa.text("""
SELECT pg_advisory_xact_lock_shared(:class, slot) FROM unnest(CAST(:slots AS integer[])) AS s(slot)
""")
_EARLY = sa.text(f"""
WITH groups AS (
    SELECT master_appeal_id AS appeal_id, {_COUNTS} FROM dispatch.appeal_marks
    WHERE master_appeal_id = ANY(CAST(:ids AS uuid[])) AND NOT ended GROUP BY master_appeal_id
), own AS (
    SELECT appeal_id, urges, group_risk FROM dispatch.appeal_marks
    WHERE appeal_id = ANY(CAST(:ids AS uuid[])) AND (urges > 0 OR group_risk)
)
SELECT appeal_id, coalesce(appeals, 0) AS appeals, coalesce(households, 0) AS households,
       coalesce(persons, 0) AS persons, coalesce(urges, 0) AS urges, coalesce(group_risk, false) AS group_risk
FROM groups FULL JOIN own USING (appeal_id)
""")  # noqa: S608 - put together from constants
