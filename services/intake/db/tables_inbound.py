"""Tables of what other systems send: the sources with their mappings, and every delivery, so that none counts twice."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.intake.db.tables import metadata

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)

inbound_sources = sa.Table(
    "inbound_sources",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("mapping", JSONB, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("code"),
    comment="Who may send appeals by signed webhook; the secrets are sealed.",
)

inbound_deliveries = sa.Table(
    "inbound_deliveries",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("delivery_id", sa.Text, nullable=False),
    sa.Column("first_at", _MOMENT, nullable=False),
    sa.Column("last_at", _MOMENT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="1"),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("appeal_id", _ID),
    sa.Column("problems", JSONB),
    sa.Column("key_id", sa.Text),
    sa.Column("wrapped_key", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    sa.UniqueConstraint("source", "delivery_id"),
    sa.Index("ix_inbound_deliveries_last_at", "source", "outcome", "last_at", "id"),
    sa.CheckConstraint("outcome IN ('registered', 'known', 'urged', 'ignored', 'rejected')", name="outcome"),
    sa.CheckConstraint("(outcome = 'rejected') = (problems IS NOT NULL)", name="problems"),
    sa.CheckConstraint("(key_id IS NULL) = (wrapped_key IS NULL)", name="key"),
    comment="Every delivery once; what could not be read is kept sealed, so that it can be taken up again.",
)
