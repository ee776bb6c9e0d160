"""Tables of the GeoReport v2 server."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.intake.db.tables import appeals, metadata

_MOMENT = sa.DateTime(timezone=True)

# The latest public matters first. A report is confidential (a check of the table), so none stands in it.
sa.Index(
    "ix_appeals_public",
    appeals.c.received_at,
    appeals.c.id,
    postgresql_where=sa.text("NOT confidential"),
)

open311_definitions = sa.Table(
    "open311_definitions",
    metadata,
    sa.Column("category_code", sa.Text, sa.ForeignKey("intake.categories.code"), primary_key=True),
    sa.Column("attributes", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    comment="What a service asks besides place and description.",
)

open311_tokens = sa.Table(
    "open311_tokens",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("appeal_id", UUID(as_uuid=True), nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    comment="What a client holds instead of a number where the city answers with tokens.",
)
