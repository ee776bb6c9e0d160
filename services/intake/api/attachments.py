"""Photographs, sound, video and documents of an appeal: for those who handle it, for its citizen, for the public."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response, Security

from services.intake.api.attachment_reception import LARGEST_BODY, AttachmentRoom
from services.intake.api.attachment_sending import PUBLIC, send_content
from services.intake.api.attachment_upload import Counter, UploadKey, take_upload
from services.intake.api.attachment_views import (
    AttachmentList,
    AttachmentView,
    RevealedAttachmentView,
    attachment_list,
    attachment_view,
    revealed_attachment_view,
)
from services.intake.api.dependencies import Revealer, TheDesk
from services.intake.api.privacy_schemas import RevealIn
from services.intake.api.track_guard import TrackGuard
from services.intake.domain.attachments import EXTENSIONS, MediaKind, Purpose, Source, WithdrawReason
from services.intake.use_cases import read_attachments as reading
from services.intake.use_cases.add_attachments import Uploader
from services.intake.use_cases.list_public_attachments import get_public_media
from services.intake.use_cases.read_attachments import RevealAttachment, Viewer
from services.intake.use_cases.track_appeal import find_by_credentials
from services.intake.use_cases.withdraw_attachment import WithdrawAttachment, withdraw_attachment
from shared.errors import Forbidden, NotFound
from shared.http.dependencies import Db, public, require
from shared.http.problems import problem_documentation
from shared.identity.principal import Principal

router = APIRouter(tags=["attachments"])

_OF_APPEALS: Final = "/v1/appeals/{appeal_id}/attachments"
_OF_TRACKED: Final = "/v1/track/{receipt_number}/attachments"

# A department's keys have the rights of its tickets; they are bound to it, and so to the appeals it is in charge of.
Attacher = Annotated[Principal, Security(require("appeals:write", "tickets:handle"))]
AttachmentReader = Annotated[Principal, Security(require("appeals:read", "tickets:handle"))]
Tracker = Annotated[Principal, Security(require("appeals:track"))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A value of your own, new for each thing you want done once; the same key gets the same reply.",
    ),
]
ReceiptNumber = Annotated[str, Path(max_length=40)]
AccessCode = Annotated[str, Header(alias="X-Access-Code", max_length=64)]

_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": f"One or several parts of this name: {', '.join(EXTENSIONS)}. A part may "
                            "have a header Content-Digest (RFC 9530, sha-256).",
                        },
                        "kind": {"type": "string", "enum": list(MediaKind), "description": "Refused if it is not so."},
                        "purpose": {"type": "string", "enum": list(Purpose), "default": Purpose.MATTER},
                        "note": {"type": "string", "maxLength": 500},
                        "taken_at": {"type": "string", "format": "date-time"},
                        "sha256": {
                            "type": "array",
                            "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                            "description": "One for each file, in their order.",
                        },
                    },
                }
            }
        },
    }
}
_BYTES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The content",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    },
    206: {"description": "The range that was asked for"},
    304: {"description": "Not modified"},
    **problem_documentation([404, 410]),
    416: {"description": "There is no such part"},
}
_TAKING: Final[dict[int | str, dict[str, Any]]] = {
    201: {"model": AttachmentList, "description": "Added"},
    **problem_documentation([400, 404, 408, 409, 413, 415]),
}


async def get_room(request: Request) -> AttachmentRoom:
    return cast("AttachmentRoom", request.app.state.attachments)


async def get_counter(
    request: Request, db: Db, desk: TheDesk, room: Annotated[AttachmentRoom, Depends(get_room)]
) -> Counter:
    return Counter(request, db, desk, room)


TheCounter = Annotated[Counter, Depends(get_counter)]


@dataclass(frozen=True, slots=True)
class Address:
    """Which attachment of which appeal."""

    appeal_id: UUID
    attachment_id: UUID


async def get_address(appeal_id: UUID, attachment_id: UUID) -> Address:
    return Address(appeal_id, attachment_id)


TheAddress = Annotated[Address, Depends(get_address)]


async def _viewer(principal: AttachmentReader) -> Viewer:
    return _viewer_of(principal)


TheViewer = Annotated[Viewer, Depends(_viewer)]


def _viewer_of(principal: Principal) -> Viewer:
    if not principal.has("appeals:read") and principal.department_code is None:
        raise Forbidden("A key of tickets sees attachments only of the department it is bound to.")
    return Viewer(principal.actor, principal.id, principal.has("appeals:reveal"), principal.department_code)


def _uploader_of(principal: Principal) -> Uploader:
    if principal.department_code is not None:
        return Uploader(principal.actor, Source.DEPARTMENT, principal.department_code)
    if not principal.has("appeals:write"):
        raise Forbidden("A key of tickets adds attachments only for the department it is bound to.")
    return Uploader(principal.actor, Source.OFFICE)


async def _tracked_appeal(
    receipt_number: ReceiptNumber, request: Request, db: Db, desk: TheDesk, access_code: AccessCode = ""
) -> UUID:
    """The appeal of who holds number and code; guessing is slowed down as it is for tracking."""
    guard = cast("TrackGuard", request.app.state.track_guard)
    guard.check(receipt_number)
    try:
        row = await db.transact(
            lambda uow: find_by_credentials(uow, desk, receipt_number=receipt_number, access_code=access_code),
            read_only=True,
        )
    except NotFound:
        await guard.count_failure(receipt_number)
        raise
    return cast("UUID", row.id)


TrackedAppeal = Annotated[UUID, Depends(_tracked_appeal)]


@router.post(
    _OF_APPEALS,
    operation_id="add_attachments",
    summary="Add files to an appeal",
    status_code=201,
    responses=_TAKING,
    openapi_extra=_UPLOAD,
    max_body_size=LARGEST_BODY,
)
async def add(appeal_id: UUID, counter: TheCounter, principal: Attacher, key: IdempotencyKey = None) -> Response:
    """All of them or none: each is examined for what it is, and whatever tells place or device is kept from others."""
    return await take_upload(counter, appeal_id, _uploader_of(principal), UploadKey(principal.id, key))


@router.get(
    _OF_APPEALS,
    operation_id="list_attachments",
    summary="The attachments of an appeal",
    response_model=AttachmentList,
    responses=problem_documentation([404]),
)
async def list_all(appeal_id: UUID, db: Db, viewer: TheViewer) -> AttachmentList:
    """In the order they came, withdrawn ones included."""
    return attachment_list(await db.transact(lambda uow: reading.list_attachments(uow, appeal_id, viewer)))


@router.get(
    _OF_APPEALS + "/{attachment_id}",
    operation_id="get_attachment",
    summary="One attachment",
    response_model=AttachmentView,
    responses=problem_documentation([404]),
)
async def read_one(address: TheAddress, db: Db, viewer: TheViewer) -> AttachmentView:
    """What is known of it besides its content."""
    row = await db.transact(lambda uow: reading.get_attachment(uow, address.appeal_id, address.attachment_id, viewer))
    return attachment_view(row)


@router.get(
    _OF_APPEALS + "/{attachment_id}/content",
    operation_id="get_attachment_content",
    summary="The content, without place and device",
    response_class=Response,
    responses=_BYTES,
)
async def read_content(address: TheAddress, counter: TheCounter, viewer: TheViewer) -> Response:
    """A photograph drawn anew; sound and video with their descriptions blanked; documents as they came."""
    content = await counter.database.transact(
        lambda uow: reading.get_content(uow, counter.desk, address.appeal_id, address.attachment_id, viewer)
    )
    return await send_content(counter.request, counter.room.store, content)


@router.delete(
    _OF_APPEALS + "/{attachment_id}",
    operation_id="withdraw_attachment",
    summary="Withdraw an attachment",
    response_model=AttachmentView,
    responses=problem_documentation([404]),
)
async def withdraw(
    address: TheAddress,
    reason: Annotated[WithdrawReason, Query(description="Why it counts no more; kept on record.")],
    db: Db,
    principal: Attacher,
) -> AttachmentView:
    """It is shown no more and stays on record, its original with it. Repeating it changes nothing."""
    who = _uploader_of(principal)
    command = WithdrawAttachment(address.appeal_id, address.attachment_id, reason, who.actor, who.department_code)
    return attachment_view(await db.transact(lambda uow: withdraw_attachment(uow, command)))


@router.post(
    _OF_APPEALS + "/{attachment_id}/reveal",
    operation_id="reveal_attachment",
    summary="What was sealed with an attachment",
    response_model=RevealedAttachmentView,
    responses=problem_documentation([404, 410]),
)
async def reveal(
    address: TheAddress, body: RevealIn, counter: TheCounter, response: Response, principal: Revealer
) -> RevealedAttachmentView:
    """The sender's file name and note, where, when and with what it was taken. Every call is logged with its reason."""
    command = RevealAttachment(address.appeal_id, address.attachment_id, body.reason, _revealer(principal))
    row, secrets = await counter.database.transact(lambda uow: reading.reveal_attachment(uow, counter.desk, command))
    response.headers["Cache-Control"] = "no-store"
    return revealed_attachment_view(row, secrets)


@router.post(
    _OF_APPEALS + "/{attachment_id}/original",
    operation_id="get_attachment_original",
    summary="The file as it came",
    response_class=Response,
    responses=_BYTES,
)
async def read_original(address: TheAddress, body: RevealIn, counter: TheCounter, principal: Revealer) -> Response:
    """Evidence, with everything it says about its sender. Every call is logged with its reason."""
    command = RevealAttachment(address.appeal_id, address.attachment_id, body.reason, _revealer(principal))
    content = await counter.database.transact(lambda uow: reading.get_original(uow, counter.desk, command))
    return await send_content(counter.request, counter.room.store, content, cache="no-store")


def _revealer(principal: Principal) -> Viewer:
    return Viewer(principal.actor, principal.id, True, principal.department_code)


@router.post(
    _OF_TRACKED,
    operation_id="add_own_attachments",
    summary="Add files to one's own appeal",
    status_code=201,
    responses=_TAKING,
    openapi_extra=_UPLOAD,
    max_body_size=LARGEST_BODY,
)
async def add_own(
    appeal_id: TrackedAppeal, counter: TheCounter, principal: Tracker, key: IdempotencyKey = None
) -> Response:
    """With the receipt number and the access code."""
    return await take_upload(counter, appeal_id, Uploader("citizen", Source.CITIZEN), UploadKey(principal.id, key))


@router.get(
    _OF_TRACKED,
    operation_id="list_own_attachments",
    summary="The attachments of one's own appeal",
    response_model=AttachmentList,
    responses=problem_documentation([404]),
)
async def list_own(appeal_id: TrackedAppeal, db: Db, response: Response, _principal: Tracker) -> AttachmentList:
    """What the citizen or the office added; a department's evidence is told by its result."""
    response.headers["Cache-Control"] = "no-store"
    rows = await db.transact(lambda uow: reading.list_own_attachments(uow, appeal_id), read_only=True)
    return attachment_list(rows)


@router.get(
    _OF_TRACKED + "/{attachment_id}/content",
    operation_id="get_own_attachment_content",
    summary="The content of an attachment of one's own appeal",
    response_class=Response,
    responses=_BYTES,
)
async def read_own_content(
    appeal_id: TrackedAppeal, attachment_id: UUID, counter: TheCounter, _principal: Tracker
) -> Response:
    """As others get it."""
    content = await counter.database.transact(
        lambda uow: reading.get_own_content(uow, counter.desk, appeal_id, attachment_id), read_only=True
    )
    return await send_content(counter.request, counter.room.store, content)


@router.get(
    "/open311/v2/media/{token}",
    operation_id="get_public_media",
    summary="A photograph that the public may see",
    response_class=Response,
    dependencies=[Depends(public())],
    responses=_BYTES,
)
async def read_public(
    token: Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_\-]+$")], counter: TheCounter
) -> Response:
    """The address is signed and ends after one to two days; a request's `media_url` is always a fresh one."""
    content = await counter.database.transact(lambda uow: get_public_media(uow, counter.desk, token), read_only=True)
    return await send_content(counter.request, counter.room.store, content, cache=PUBLIC, inline=True)
