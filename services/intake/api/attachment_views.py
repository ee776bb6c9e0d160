"""What is shown of attachments."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from services.intake.domain.attachments import (
    FILE_TYPES,
    MediaKind,
    Purpose,
    Scan,
    Source,
    WithdrawReason,
    neutral_name,
)
from shared.http.text import Output


class AttachmentView(Output):
    """One attachment, without anything that tells who sent it or where they were."""

    id: UUID
    appeal_id: UUID
    sequence: int
    kind: MediaKind
    purpose: Purpose
    source: Source
    file_name: str = Field(description="The name under which its content is sent; the sender's own is kept sealed.")
    content_type: str = Field(description="Of the content that is sent.")
    size: int = Field(description="Bytes of the file as it came.")
    sha256: str = Field(description="Of the file as it came.")
    cleaned: bool = Field(
        description="Whether place, time, device and other descriptions are left out of the content that is sent. "
        "Documents are sent as they came, with the names of their authors if they hold them."
    )
    width: int | None
    height: int | None
    distance_metres: int | None = Field(description="From where it was taken to the place of the matter, if both tell.")
    note: str
    taken_at: datetime | None = Field(description="As the sender said.")
    scan: Scan
    added_at: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: WithdrawReason | None
    shredded_at: datetime | None


class AttachmentList(Output):
    """All attachments of an appeal, in the order they came; there are never more than a hundred."""

    items: list[AttachmentView]


class RevealedAttachmentView(Output):
    """What was sealed with an attachment."""

    attachment_id: UUID
    file_name: str
    claimed_type: str = Field(description="The type that the sender named.")
    note: str
    longitude: float | None
    latitude: float | None
    taken_at: datetime | None = Field(description="As the file itself says.")
    camera: str | None
    added_by: str


def attachment_view(row: Mapping[str, Any]) -> AttachmentView:
    """Show a row."""
    shown = FILE_TYPES[row["clean_type"] or row["file_type"]]
    return AttachmentView(
        id=row["id"],
        appeal_id=row["appeal_id"],
        sequence=row["sequence"],
        kind=row["kind"],
        purpose=row["purpose"],
        source=row["source"],
        file_name=neutral_name(row["receipt_number"], row["sequence"], shown.extension),
        content_type=shown.content_type,
        size=row["size"],
        sha256=bytes(row["sha256"]).hex(),
        cleaned=row["is_clean"],
        width=row["width"],
        height=row["height"],
        distance_metres=row["distance_metres"],
        note=row["note"],
        taken_at=row["taken_at"],
        scan=row["scan"],
        added_at=row["added_at"],
        withdrawn_at=row["withdrawn_at"],
        withdrawn_reason=row["withdrawn_reason"],
        shredded_at=row["shredded_at"],
    )


def attachment_list(rows: Iterable[Mapping[str, Any]]) -> AttachmentList:
    """Show all of them."""
    return AttachmentList(items=[attachment_view(row) for row in rows])


def revealed_attachment_view(row: Mapping[str, Any], secrets: Mapping[str, Any]) -> RevealedAttachmentView:
    """Show what was sealed."""
    longitude, latitude = secrets["position"] or (None, None)
    return RevealedAttachmentView(
        attachment_id=row["id"],
        file_name=secrets["file_name"],
        claimed_type=secrets["claimed_type"],
        note=secrets["note"],
        longitude=longitude,
        latitude=latitude,
        taken_at=secrets["taken_at"],
        camera=secrets["camera"],
        added_by=row["added_by"],
    )
