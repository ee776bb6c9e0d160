"""The table that appeals are found in by text, place and time, and what keeps it complete (ADR 0020)."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from services.intake.db.tables import metadata, progress

_MOMENT: Final = sa.DateTime(timezone=True)
_ID: Final = UUID(as_uuid=True)

TERMS_INDEX: Final = "ix_appeal_search_terms"

appeal_search = sa.Table(
    "appeal_search",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("segment", sa.Integer, nullable=False),
    sa.Column("salt", sa.Integer, nullable=False),
    sa.Column("algorithm", sa.SmallInteger, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("category_code", sa.Text, nullable=False),
    sa.Column("cell", sa.BigInteger),
    sa.Column("longitude", sa.Double),
    sa.Column("latitude", sa.Double),
    sa.Column("terms", ARRAY(sa.Integer), nullable=False),
    sa.Index(TERMS_INDEX, "terms", postgresql_using="gin"),
    sa.Index(
        "ix_appeal_search_cell",
        "cell",
        "category_code",
        "created_at",
        postgresql_where=sa.text("cell IS NOT NULL"),
    ),
    comment="One row per appeal, written by the worker; each term is mixed with the salt of the row's segment.",
)

search_segments = sa.Table(
    "search_segments",
    metadata,
    sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.Integer, nullable=False),
    sa.Column("appeals", sa.Integer, nullable=False),
    sa.Column("first_created_at", _MOMENT, nullable=False),
    sa.Column("last_created_at", _MOMENT, nullable=False),
    sa.Column("first_received_at", _MOMENT, nullable=False),
    comment="Some thousand rows of appeal_search each, and the times between which theirs lie.",
)

search_queue = sa.Table(
    "search_queue",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("queued_at", _MOMENT, nullable=False),
    comment="Appeals whose row in appeal_search is out of date; written by a trigger on appeals.",
)

search_state = sa.Table(
    "search_state",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("indexed_through", _ID, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
    comment="Every appeal up to this id that can still be committed has its row in appeal_search.",
)

common_terms = sa.Table(
    "common_terms",
    metadata,
    sa.Column("term", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("share", sa.Float, nullable=False),
    comment="Which share of appeals has a term, from a sample; terms that are not here are rare.",
)

sa.Index(
    "ix_progress_department_status",
    progress.c.department_code,
    progress.c.status,
    progress.c.registered_at,
    progress.c.appeal_id,
    postgresql_where=sa.text("department_code IS NOT NULL"),
)
