"""Tables of privacy: master keys out of use, reveals by two persons, legal holds, what was destroyed and why."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from services.intake.db.tables import metadata

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)

retired_master_keys = sa.Table(
    "retired_master_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("sealed_with", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("retired_at", _MOMENT, nullable=False),
    comment="Search keys of master keys that are no longer configured, sealed under one that is.",
)

reveal_requests = sa.Table(
    "reveal_requests",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_principal", sa.Text, nullable=False),
    sa.Column("requested_at", _MOMENT, nullable=False),
    sa.Column("approved", sa.Boolean),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_principal", sa.Text),
    sa.Column("decided_at", _MOMENT),
    sa.Column("note", sa.Text),
    sa.Column("expires_at", _MOMENT, nullable=False),
    sa.Index("ix_reveal_requests_appeal_id", "appeal_id", "requested_at"),
    sa.Index("ix_reveal_requests_pending", "requested_at", "id", postgresql_where=sa.text("approved IS NULL")),
    sa.CheckConstraint("decided_principal <> requested_principal", name="two_persons"),
    sa.CheckConstraint("(approved IS NULL) = (decided_at IS NULL)", name="decided"),
    comment="One person asks to see who reported, another one allows it.",
)

legal_holds = sa.Table(
    "legal_holds",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("placed_by", sa.Text, nullable=False),
    sa.Column("placed_at", _MOMENT, nullable=False),
    sa.Column("released_by", sa.Text),
    sa.Column("released_at", _MOMENT),
    sa.Column("release_reason", sa.Text),
    sa.Index("ix_legal_holds_appeal_id", "appeal_id"),
    sa.CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name="released"),
    comment="While one stands, nothing of the appeal is destroyed.",
)

shreddings = sa.Table(
    "shreddings",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Index("ix_shreddings_appeal_id", "appeal_id", "at"),
    sa.CheckConstraint("what IN ('person', 'recording', 'body')", name="what"),
    comment="What was destroyed, when and by which rule; append-only.",
)
