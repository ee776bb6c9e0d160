"""Taking files in: each is sealed on the disk while it arrives, examined and scanned before the next one is read.

Nothing is kept in memory but one block, nothing lies in the clear, and what is refused is gone before the answer.
"""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import structlog
from fastapi import Request

from services.intake.api.attachment_fields import FieldReader, UploadFields
from services.intake.domain.attachments import (
    MOST_PER_APPEAL,
    ChecksumDiffers,
    MediaKind,
    Scan,
    SizeBounds,
    TooManyAttachments,
)
from services.intake.media.examine import HEAD, Examined, ExamineLimits, Guess, examine, first_guess
from services.intake.media.virus_scan import VirusScanner
from services.intake.settings import Settings
from services.intake.storage.choice import open_staging, open_storage
from services.intake.storage.port import ObjectStore, StorageError
from services.intake.storage.sealed_objects import ObjectCipher
from services.intake.storage.staging import StagedFile, Staging
from services.intake.use_cases.add_attachments import StoredFile
from services.intake.use_cases.read_attachments import CLEAN, ORIGINAL
from shared.errors import FieldProblem, InvalidInput, Unavailable
from shared.http.multipart import Part, PartData, PartEnd, read_multipart
from shared.http.requests import discard_rest
from shared.ids import uuid7

log = structlog.get_logger(__name__)

_BLOCK: Final = 512 * 1024
_FILE_FIELD: Final = "file"
_FIELDS_ROOM: Final = 64 * 1024
_LONGEST_CLAIM: Final = 200
# Bodies over the bounds of the settings are refused by those; no setting reaches this.
LARGEST_BODY: Final = 1_100 * 1024 * 1024


@dataclass(slots=True)
class _Incoming:
    """One file while it arrives."""

    id: UUID
    data_key: bytes
    staged: StagedFile
    file_name: str
    claimed_type: str
    digest_claimed: str | None
    waiting: bytearray = field(default_factory=bytearray)
    guess: Guess | None = None

    @property
    def size(self) -> int:
        return self.staged.size + len(self.waiting)


@dataclass(slots=True)
class ReceivedFile:
    """One file that is complete, examined and scanned, and not yet stored."""

    incoming: _Incoming
    examined: Examined
    scan: Scan
    copy: StagedFile | None

    @property
    def sha256(self) -> bytes:
        return self.incoming.staged.sha256


@dataclass(slots=True)
class Upload:
    """A whole upload."""

    fields: UploadFields = field(default_factory=UploadFields)
    files: list[ReceivedFile] = field(default_factory=list)
    _staged: list[StagedFile] = field(default_factory=list)

    def track(self, staged: StagedFile) -> StagedFile:
        """Remember a file that is to be removed if it is not stored."""
        self._staged.append(staged)
        return staged

    def discard(self) -> None:
        """Remove whatever still lies in staging."""
        for staged in self._staged:
            with suppress(OSError):
                staged.discard()


class AttachmentRoom:
    """The storage with its staging, the bounds, and the scanner: one per process."""

    def __init__(
        self,
        store: ObjectStore,
        staging: Staging,
        *,
        bounds: SizeBounds,
        limits: ExamineLimits,
        scanner: VirusScanner | None,
    ) -> None:
        self.store = store
        self.staging = staging
        self._bounds = bounds
        self._limits = limits
        self._scanner = scanner
        self._examining = asyncio.Semaphore(1)  # a picture takes memory while it is decoded

    @classmethod
    def from_settings(cls, settings: Settings) -> "AttachmentRoom":
        scanner = None
        if settings.clamd_url is not None:
            scanner = VirusScanner(
                settings.clamd_url,
                is_required=settings.clamd_required,
                timeout_seconds=settings.clamd_timeout_seconds,
            )
        return cls(
            open_storage(settings),
            open_staging(settings),
            bounds=settings.attachment_bounds,
            limits=ExamineLimits(settings.attachment_most_pixels, settings.zone),
            scanner=scanner,
        )

    @asynccontextmanager
    async def receiving(self, request: Request, *, held: int) -> AsyncIterator[Upload]:
        """Read an upload for an appeal that holds `held` files. Afterwards nothing of it is left in staging.

        Raises what `read_multipart` raises, the refusals of `domain.attachments`, InvalidInput, or Unavailable.
        """
        upload = Upload()
        try:
            try:
                await self._read(request, upload, held)
            except Exception:
                await discard_rest(request)
                raise
            yield upload
        except OSError as error:
            log.error("attachments.staging_failed", error=type(error).__name__, number=error.errno)
            raise Unavailable("The file cannot be stored at the moment.", retry_after_seconds=30) from error
        finally:
            await asyncio.to_thread(upload.discard)

    async def _read(self, request: Request, upload: Upload, held: int) -> None:
        body = hashlib.sha256()
        fields = FieldReader()
        incoming: _Incoming | None = None
        most = self._bounds.of(MediaKind) + _FIELDS_ROOM
        async for event in read_multipart(request, most_bytes=most, watch=body.update):
            match event:
                case Part(name=name) if name == _FILE_FIELD:
                    if held + len(upload.files) >= MOST_PER_APPEAL:
                        raise TooManyAttachments(held)
                    incoming = await self._begin(event, upload)
                case Part():
                    incoming = None
                    fields.begin(event)
                case PartData(data=data) if incoming is not None:
                    await self._take(incoming, data)
                case PartData(data=data):
                    fields.take(data)
                case PartEnd() if incoming is not None:
                    upload.files.append(await self._complete(incoming, upload))
                case PartEnd():
                    fields.end()
        upload.fields = fields.finish()
        if not upload.files:
            raise InvalidInput("There is no file in the body.", [FieldProblem("/file", "is required")])
        _check_fields(upload, _digest_of(request.headers.get("content-digest")), body.digest())

    async def _begin(self, part: Part, upload: Upload) -> _Incoming:
        data_key = secrets.token_bytes(32)
        staged = await asyncio.to_thread(self.staging.begin, ObjectCipher(data_key, ORIGINAL))
        return _Incoming(
            uuid7(),
            data_key,
            upload.track(staged),
            (part.file_name or "")[:_LONGEST_CLAIM],
            part.headers.get("content-type", "")[:_LONGEST_CLAIM],
            part.headers.get("content-digest"),
        )

    async def _take(self, incoming: _Incoming, data: bytes) -> None:
        incoming.waiting += data
        if incoming.guess is None and incoming.size >= HEAD:
            incoming.guess = first_guess(bytes(incoming.waiting[:HEAD]))
        if incoming.guess is not None:
            self._bounds.check(incoming.size, incoming.guess.kinds)
        if len(incoming.waiting) >= _BLOCK:
            await _flush(incoming)

    async def _complete(self, incoming: _Incoming, upload: Upload) -> ReceivedFile:
        if not incoming.size:
            raise InvalidInput("The file is empty.", [FieldProblem("/file", "is empty")], code="empty_attachment")
        guess = incoming.guess or first_guess(bytes(incoming.waiting))
        self._bounds.check(incoming.size, guess.kinds)
        await _flush(incoming)
        staged = incoming.staged
        await asyncio.to_thread(staged.finish)
        if incoming.digest_claimed is not None:
            _check_digest(_digest_of(incoming.digest_claimed), staged.sha256, "/file")
        async with self._examining:
            examined = await asyncio.to_thread(_examine, staged, guess, self._limits)
        self._bounds.check(staged.size, frozenset({examined.file_type.kind}))
        scan = await self._scanner.scan(_pieces(staged)) if self._scanner is not None else Scan.NOT_SCANNED
        copy = None
        if examined.clean is not None:
            copy = upload.track(
                await asyncio.to_thread(self._write_copy, ObjectCipher(incoming.data_key, CLEAN), examined.clean)
            )
        return ReceivedFile(incoming, examined, scan, copy)

    def _write_copy(self, cipher: ObjectCipher, content: bytes) -> StagedFile:
        staged = self.staging.begin(cipher)
        staged.write(content)
        staged.finish()
        return staged

    async def put(self, file: ReceivedFile, stored: StoredFile) -> None:
        """Store a file's objects under the keys of `stored`. Raises Unavailable."""
        try:
            await self.store.put_stream(stored.storage_key, file.incoming.staged.path)
            if file.copy is not None and stored.clean_key is not None:
                await self.store.put_stream(stored.clean_key, file.copy.path)
        except StorageError as error:
            log.error("attachments.storage_failed", error=str(error), cause=type(error.__cause__).__name__)
            raise Unavailable("The file cannot be stored at the moment.", retry_after_seconds=30) from error


def as_stored(file: ReceivedFile) -> StoredFile:
    """Name the objects of a received file. The keys tell nothing."""
    incoming, examined = file.incoming, file.examined
    place = secrets.token_hex(16)
    return StoredFile(
        id=incoming.id,
        data_key=incoming.data_key,
        storage_key=f"{place[:2]}/{place[2:4]}/{place}",
        size=incoming.staged.size,
        sha256=incoming.staged.sha256,
        examined=examined,
        scan=file.scan,
        file_name=incoming.file_name,
        claimed_type=incoming.claimed_type,
        clean_key=f"{place[:2]}/{place[2:4]}/{place}.clean" if file.copy is not None else None,
        clean_size=file.copy.size if file.copy is not None else None,
    )


async def _flush(incoming: _Incoming) -> None:
    block, incoming.waiting = bytes(incoming.waiting), bytearray()
    await asyncio.to_thread(incoming.staged.write, block)


def _examine(staged: StagedFile, guess: Guess, limits: ExamineLimits) -> Examined:
    with staged.open() as file:
        return examine(cast("BinaryIO", file), staged.size, guess, limits)


async def _pieces(staged: StagedFile) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(staged.open) as file:
        while piece := await asyncio.to_thread(file.read, _BLOCK):
            yield piece


def _check_fields(upload: Upload, body_claimed: bytes | None, body: bytes) -> None:
    """What the sender said about the files must hold. Raises InvalidInput or ChecksumDiffers."""
    fields = upload.fields
    if body_claimed is not None:
        _check_digest(body_claimed, body, "/Content-Digest")
    if fields.sha256 and len(fields.sha256) != len(upload.files):
        raise InvalidInput(
            "There must be one checksum for each file.",
            [FieldProblem("/sha256", "must be given once for each file, in their order", len(upload.files))],
        )
    for claimed, file in zip(fields.sha256, upload.files, strict=False):
        _check_digest(bytes.fromhex(claimed), file.sha256, "/sha256")
    for file in upload.files:
        kind = file.examined.file_type.kind
        if fields.kind is not None and fields.kind is not kind:
            raise InvalidInput(
                f"The file is no {fields.kind}.",
                [FieldProblem("/kind", f"is {fields.kind}, but the file is of kind {kind}", [kind])],
                code="kind_mismatch",
            )


def _check_digest(claimed: bytes | None, found: bytes, place: str) -> None:
    if claimed is not None and not secrets.compare_digest(claimed, found):
        raise ChecksumDiffers(
            "What arrived is not what was sent.", [FieldProblem(place, "is not the SHA-256 of what arrived")]
        )


def _digest_of(header: str | None) -> bytes | None:
    """The SHA-256 of a `Content-Digest` (RFC 9530), or None when it names only others. Raises InvalidInput."""
    for entry in (header or "").split(","):
        name, _, value = entry.strip().partition("=")
        if name.lower() == "sha-256":
            with suppress(ValueError):
                digest = base64.b64decode(value.strip().strip(":"), validate=True)
                if len(digest) == 32:
                    return digest
            raise InvalidInput(
                "The checksum cannot be read.",
                [FieldProblem("/Content-Digest", "must be sha-256=:base64 of 32 bytes:")],
            )
    return None


def digest_parts(upload: Upload) -> list[Any]:
    """What makes an upload the same upload again: for its idempotency key."""
    return [upload.fields.model_dump(mode="json"), *([f.incoming.file_name, f.sha256.hex()] for f in upload.files)]
