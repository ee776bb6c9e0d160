"""Reading attachments: the list, one, its content as others get it, and the original for those who may see it.

Of a report nothing is shown without the right to reveal, and every look at one, or at an original, leaves a trace.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from services.intake.db import attachments as rows
from services.intake.db.appeals import AccessLogEntry, Row, log_access
from services.intake.domain.attachments import FILE_TYPES, FileType, Source, neutral_name, safe_name
from services.intake.media import patches as patching
from services.intake.media.patches import Patch
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Forbidden, Gone, NotFound
from shared.vocabulary import AppealType

# What the citizen who appealed sees: what they or the office brought, not the department's unchecked evidence.
CITIZEN_SEES: Final = frozenset({Source.CITIZEN, Source.OFFICE})
_OF_REPORT: Final = "attachments of a report"
ORIGINAL, CLEAN = "original", "clean"


class RevealNeeded(Forbidden):
    """What was sent with a report may tell who sent it."""

    code = "reveal_needed"
    title = "This needs the right to reveal"


class AttachmentGone(Gone):
    """Withdrawn, or its key was destroyed."""

    code = "attachment_gone"
    title = "The attachment is no longer shown"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks."""

    actor: str
    principal_id: str
    may_reveal: bool
    department_code: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What is needed to send a file: where it lies, how it opens, what is left out, what it is called."""

    attachment_id: UUID
    role: str
    storage_key: str
    size: int
    content_type: str
    file_name: str
    data_key: bytes = field(repr=False)
    patches: Sequence[Patch] = ()


async def list_attachments(uow: UnitOfWork, appeal_id: UUID, viewer: Viewer) -> list[Row]:
    """Return what is shown of an appeal's attachments, withdrawn ones included. Raises NotFound or RevealNeeded."""
    await _admit(uow, appeal_id, viewer)
    return await rows.list_attachments(uow.connection, appeal_id)


async def get_attachment(uow: UnitOfWork, appeal_id: UUID, attachment_id: UUID, viewer: Viewer) -> Row:
    """Return one. Raises NotFound or RevealNeeded."""
    await _admit(uow, appeal_id, viewer)
    return await _find(uow, appeal_id, attachment_id)


async def get_content(uow: UnitOfWork, desk: Desk, appeal_id: UUID, attachment_id: UUID, viewer: Viewer) -> Content:
    """Return how to send the cleaned copy. Raises NotFound, RevealNeeded or AttachmentGone."""
    await _admit(uow, appeal_id, viewer)
    return shown_content(desk, await _find(uow, appeal_id, attachment_id))


async def list_own_attachments(uow: UnitOfWork, appeal_id: UUID) -> list[Row]:
    """Return what the citizen who proved themselves sees of their appeal's attachments."""
    return await rows.list_attachments(uow.connection, appeal_id, sources=CITIZEN_SEES)


async def get_own_content(uow: UnitOfWork, desk: Desk, appeal_id: UUID, attachment_id: UUID) -> Content:
    """Return how to send it to the citizen who proved themselves. Raises NotFound or AttachmentGone."""
    row = await _find(uow, appeal_id, attachment_id)
    if row["source"] not in CITIZEN_SEES:
        raise NotFound("There is no such attachment.")
    return shown_content(desk, row)


@dataclass(frozen=True, slots=True)
class RevealAttachment:
    appeal_id: UUID
    attachment_id: UUID
    reason: str
    viewer: Viewer


async def reveal_attachment(uow: UnitOfWork, desk: Desk, command: RevealAttachment) -> tuple[Row, dict[str, Any]]:
    """Log it, then return the row and what was sealed with it: name, note, position, time. Raises NotFound or Gone.

    A withdrawn one is shown, too: the record keeps it.
    """
    row = await _find_original(uow, command)
    return row, _secrets(desk, row)


async def get_original(uow: UnitOfWork, desk: Desk, command: RevealAttachment) -> Content:
    """Log it, then return how to send the file as it came. Raises NotFound or AttachmentGone."""
    row = await _find_original(uow, command)
    secrets = _secrets(desk, row)
    file_type = FILE_TYPES[row["file_type"]]
    return Content(
        row["id"],
        ORIGINAL,
        row["storage_key"],
        row["size"],
        _content_type(file_type, row),
        safe_name(secrets["file_name"], file_type.extension),
        base64.b64decode(secrets["key"]),
    )


def shown_content(desk: Desk, row: Row) -> Content:
    """Return how to send what everybody gets of an attachment. Raises AttachmentGone."""
    if row["withdrawn_at"] is not None:
        raise AttachmentGone("The attachment was withdrawn.")
    secrets = _secrets(desk, row)
    has_copy = row["clean_key"] is not None
    file_type = FILE_TYPES[row["clean_type" if has_copy else "file_type"]]
    return Content(
        row["id"],
        CLEAN if has_copy else ORIGINAL,
        row["clean_key"] if has_copy else row["storage_key"],
        row["clean_size"] if has_copy else row["size"],
        _content_type(file_type, row),
        neutral_name(row["receipt_number"], row["sequence"], file_type.extension),
        base64.b64decode(secrets["key"]),
        () if has_copy else patching.from_json(secrets["patches"]),
    )


async def _admit(uow: UnitOfWork, appeal_id: UUID, viewer: Viewer) -> None:
    appeal = await get_appeal(uow, appeal_id, department_code=viewer.department_code)
    if appeal["type"] != AppealType.REPORT:
        return
    if not viewer.may_reveal:
        raise RevealNeeded("What was sent with a report is shown only to those who may reveal.")
    await _log(uow, appeal_id, viewer, _OF_REPORT)


async def _find(uow: UnitOfWork, appeal_id: UUID, attachment_id: UUID) -> Row:
    row = await rows.find_attachment(uow.connection, appeal_id, attachment_id)
    if row is None:
        raise NotFound("There is no such attachment.")
    return row


async def _find_original(uow: UnitOfWork, command: RevealAttachment) -> Row:
    await get_appeal(uow, command.appeal_id, department_code=command.viewer.department_code)
    row = await _find(uow, command.appeal_id, command.attachment_id)
    await _log(uow, command.appeal_id, command.viewer, command.reason)
    return row


async def _log(uow: UnitOfWork, appeal_id: UUID, viewer: Viewer, reason: str) -> None:
    await log_access(
        uow.connection, AccessLogEntry(appeal_id, viewer.actor, viewer.principal_id, reason, True, uow.now)
    )


def _secrets(desk: Desk, row: Row) -> dict[str, Any]:
    sealed = rows.sealed_of(row)
    if sealed is None:
        raise AttachmentGone("The content was destroyed when its time had come.")
    return desk.vault.open(row["id"], sealed)


def _content_type(file_type: FileType, row: Row) -> str:
    return f"{file_type.content_type}; charset={row['charset']}" if row["charset"] else file_type.content_type
