"""Appeals with their history, the vault, categories, the service area, progress; and the shared tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from shared.http.idempotency import create_idempotency_table, drop_idempotency_table
from shared.identity.tables import create_api_key_tables, drop_api_key_tables
from shared.messaging.tables import create_messaging_tables, drop_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)
_URGENCIES = "'P1', 'P2', 'P3', 'P4'"
_MODES = "'immediate', 'committed', 'supplement', 'escalated', 'advisory'"
_TYPES = "'consultation', 'help', 'complaint', 'report', 'suggestion', 'praise', 'other'"
_CHANNELS = (
    "'phone', 'web', 'wechat', 'app', 'sms', 'email', 'web_mailbox', 'box', 'card', 'book', 'window', "
    "'eval_window', 'visit', 'reception_day', 'deputy_station', 'talk_meeting', 'informant', 'grid', "
    "'building_chief', 'volunteer', 'joint_letter', 'survey', 'media', 'message_board', 'superior', 'from_110', "
    "'other_hotline', 'review', 'cannot_do_window', 'video_iot', 'open311'"
)
_STATUSES = (
    "'draft', 'registered', 'supplementing', 'not_accepted', 'referred', 'attached', 'awaiting_dispatch', "
    "'consulting', 'awaiting_acknowledgement', 'return_review', 'in_progress', 'reported_up', 'suspended', "
    "'under_review', 'awaiting_callback', 'closed', 'on_ledger', 'archived', 'withdrawn'"
)
_MOVES = "'register', 'accept', 'recategorize'"
_ENTRIES = (
    "'registered', 'accepted', 'finding_department', 'dispatched', 'acknowledged', 'contacted', 'progress', "
    "'responsibility_checked', 'department_changes', 'department_confirmed', 'handled', 'more_work_needed', "
    "'result_confirmed', 'callback_planned', 'closed', 'handled_again', 'redo_started', 'on_ledger', 'on_record'"
)
_APPEND_ONLY = ("appeal_events", "pii_access_log")


def upgrade() -> None:
    create_messaging_tables(op, SCHEMA)
    create_idempotency_table(op, SCHEMA)
    create_api_key_tables(op, SCHEMA)
    _create_catalogue()
    _create_appeals()
    _create_history()
    _create_vault()
    _create_progress()
    _forbid_changes()


def downgrade() -> None:
    for table in (
        "timeline_entries",
        "progress",
        "pii_access_log",
        "pii_vault",
        "appeal_events",
        "appeals",
        "catalogue_version",
        "service_area",
        "categories",
    ):
        op.drop_table(table, schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.refuse_change()")
    drop_api_key_tables(op, SCHEMA)
    drop_idempotency_table(op, SCHEMA)
    drop_messaging_tables(op, SCHEMA)


def _one_of(table: str, column: str, values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({values})", name=op.f(f"ck_{table}_{column}"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _create_catalogue() -> None:
    op.create_table(
        "categories",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_zh", sa.Text, nullable=False, server_default=""),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("parent_code", sa.Text),
        sa.Column("urgency", sa.Text),
        sa.Column("mode", sa.Text),
        sa.Column("location_required", sa.Boolean, nullable=False),
        sa.Column("confidential", sa.Boolean, nullable=False),
        sa.Column("object_kind", sa.Text, nullable=False, server_default=""),
        sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("successor_code", sa.Text),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
        sa.ForeignKeyConstraint(
            ["parent_code"], [f"{SCHEMA}.categories.code"], name=op.f("fk_categories_parent_code_categories")
        ),
        sa.ForeignKeyConstraint(
            ["successor_code"], [f"{SCHEMA}.categories.code"], name=op.f("fk_categories_successor_code_categories")
        ),
        _one_of("categories", "urgency", _URGENCIES),
        _one_of("categories", "mode", _MODES),
        _check("categories", "successor_of_retired", "successor_code IS NULL OR retired"),
        schema=SCHEMA,
    )
    op.create_table(
        "service_area",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("geojson", JSONB, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_area")),
        _check("service_area", "one_row", "id = 1"),
        schema=SCHEMA,
    )
    op.create_table(
        "catalogue_version",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_version")),
        _check("catalogue_version", "one_row", "id = 1"),
        schema=SCHEMA,
    )
    op.execute("INSERT INTO intake.catalogue_version (id, version) VALUES (1, 1)")


def _create_appeals() -> None:
    op.create_table(
        "appeals",
        *_appeal_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_appeals_receipt_number")),
        _one_of("appeals", "type", _TYPES),
        _one_of("appeals", "channel", _CHANNELS),
        _one_of("appeals", "urgency", _URGENCIES),
        _one_of("appeals", "mode", _MODES),
        _one_of("appeals", "status", _STATUSES),
        _check("appeals", "point", "(longitude IS NULL) = (latitude IS NULL)"),
        _check("appeals", "external_ref", "(external_system IS NULL) = (external_id IS NULL)"),
        _check("appeals", "times", "occurred_at <= created_at AND received_at <= created_at"),
        _check("appeals", "report_confidential", "type <> 'report' OR confidential"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_appeals_external_ref",
        "appeals",
        ["external_system", "external_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index("ix_appeals_created_at", "appeals", ["created_at", "id"], schema=SCHEMA)
    op.create_index("ix_appeals_category_code", "appeals", ["category_code", "created_at", "id"], schema=SCHEMA)


def _appeal_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", _ID, nullable=False),
        sa.Column("receipt_number", sa.Text, nullable=False),
        sa.Column("access_hash", sa.LargeBinary, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("category_code", sa.Text),
        sa.Column("urgency", sa.Text),
        sa.Column("mode", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("grid_code", sa.Text),
        sa.Column("longitude", sa.Double),
        sa.Column("latitude", sa.Double),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("confidential", sa.Boolean, nullable=False),
        sa.Column("wants_reply", sa.Boolean, nullable=False),
        sa.Column("special_care", ARRAY(sa.Text), nullable=False),
        sa.Column("households", sa.Integer, nullable=False),
        sa.Column("signatories", sa.Integer, nullable=False),
        sa.Column("on_behalf", sa.Boolean, nullable=False),
        sa.Column("reporter_hint", JSONB),
        sa.Column("external_system", sa.Text),
        sa.Column("external_id", sa.Text),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("occurred_at", _MOMENT),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("accepted_at", _MOMENT),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    ]


def _create_history() -> None:
    op.create_table(
        "appeal_events",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("sequence", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("move", sa.Text, nullable=False),
        sa.Column("rules", ARRAY(sa.Text), nullable=False),
        sa.Column("from_status", sa.Text, nullable=False),
        sa.Column("to_status", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("details", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", "sequence", name=op.f("pk_appeal_events")),
        _one_of("appeal_events", "move", _MOVES),
        comment="What intake itself did, append-only.",
        schema=SCHEMA,
    )


def _create_vault() -> None:
    op.create_table(
        "pii_vault",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("phone_hash", sa.LargeBinary),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_pii_vault")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_pii_vault_phone_hash",
        "pii_vault",
        ["phone_hash"],
        schema=SCHEMA,
        postgresql_where=sa.text("phone_hash IS NOT NULL"),
    )
    op.create_table(
        "pii_access_log",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("principal_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pii_access_log")),
        comment="Who asked for personal data, when and why; append-only.",
        schema=SCHEMA,
    )
    op.create_index("ix_pii_access_log_appeal_id", "pii_access_log", ["appeal_id", "at"], schema=SCHEMA)


def _create_progress() -> None:
    op.create_table(
        "progress",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.Column("department_code", sa.Text),
        sa.Column("department_name", sa.Text),
        sa.Column("promised_by", _MOMENT),
        sa.Column("assigned_round", sa.SmallInteger),
        sa.Column("assigned_leg", sa.SmallInteger),
        sa.Column("assigned_at", _MOMENT),
        sa.Column("registered_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_progress")),
        _one_of("progress", "status", _STATUSES),
        schema=SCHEMA,
    )
    op.create_index("ix_progress_status", "progress", ["status", "registered_at", "appeal_id"], schema=SCHEMA)
    op.create_index(
        "ix_progress_department_code",
        "progress",
        ["department_code", "registered_at", "appeal_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("department_code IS NOT NULL"),
    )
    op.create_table(
        "timeline_entries",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False),
        sa.Column("text_en", sa.Text, nullable=False),
        sa.Column("text_zh", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", "event_id", name=op.f("pk_timeline_entries")),
        _one_of("timeline_entries", "code", _ENTRIES),
        _one_of("timeline_entries", "status", _STATUSES),
        schema=SCHEMA,
    )


def _forbid_changes() -> None:
    """History and access log only grow: even the service's own role cannot rewrite them by mistake."""
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = '42501'; END $$"
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {SCHEMA}.{table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
        )
