"""One upload from body to answer: received, stored, committed; or nothing of it is left."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from fastapi import Request, Response

from services.intake.api.attachment_reception import AttachmentRoom, Upload, as_stored, digest_parts
from services.intake.api.attachment_views import attachment_list
from services.intake.storage.port import StorageError
from services.intake.use_cases.add_attachments import (
    AddAttachments,
    StoredFile,
    Uploader,
    add_attachments,
    note_objects,
    room_for_attachments,
)
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.shred_attachments import objects_left_over, objects_removed
from shared.db.engine import Database, is_database_trouble
from shared.errors import DomainError, FieldProblem, InvalidInput
from shared.http.dependencies import IdempotencyContext
from shared.http.idempotency import key_identity
from shared.http.requests import discard_rest
from shared.vocabulary import Service

log = structlog.get_logger(__name__)

_CLOCKS_MAY_DIFFER_BY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Counter:
    """The request, and what taking or giving a file needs of the application."""

    request: Request
    database: Database
    desk: Desk
    room: AttachmentRoom


@dataclass(frozen=True, slots=True)
class UploadKey:
    """Whose upload it is, and the idempotency key it came with, if it did."""

    principal_id: str
    key: str | None


async def take_upload(counter: Counter, appeal_id: UUID, uploader: Uploader, key: UploadKey) -> Response:
    """Answer 201 with the attachments that were added. Raises every refusal of receiving and adding."""
    request, database = counter.request, counter.database
    try:
        held = await database.transact(lambda uow: room_for_attachments(uow, appeal_id, uploader), read_only=True)
    except DomainError:
        await discard_rest(request)
        raise
    async with counter.room.receiving(request, held=held.now) as upload:
        _check_moment(upload, database)
        idem = _idempotency(request, key, upload)
        files = [as_stored(file) for file in upload.files]
        objects = [name for file in files for name in file.keys]
        await database.transact(lambda uow: note_objects(uow, objects))
        try:
            for received, stored in zip(upload.files, files, strict=True):
                await counter.room.put(received, stored)
            command = _command(appeal_id, uploader, upload, files)
            return await idem.run(
                database, lambda uow: add_attachments(uow, counter.desk, command), status=201, render=_render
            )
        finally:
            await remove_left_over(counter, objects)


def _render(rows: list[dict[str, Any]]) -> tuple[Any, dict[str, str]]:
    headers = {}
    if len(rows) == 1:
        headers["Location"] = f"/v1/appeals/{rows[0]['appeal_id']}/attachments/{rows[0]['id']}"
    return attachment_list(rows), headers


def _command(appeal_id: UUID, uploader: Uploader, upload: Upload, files: list[StoredFile]) -> AddAttachments:
    fields = upload.fields
    return AddAttachments(appeal_id, uploader, files, fields.purpose, fields.note or "", fields.taken_at)


def _check_moment(upload: Upload, database: Database) -> None:
    taken_at = upload.fields.taken_at
    if taken_at is not None and taken_at > database.clock.now() + _CLOCKS_MAY_DIFFER_BY:
        raise InvalidInput("It cannot have been taken yet.", [FieldProblem("/taken_at", "lies in the future")])


def _idempotency(request: Request, given: UploadKey, upload: Upload) -> IdempotencyContext:
    """The key's identity, with the digests of the files in the place of a body that nobody holds."""
    if given.key is None:
        return IdempotencyContext(None, Service.INTAKE)
    path: str = request.scope["path"]
    body = orjson.dumps(digest_parts(upload))
    identity = key_identity(principal_id=given.principal_id, method=request.method, path=path, key=given.key, body=body)
    return IdempotencyContext(identity, Service.INTAKE)


async def remove_left_over(counter: Counter, keys: list[str]) -> None:
    """What did not come to count, by a refusal or because it had been added before, goes at once; or with the sweep."""
    database = counter.database
    try:
        left = await database.transact(lambda uow: objects_left_over(uow, keys), read_only=True)
        for key in left:
            await counter.room.store.delete(key)
        if left:
            await database.transact(lambda uow: objects_removed(uow, left))
    except Exception as error:
        if not isinstance(error, StorageError) and not is_database_trouble(error):
            raise
        log.warning("attachments.left_for_the_sweep", error=type(error).__name__)
