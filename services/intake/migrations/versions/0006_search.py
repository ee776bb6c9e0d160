"""What appeals are found by: terms of the text, place and time in one narrow table."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)
# What a row of appeal_search is made from.
_SOURCES = (
    "title, description, place, type, channel, category_code, urgency, mode, grid_code, longitude, latitude, created_at"
)


def upgrade() -> None:
    _create_search()
    _create_bookkeeping()
    _create_triggers()
    op.create_index(
        "ix_progress_department_status",
        "progress",
        ["department_code", "status", "registered_at", "appeal_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("department_code IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_progress_department_status", "progress", schema=SCHEMA)
    op.execute(f"DROP TRIGGER search_changed ON {SCHEMA}.appeals")
    op.execute(f"DROP TRIGGER search_removed ON {SCHEMA}.appeals")
    op.execute(f"DROP FUNCTION {SCHEMA}.queue_for_search()")
    op.execute(f"DROP FUNCTION {SCHEMA}.remove_from_search()")
    for table in ("common_terms", "search_state", "search_queue", "search_segments", "appeal_search"):
        op.drop_table(table, schema=SCHEMA)


def _create_search() -> None:
    op.create_table(
        "appeal_search",
        sa.Column("appeal_id", _ID, nullable=False),
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
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_search")),
        comment="One row per appeal, written by the worker; each term is mixed with the salt of the row's segment.",
        schema=SCHEMA,
    )
    # Which elements are common says nothing, as they are salted, and finding it out is most of the cost of ANALYZE.
    op.execute(f"ALTER TABLE {SCHEMA}.appeal_search ALTER COLUMN terms SET STATISTICS 0")
    op.create_index("ix_appeal_search_terms", "appeal_search", ["terms"], schema=SCHEMA, postgresql_using="gin")
    op.create_index(
        "ix_appeal_search_cell",
        "appeal_search",
        ["cell", "category_code", "created_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("cell IS NOT NULL"),
    )


def _create_bookkeeping() -> None:
    op.create_table(
        "search_segments",
        sa.Column("segment", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("salt", sa.Integer, nullable=False),
        sa.Column("appeals", sa.Integer, nullable=False),
        sa.Column("first_created_at", _MOMENT, nullable=False),
        sa.Column("last_created_at", _MOMENT, nullable=False),
        sa.Column("first_received_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("segment", name=op.f("pk_search_segments")),
        comment="Some thousand rows of appeal_search each, and the times between which theirs lie.",
        schema=SCHEMA,
    )
    op.create_table(
        "search_queue",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("queued_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_search_queue")),
        comment="Appeals whose row in appeal_search is out of date; written by a trigger on appeals.",
        schema=SCHEMA,
    )
    op.create_table(
        "search_state",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("indexed_through", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_state")),
        sa.CheckConstraint("id = 1", name=op.f("ck_search_state_one_row")),
        comment="Every appeal up to this id that can still be committed has its row in appeal_search.",
        schema=SCHEMA,
    )
    op.execute(
        "INSERT INTO intake.search_state (id, indexed_through) VALUES (1, '00000000-0000-0000-0000-000000000000')"
    )
    op.create_table(
        "common_terms",
        sa.Column("term", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("term", name=op.f("pk_common_terms")),
        comment="Which share of appeals has a term, from a sample; terms that are not here are rare.",
        schema=SCHEMA,
    )


def _create_triggers() -> None:
    """Whoever changes an appeal, its row is made anew. A queued row is touched, so that the worker waits for us."""
    op.execute(
        "CREATE FUNCTION intake.queue_for_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO intake.search_queue (appeal_id, queued_at) VALUES (NEW.id, clock_timestamp()) "
        "ON CONFLICT (appeal_id) DO UPDATE SET queued_at = excluded.queued_at; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION intake.remove_from_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "DELETE FROM intake.appeal_search WHERE appeal_id = OLD.id; RETURN NULL; END $$"
    )
    columns = [column.strip() for column in _SOURCES.split(",")]
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    op.execute(
        f"CREATE TRIGGER search_changed AFTER UPDATE OF {_SOURCES} ON {SCHEMA}.appeals FOR EACH ROW "
        f"WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION {SCHEMA}.queue_for_search()"
    )
    op.execute(
        f"CREATE TRIGGER search_removed AFTER DELETE ON {SCHEMA}.appeals FOR EACH ROW "
        f"EXECUTE FUNCTION {SCHEMA}.remove_from_search()"
    )
