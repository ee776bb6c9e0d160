"""Tables of papers that were asked for: one list per request, ticked off line by line."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from services.intake.db.tables import metadata

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)

supplement_requests = sa.Table(
    "supplement_requests",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("asked_again_because", sa.Text),
    sa.Column("requested_at", _MOMENT, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Column("remind_at", _MOMENT, nullable=False),
    sa.Column("reminded_at", _MOMENT),
    sa.Column("closed_at", _MOMENT),
    sa.Column("outcome", sa.Text),
    sa.Index("uq_supplement_requests_open", "appeal_id", unique=True, postgresql_where=sa.text("closed_at IS NULL")),
    sa.Index("ix_supplement_requests_appeal_id", "appeal_id", "requested_at"),
    sa.Index(
        "ix_supplement_requests_remind_at",
        "remind_at",
        postgresql_where=sa.text("closed_at IS NULL AND reminded_at IS NULL"),
    ),
    sa.Index(
        "ix_supplement_requests_due_at",
        "due_at",
        postgresql_where=sa.text("closed_at IS NULL AND reminded_at IS NOT NULL"),
    ),
    sa.CheckConstraint("requested_at < remind_at AND remind_at < due_at", name="term"),
    sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
    sa.CheckConstraint("outcome IN ('complete', 'expired', 'dropped')", name="outcome"),
    comment="What citizens were asked for in writing (LZ-11); at most one open list per appeal.",
)

supplement_items = sa.Table(
    "supplement_items",
    metadata,
    sa.Column("request_id", _ID, sa.ForeignKey("intake.supplement_requests.id"), primary_key=True),
    sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("delivered_at", _MOMENT),
    sa.Column("delivered_by", sa.Text),
    sa.Column("delivery_note", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("(delivered_at IS NULL) = (delivered_by IS NULL)", name="delivered"),
)
