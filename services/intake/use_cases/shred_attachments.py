"""Destroying what an appeal's attachments hold: the keys at once, the objects in the storage by the next sweep."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.db import attachments as rows
from services.intake.domain.attachments import MediaKind
from shared.db.unit_of_work import UnitOfWork


async def shred_attachments(uow: UnitOfWork, appeal_id: UUID, *, kinds: Sequence[MediaKind] = tuple(MediaKind)) -> int:
    """Shred those of some kinds; the rows stay without a word of anybody's. Returns how many objects go."""
    keys = await rows.shred_rows(uow.connection, appeal_id, kinds=kinds, at=uow.now)
    await rows.note_leftovers(uow.connection, keys, remove_after=uow.now)
    return len(keys)


async def due_objects(uow: UnitOfWork, *, limit: int) -> list[str]:
    """Take up to `limit` objects that are to be removed from the storage; untold, they come up again later."""
    return await rows.due_leftovers(uow.connection, uow.now, limit=limit)


async def objects_removed(uow: UnitOfWork, keys: list[str]) -> None:
    """The objects are gone from the storage."""
    await rows.forget_leftovers(uow.connection, keys)


async def objects_left_over(uow: UnitOfWork, keys: list[str]) -> list[str]:
    """Which of these objects belong to no attachment: what became of an upload that was refused or repeated."""
    return await rows.listed_leftovers(uow.connection, keys)
