"""Tables of attachments: what they are; and the objects in the storage that nobody may need any more."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from services.intake.db.tables import metadata
from services.intake.domain.attachments import MediaKind, Purpose, Scan, Source, WithdrawReason

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def _one_of(column: str, values: type[MediaKind | Purpose | Scan | Source | WithdrawReason]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


attachments = sa.Table(
    "attachments",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("sequence", sa.SmallInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("file_type", sa.Text, nullable=False),
    sa.Column("charset", sa.Text),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("storage_key", sa.Text, nullable=False),
    sa.Column("is_clean", sa.Boolean, nullable=False),
    sa.Column("clean_key", sa.Text),
    sa.Column("clean_type", sa.Text),
    sa.Column("clean_size", sa.BigInteger),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("distance_metres", sa.Integer),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("taken_at", _MOMENT),
    sa.Column("scan", sa.Text, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
    sa.Column("added_at", _MOMENT, nullable=False),
    sa.Column("withdrawn_by", sa.Text),
    sa.Column("withdrawn_at", _MOMENT),
    sa.Column("withdrawn_reason", sa.Text),
    sa.Column("key_id", sa.Text),
    sa.Column("wrapped_key", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("shredded_at", _MOMENT),
    sa.UniqueConstraint("appeal_id", "sequence"),
    _one_of("kind", MediaKind),
    _one_of("purpose", Purpose),
    _one_of("source", Source),
    _one_of("scan", Scan),
    _one_of("withdrawn_reason", WithdrawReason),
    sa.CheckConstraint("size > 0 AND octet_length(sha256) = 32", name="content"),
    sa.CheckConstraint(
        "(clean_key IS NULL) = (clean_type IS NULL) AND (clean_key IS NULL) = (clean_size IS NULL)", name="clean"
    ),
    sa.CheckConstraint(
        "(withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_reason IS NULL)",
        name="withdrawn",
    ),
    sa.CheckConstraint(
        "(shredded_at IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (wrapped_key IS NULL)", name="shredded"
    ),
    comment="Never deleted: withdrawn with a reason, or shredded by destroying the key of its content.",
)

attachment_leftovers = sa.Table(
    "attachment_leftovers",
    metadata,
    sa.Column("storage_key", sa.Text, primary_key=True),
    sa.Column("remove_after", _MOMENT, nullable=False),
    sa.Index("ix_attachment_leftovers_remove_after", "remove_after"),
    comment="Objects being stored whose attachment is not committed yet, and objects of shredded ones.",
)
