"""The projection: merging facts of the other services into what citizens see, many appeals in three statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.progress import Assignment, Fact, Progress
from services.intake.domain.timeline import Entry
from shared.vocabulary import AppealStatus


@dataclass(frozen=True, slots=True)
class Told:
    """What one event tells: the fact for the state, and the line for the timeline when there is one to show."""

    appeal_id: UUID
    event_id: UUID
    fact: Fact
    entry: Entry | None


_LOCK: Final = text(
    """
SELECT appeal_id, status, round, as_of, department_code, department_name, promised_by,
       assigned_round, assigned_leg, assigned_at, held, released_at
FROM intake.progress WHERE appeal_id = ANY(CAST(:ids AS uuid[])) ORDER BY appeal_id FOR UPDATE
"""
)
_SAVE: Final = text(
    """
UPDATE intake.progress AS p
SET status = v.status, round = v.round, as_of = v.as_of, department_code = v.department_code,
    department_name = v.department_name, promised_by = v.promised_by, assigned_round = v.assigned_round,
    assigned_leg = v.assigned_leg, assigned_at = v.assigned_at, version = p.version + 1
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:rounds AS smallint[]), CAST(:as_ofs AS timestamptz[]),
    CAST(:department_codes AS text[]), CAST(:department_names AS text[]), CAST(:promised AS timestamptz[]),
    CAST(:assigned_rounds AS smallint[]), CAST(:assigned_legs AS smallint[]), CAST(:assigned_ats AS timestamptz[])
) AS v(appeal_id, status, round, as_of, department_code, department_name, promised_by,
       assigned_round, assigned_leg, assigned_at)
WHERE p.appeal_id = v.appeal_id
"""
)
_TELL: Final = text(
    """
INSERT INTO intake.timeline_entries (appeal_id, event_id, at, code, status, round, text_en, text_zh)
SELECT * FROM unnest(
    CAST(:ids AS uuid[]), CAST(:events AS uuid[]), CAST(:ats AS timestamptz[]), CAST(:codes AS text[]),
    CAST(:statuses AS text[]), CAST(:rounds AS smallint[]), CAST(:english AS text[]), CAST(:chinese AS text[])
)
"""
)


async def lock_progress(connection: AsyncConnection, appeal_ids: Sequence[UUID]) -> Mapping[UUID, Progress]:
    """Return the progress of these appeals, locked in the order of their ids; unknown ones are left out."""
    rows = await connection.execute(_LOCK, {"ids": sorted(appeal_ids)})
    return {row.appeal_id: _progress_of(row) for row in rows}


def _progress_of(row: Any) -> Progress:
    assignment = None
    if row.department_code is not None:
        assignment = Assignment(
            round=row.assigned_round,
            leg=row.assigned_leg,
            at=row.assigned_at,
            department_code=row.department_code,
            department_name=row.department_name,
            promised_by=row.promised_by,
        )
    return Progress(AppealStatus(row.status), row.round, row.as_of, assignment, row.held, row.released_at)


async def save_progress(connection: AsyncConnection, changed: Mapping[UUID, Progress]) -> None:
    """Store the progress of appeals that are locked."""
    values = list(changed.values())
    given = [progress.assignment for progress in values]
    await connection.execute(
        _SAVE,
        {
            "ids": list(changed),
            "statuses": [progress.status.value for progress in values],
            "rounds": [progress.round for progress in values],
            "as_ofs": [progress.as_of for progress in values],
            "department_codes": [a.department_code if a else None for a in given],
            "department_names": [a.department_name if a else None for a in given],
            "promised": [a.promised_by if a else None for a in given],
            "assigned_rounds": [a.round if a else None for a in given],
            "assigned_legs": [a.leg if a else None for a in given],
            "assigned_ats": [a.at if a else None for a in given],
        },
    )


async def add_entries(connection: AsyncConnection, told: Sequence[Told]) -> None:
    """Add lines to timelines."""
    lines = [(item, item.entry) for item in told if item.entry is not None]
    if not lines:
        return
    await connection.execute(
        _TELL,
        {
            "ids": [item.appeal_id for item, _ in lines],
            "events": [item.event_id for item, _ in lines],
            "ats": [item.fact.at for item, _ in lines],
            "codes": [entry.code.value for _, entry in lines],
            "statuses": [entry.status.value for _, entry in lines],
            "rounds": [entry.round for _, entry in lines],
            "english": [entry.text_en for _, entry in lines],
            "chinese": [entry.text_zh for _, entry in lines],
        },
    )
