"""Photographs, sound, video and documents of appeals: what they are and where they lie."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)
_ONE_OF = {
    "kind": "'photo', 'audio', 'video', 'document'",
    "purpose": "'matter', 'before', 'during', 'after'",
    "source": "'citizen', 'office', 'department'",
    "scan": "'clean', 'not_scanned'",
    "withdrawn_reason": (
        "'wrong_file', 'wrong_appeal', 'duplicate', 'personal_data', 'unlawful', 'asked_by_citizen'"
    ),
}  # fmt: skip
_CHECKS = {
    "content": "size > 0 AND octet_length(sha256) = 32",
    "clean": "(clean_key IS NULL) = (clean_type IS NULL) AND (clean_key IS NULL) = (clean_size IS NULL)",
    "withdrawn": (
        "(withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_reason IS NULL)"
    ),
    "shredded": "(shredded_at IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (wrapped_key IS NULL)",
}


def upgrade() -> None:
    checks = {**{column: f"{column} IN ({values})" for column, values in _ONE_OF.items()}, **_CHECKS}
    op.create_table(
        "attachments",
        sa.Column("id", _ID, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("appeal_id", "sequence", name=op.f("uq_attachments_appeal_id_sequence")),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_attachments_{name}")) for name, rule in checks.items()),
        schema=SCHEMA,
        comment="Never deleted: withdrawn with a reason, or shredded by destroying the key of its content.",
    )
    op.create_table(
        "attachment_leftovers",
        sa.Column("storage_key", sa.Text, nullable=False),
        sa.Column("remove_after", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("storage_key", name=op.f("pk_attachment_leftovers")),
        schema=SCHEMA,
        comment="Objects being stored whose attachment is not committed yet, and objects of shredded ones.",
    )
    op.create_index("ix_attachment_leftovers_remove_after", "attachment_leftovers", ["remove_after"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("attachment_leftovers", schema=SCHEMA)
    op.drop_table("attachments", schema=SCHEMA)
