"""Files that come with a request: examined and stored as any attachment, before the request is registered."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from fastapi import Request
from starlette.types import Message

from services.intake.api.attachment_reception import AttachmentRoom, as_stored
from services.intake.api.attachment_upload import Counter, remove_left_over
from services.intake.api.open311.forms import SentFile
from services.intake.use_cases.add_attachments import StoredFile, note_objects
from services.intake.use_cases.desk import Desk
from shared.db.engine import Database


@asynccontextmanager
async def stored_files(
    request: Request, database: Database, desk: Desk, sent: Sequence[SentFile]
) -> AsyncIterator[list[StoredFile]]:
    """Store what was sent; whatever does not come to count by the end of the block is removed again.

    Raises the refusals of `domain.attachments`, InvalidInput, or Unavailable.
    """
    if not sent:
        yield []
        return
    room: AttachmentRoom = request.app.state.attachments
    async with room.receiving(_as_upload(request, sent), held=0) as upload:
        files = [as_stored(file) for file in upload.files]
        objects = [name for file in files for name in file.keys]
        await database.transact(lambda uow: note_objects(uow, objects))
        try:
            for received, stored in zip(upload.files, files, strict=True):
                await room.put(received, stored)
            yield files
        finally:
            await remove_left_over(Counter(request, database, desk, room), objects)


def _as_upload(request: Request, sent: Sequence[SentFile]) -> Request:
    """The files alone, as an upload of attachments brings them."""
    boundary = secrets.token_hex(16)
    body = b"".join(_part(boundary, file) for file in sent) + f"--{boundary}--\r\n".encode()
    headers = [
        (b"content-type", f"multipart/form-data; boundary={boundary}".encode()),
        (b"content-length", str(len(body)).encode()),
    ]

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {name: request.scope[name] for name in ("type", "app", "method", "path", "query_string")}
    return Request({**scope, "headers": headers}, receive)


def _part(boundary: str, file: SentFile) -> bytes:
    name = quote(file.name, safe=" ()[]+,;@=._-")
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    return head.encode() + file.content + b"\r\n"
