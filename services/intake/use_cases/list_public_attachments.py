"""Photographs for the public (Open311 `media_url`): a signed address that ends by itself, and what it opens.

A photograph is public while its appeal is no report and not confidential, and it was not withdrawn.
"""

import base64
import binascii
import hmac
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.intake.db import attachments as rows
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.read_attachments import Content, shown_content
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound

PUBLIC_MEDIA_PATH: Final = "/open311/v2/media/"
# Addresses are the same for a day, so that caches work, and end one to two days after they were given.
_DAY: Final = int(timedelta(days=1).total_seconds())
_MAC_BYTES: Final = 16


async def list_public_media(uow: UnitOfWork, desk: Desk, appeal_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return, for those of the appeals that may show one, the path of their first photograph.

    The caller asks only for appeals that it shows.
    """
    found = await rows.first_photos(uow.connection, appeal_ids) if appeal_ids else {}
    until = int(uow.now.timestamp()) // _DAY + 2
    return {
        appeal_id: PUBLIC_MEDIA_PATH + _token(desk.vault.access_key, attachment_id, until)
        for appeal_id, attachment_id in found.items()
    }


async def get_public_media(uow: UnitOfWork, desk: Desk, token: str) -> Content:
    """Return how to send the photograph of an address. Raises NotFound, also when its time is over."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    said, until = raw[:16], int.from_bytes(raw[16:20], "big")
    genuine = sum(hmac.compare_digest(_signed(key, raw[:20]), raw[20:]) for key in desk.vault.access_keys)
    if len(raw) != 20 + _MAC_BYTES or not genuine or until * _DAY <= uow.now.timestamp():
        raise NotFound("There is no such picture, or its address is too old.")
    row = await rows.find_public_photo(uow.connection, UUID(bytes=said))
    if row is None:
        raise NotFound("There is no such picture, or its address is too old.")
    return shown_content(desk, row)


def _token(key: bytes, attachment_id: UUID, until_day: int) -> str:
    body = attachment_id.bytes + until_day.to_bytes(4, "big")
    return base64.urlsafe_b64encode(body + _signed(key, body)).rstrip(b"=").decode()


def _signed(key: bytes, body: bytes) -> bytes:
    purpose = hmac.digest(key, b"public media addresses", "sha256")
    return hmac.digest(purpose, body, "sha256")[:_MAC_BYTES]
