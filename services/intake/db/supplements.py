"""Lists of papers that were asked for, and what has come of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables_supplements import supplement_items, supplement_requests
from services.intake.domain.supplements import Deadline, Listed, Paper
from shared.ids import uuid7

Outcome = Literal["complete", "expired", "dropped"]

_MOST_REQUESTS: Final = 20


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A list as it is given to the citizen; its texts are masked."""

    appeal_id: UUID
    papers: Sequence[Paper]
    note: str
    asked_again_because: str | None
    deadline: Deadline
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A line of a list with what was said when it came."""

    listed: Listed
    delivery_note: str


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A list as it stands; `closed_at` None is the open one."""

    id: UUID
    appeal_id: UUID
    note: str
    asked_again_because: str | None
    requested_at: datetime
    deadline: Deadline
    reminded_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    items: tuple[StoredItem, ...]

    @property
    def listed(self) -> list[Listed]:
        return [item.listed for item in self.items]

    @property
    def missing(self) -> list[str]:
        return [item.listed.paper.name for item in self.items if item.listed.is_open]


async def add_request(connection: AsyncConnection, new: NewRequest) -> None:
    """Store a list; the appeal must be locked, so that there is one open list at most."""
    request_id = uuid7()
    await connection.execute(
        sa.insert(supplement_requests).values(
            id=request_id,
            appeal_id=new.appeal_id,
            note=new.note,
            asked_again_because=new.asked_again_because,
            requested_at=new.at,
            requested_by=new.actor,
            due_at=new.deadline.due_at,
            remind_at=new.deadline.remind_at,
        )
    )
    lines = [
        {"request_id": request_id, "position": position, "name": paper.name, "note": paper.note}
        for position, paper in enumerate(new.papers, start=1)
    ]
    await connection.execute(sa.insert(supplement_items), lines)


async def find_requests(connection: AsyncConnection, appeal_id: UUID) -> list[StoredRequest]:
    """Return an appeal's lists, the latest first."""
    statement = (
        sa.select(supplement_requests)
        .where(supplement_requests.c.appeal_id == appeal_id)
        .order_by(supplement_requests.c.requested_at.desc(), supplement_requests.c.id.desc())
        .limit(_MOST_REQUESTS)
    )
    rows = (await connection.execute(statement)).mappings().all()
    items = await _items_of(connection, [row["id"] for row in rows])
    return [_request_of(row, items.get(row["id"], ())) for row in rows]


async def find_open_request(connection: AsyncConnection, appeal_id: UUID) -> StoredRequest | None:
    """Return the list that is not closed, or None."""
    statement = sa.select(supplement_requests).where(
        supplement_requests.c.appeal_id == appeal_id, supplement_requests.c.closed_at.is_(None)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        return None
    items = await _items_of(connection, [row["id"]])
    return _request_of(row, items.get(row["id"], ()))


async def was_completed(connection: AsyncConnection, appeal_id: UUID) -> bool:
    """Tell whether everything of an earlier list came."""
    found = sa.exists().where(supplement_requests.c.appeal_id == appeal_id, supplement_requests.c.outcome == "complete")
    return bool((await connection.execute(sa.select(found))).scalar_one())


async def tick_items(
    connection: AsyncConnection, request_id: UUID, notes: Mapping[int, str], *, at: datetime, actor: str
) -> None:
    """Tick off the lines at these positions; one that is ticked off already keeps its first date."""
    for position, note in notes.items():
        await connection.execute(
            sa.update(supplement_items)
            .where(
                supplement_items.c.request_id == request_id,
                supplement_items.c.position == position,
                supplement_items.c.delivered_at.is_(None),
            )
            .values(delivered_at=at, delivered_by=actor, delivery_note=note)
        )


async def close_request(connection: AsyncConnection, request_id: UUID, outcome: Outcome, at: datetime) -> None:
    """Close a list for good."""
    await _update(connection, request_id, {"closed_at": at, "outcome": outcome})


async def note_reminder(connection: AsyncConnection, request_id: UUID, *, at: datetime, due_at: datetime) -> None:
    """Store that the citizen was reminded, and when the papers are due after that."""
    await _update(connection, request_id, {"reminded_at": at, "due_at": due_at})


async def _update(connection: AsyncConnection, request_id: UUID, values: Mapping[str, Any]) -> None:
    await connection.execute(
        sa.update(supplement_requests).where(supplement_requests.c.id == request_id).values(**values)
    )


async def appeals_to_remind(connection: AsyncConnection, now: datetime, *, limit: int) -> list[UUID]:
    """Return appeals whose citizens are to be reminded now."""
    requests = supplement_requests.c
    return await _appeals(connection, requests.reminded_at.is_(None), requests.remind_at, now=now, limit=limit)


async def appeals_to_expire(connection: AsyncConnection, now: datetime, *, limit: int) -> list[UUID]:
    """Return appeals whose papers never came, although the citizen was reminded."""
    requests = supplement_requests.c
    return await _appeals(connection, requests.reminded_at.is_not(None), requests.due_at, now=now, limit=limit)


async def _appeals(
    connection: AsyncConnection,
    condition: sa.ColumnElement[bool],
    moment: sa.ColumnElement[datetime],
    *,
    now: datetime,
    limit: int,
) -> list[UUID]:
    statement = (
        sa.select(supplement_requests.c.appeal_id)
        .where(supplement_requests.c.closed_at.is_(None), condition, moment <= now)
        .order_by(moment)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def _items_of(connection: AsyncConnection, request_ids: Sequence[UUID]) -> Mapping[UUID, tuple[StoredItem, ...]]:
    statement = (
        sa.select(supplement_items)
        .where(supplement_items.c.request_id.in_(request_ids))
        .order_by(supplement_items.c.request_id, supplement_items.c.position)
    )
    found: dict[UUID, tuple[StoredItem, ...]] = {}
    for row in (await connection.execute(statement)).mappings():
        listed = Listed(row["position"], Paper(row["name"], row["note"]), row["delivered_at"])
        found[row["request_id"]] = (*found.get(row["request_id"], ()), StoredItem(listed, row["delivery_note"]))
    return found


def _request_of(row: Any, items: Sequence[StoredItem]) -> StoredRequest:
    return StoredRequest(
        id=row["id"],
        appeal_id=row["appeal_id"],
        note=row["note"],
        asked_again_because=row["asked_again_because"],
        requested_at=row["requested_at"],
        deadline=Deadline(row["due_at"], row["remind_at"]),
        reminded_at=row["reminded_at"],
        closed_at=row["closed_at"],
        outcome=row["outcome"],
        items=tuple(items),
    )
