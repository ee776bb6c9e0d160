"""Adding files to an appeal: their objects lie in the storage already, and one transaction makes them count (WD-07).

What may name or place a person goes into the sealed record, with the key of the objects; destroying it shreds both.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.intake.db import attachments as rows
from services.intake.db.appeals import Row, lock_appeal, read_vault
from services.intake.domain.attachments import Purpose, Scan, Source, check_room, distance_metres
from services.intake.domain.texts import mask_person
from services.intake.media import patches as patching
from services.intake.media.examine import Examined
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, Unavailable
from shared.vocabulary import AppealStatus, AppealType

# An object whose attachment was not committed by then never will be.
STORING_TAKES_AT_MOST: Final = timedelta(hours=1)


class AppealArchived(Conflict):
    """Its file is closed."""

    code = "appeal_archived"
    title = "The appeal is archived"


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who brings the files."""

    actor: str
    source: Source
    department_code: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One examined file whose objects are in the storage; `data_key` opens them."""

    id: UUID
    data_key: bytes = field(repr=False)
    storage_key: str
    size: int
    sha256: bytes
    examined: Examined
    scan: Scan
    file_name: str
    claimed_type: str
    clean_key: str | None = None
    clean_size: int | None = None

    @property
    def keys(self) -> list[str]:
        """The keys of its objects."""
        return [key for key in (self.storage_key, self.clean_key) if key is not None]


@dataclass(frozen=True, slots=True)
class AddAttachments:
    appeal_id: UUID
    uploader: Uploader
    files: Sequence[StoredFile]
    purpose: Purpose = Purpose.MATTER
    note: str = ""
    taken_at: datetime | None = None


async def room_for_attachments(uow: UnitOfWork, appeal_id: UUID, uploader: Uploader) -> rows.Held:
    """See, before a body is read, whether anything may be added. Raises NotFound, Conflict or TooManyAttachments."""
    row = await get_appeal(uow, appeal_id, department_code=uploader.department_code)
    _check_open(row)
    held = await rows.count_attachments(uow.connection, appeal_id)
    check_room(held=held.now, ever=held.ever, wanted=1)
    return held


async def note_objects(uow: UnitOfWork, keys: Sequence[str]) -> None:
    """Before objects are stored: what is not committed in time is swept away, whatever happens to this process."""
    await rows.note_leftovers(uow.connection, keys, remove_after=uow.now + STORING_TAKES_AT_MOST)


async def add_attachments(uow: UnitOfWork, desk: Desk, command: AddAttachments) -> list[Row]:
    """Make stored files count; returns the rows that are shown.

    Raises NotFound, Conflict, TooManyAttachments, or Unavailable when storing took so long that the sweep came first.
    """
    await get_appeal(uow, command.appeal_id, department_code=command.uploader.department_code)
    appeal = await lock_appeal(uow.connection, command.appeal_id)
    if appeal is None:
        raise Unavailable("The appeal went away meanwhile; try again.")
    _check_open(appeal)
    held = await rows.count_attachments(uow.connection, command.appeal_id)
    check_room(held=held.now, ever=held.ever, wanted=len(command.files))
    keys = [key for file in command.files for key in file.keys]
    if await rows.forget_leftovers(uow.connection, keys) != len(keys):
        raise Unavailable("Storing the files took too long; send them again.")
    note = await _shown_note(uow, desk, appeal, command.note)
    new = [
        _row(uow, desk, command, appeal, file, {"sequence": held.ever + number, "note": note})
        for number, file in enumerate(command.files, start=1)
    ]
    await rows.insert_attachments(uow.connection, new)
    return [{**row, "receipt_number": appeal["receipt_number"]} for row in new]


def _check_open(row: Mapping[str, Any]) -> None:
    if row["seen_status"] == AppealStatus.ARCHIVED:
        raise AppealArchived("Nothing is added to an archived appeal.")


async def _shown_note(uow: UnitOfWork, desk: Desk, appeal: Row, note: str) -> str:
    """What others may read of the note: of a report nothing, else without the persons of this matter."""
    if not note or appeal["type"] == AppealType.REPORT:
        return ""
    sealed = await read_vault(uow.connection, appeal["id"])
    secrets = desk.vault.open(appeal["id"], sealed) if sealed is not None else {}
    reporter = secrets.get("reporter") or secrets
    names, phones = ([value] if (value := reporter.get(name)) else [] for name in ("name", "phone"))
    return mask_person(note, names=names, phones=phones)


def _row(
    uow: UnitOfWork, desk: Desk, command: AddAttachments, appeal: Row, file: StoredFile, own: Mapping[str, Any]
) -> Row:
    examined = file.examined
    sealed = desk.vault.seal(file.id, _secrets(command, file))
    clean_type = examined.clean_type
    return {
        "id": file.id,
        "appeal_id": command.appeal_id,
        "kind": examined.file_type.kind,
        "purpose": command.purpose,
        "source": command.uploader.source,
        "file_type": examined.file_type.code,
        "charset": examined.charset,
        "size": file.size,
        "sha256": file.sha256,
        "storage_key": file.storage_key,
        "is_clean": examined.is_clean,
        "clean_key": file.clean_key,
        "clean_type": clean_type.code if clean_type is not None and file.clean_key is not None else None,
        "clean_size": file.clean_size,
        "width": examined.width,
        "height": examined.height,
        "distance_metres": _distance(appeal, examined),
        "taken_at": command.taken_at,
        "scan": file.scan,
        "added_by": command.uploader.actor,
        "added_at": uow.now,
        "withdrawn_by": None,
        "withdrawn_at": None,
        "withdrawn_reason": None,
        "key_id": sealed.key_id,
        "wrapped_key": sealed.wrapped_key,
        "sealed": sealed.sealed,
        "shredded_at": None,
        **own,
    }


def _distance(appeal: Row, examined: Examined) -> int | None:
    """How far from the place of the matter it was taken; nothing of a report, whose author stood there."""
    if examined.position is None or appeal["longitude"] is None or appeal["type"] == AppealType.REPORT:
        return None
    return distance_metres(examined.position, (appeal["longitude"], appeal["latitude"]))


def _secrets(command: AddAttachments, file: StoredFile) -> dict[str, Any]:
    examined = file.examined
    return {
        "key": base64.b64encode(file.data_key).decode(),
        "file_name": file.file_name,
        "claimed_type": file.claimed_type,
        "note": command.note,
        "patches": patching.to_json(examined.patches),
        "position": examined.position,
        "taken_at": examined.taken_at,
        "camera": examined.camera,
    }
