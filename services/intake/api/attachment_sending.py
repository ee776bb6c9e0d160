"""Sending a file: opened while it leaves, whole or a range, as a download that no browser runs and no cache shares."""

import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from services.intake.media import patches
from services.intake.storage.port import ObjectStore, StorageError
from services.intake.storage.sealed_objects import ObjectCipher, SealBroken, span_of, unseal
from services.intake.use_cases.read_attachments import Content
from shared.errors import Unavailable
from shared.http.problems import problem_response

log = structlog.get_logger(__name__)

PRIVATE: Final = "private, no-cache"
PUBLIC: Final = "public, max-age=3600"
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


async def send_content(
    request: Request, store: ObjectStore, content: Content, *, cache: str = PRIVATE, inline: bool = False
) -> Response:
    """Answer with a file, or the range of it that is asked for. Raises Unavailable when the storage fails at once."""
    etag = f'"{content.attachment_id.hex}-{content.role}-{len(content.patches)}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": cache,
        "Content-Disposition": _disposition(content.file_name, inline=inline),
    }
    if etag in {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    start, stop, status = 0, content.size, 200
    if (asked := request.headers.get("range")) is not None and request.headers.get("if-range", etag) == etag:
        found = _range_of(asked, content.size)
        if found is None:
            return _unsatisfiable(content.size)
        start, stop, status = found
    headers["Content-Length"] = str(stop - start)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.size}"
    body = await _begun(_opened(store, content, start, stop))
    return StreamingResponse(body, status_code=status, headers=headers, media_type=content.content_type)


def _range_of(asked: str, size: int) -> tuple[int, int, int] | None:
    """One range as (start, stop, 206); the whole as 200 for what is not understood; None when there is no such part."""
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return 0, size, 200
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    return (start, stop, 206) if start < stop else None


def _unsatisfiable(size: int) -> Response:
    response = problem_response(416, "range_not_satisfiable", "There is no such part", f"The file has {size} bytes.")
    response.headers["Content-Range"] = f"bytes */{size}"
    return response


def _disposition(name: str, *, inline: bool) -> str:
    """RFC 6266: a plain name for old programs, the real one for all others."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _opened(store: ObjectStore, content: Content, start: int, stop: int) -> AsyncIterator[bytes]:
    cipher = ObjectCipher(content.data_key, content.role)
    first, end = span_of(content.size, start, stop)
    position = start
    async for piece in unseal(cipher, content.size, start, stop, store.open_stream(content.storage_key, first, end)):
        yield patches.apply(content.patches, piece, position)
        position += len(piece)


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Fetch the first piece before the answer begins, so that an object that is away is an honest 503."""
    try:
        first = await anext(pieces, b"")
    except (StorageError, SealBroken) as error:
        log.error("attachments.not_readable", error=type(error).__name__)
        raise Unavailable("The file cannot be read at the moment.", retry_after_seconds=30) from error

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return rest()
