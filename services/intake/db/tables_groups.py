"""Tables of merged and joint appeals: who is attached to whom, sealed lists of signatories, group alarms."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from services.intake.db.tables import metadata

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("master_id", _ID, nullable=False),
    sa.Column("attached_at", _MOMENT, nullable=False),
    sa.Column("attached_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detached_at", _MOMENT),
    sa.Column("detached_by", sa.Text),
    sa.Column("detach_reason", sa.Text),
    sa.Index("uq_memberships_present", "appeal_id", unique=True, postgresql_where=sa.text("detached_at IS NULL")),
    sa.Index("ix_memberships_master_id", "master_id", "attached_at"),
    sa.CheckConstraint("appeal_id <> master_id", name="not_itself"),
    sa.CheckConstraint("(detached_at IS NULL) = (detached_by IS NULL)", name="detached"),
    comment="Which appeal is handled with which; a merge that was undone stays on record.",
)

signatory_lists = sa.Table(
    "signatory_lists",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("representatives", sa.SmallInteger, nullable=False),
    sa.Column("seal", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.Text),
    sa.Column("wrapped_key", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.CheckConstraint("representatives BETWEEN 0 AND 5", name="representatives"),
    sa.CheckConstraint("octet_length(seal) = 32", name="seal"),
    sa.CheckConstraint("(key_id IS NULL) = (wrapped_key IS NULL)", name="key"),
    comment="Every version of who signed, encrypted and chained by hashes; a key that is gone is a list destroyed.",
)

group_alarms = sa.Table(
    "group_alarms",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("appeals", sa.Integer, nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("raised_at", _MOMENT, nullable=False),
    sa.Column("acknowledged_at", _MOMENT),
    sa.Column("acknowledged_by", sa.Text),
    sa.Column("note", sa.Text),
    sa.Index("uq_group_alarms_cause", "appeal_id", "reason", unique=True),
    sa.Index("ix_group_alarms_raised_at", "raised_at", "id"),
    sa.CheckConstraint("reason IN ('persons', 'appeals')", name="reason"),
    sa.CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
)
