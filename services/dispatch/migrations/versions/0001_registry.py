"""The registry: departments, grids, categories, rule sets, SLA policies, calendars; and the shared tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.http.idempotency import create_idempotency_table, drop_idempotency_table
from shared.identity.tables import create_api_key_tables, drop_api_key_tables
from shared.messaging.tables import create_messaging_tables, drop_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "dispatch"
_MOMENT = sa.DateTime(timezone=True)
_URGENCIES = "'P1', 'P2', 'P3', 'P4'"
_MODES = "'immediate', 'committed', 'supplement', 'escalated', 'advisory'"
_TYPES = "'consultation', 'help', 'complaint', 'report', 'suggestion', 'praise', 'other'"
_CARE = "'elderly', 'minor', 'disabled', 'migrant_worker', 'poor_health', 'low_income', 'veteran'"
_CHANNELS = (
    "'phone', 'web', 'wechat', 'app', 'sms', 'email', 'web_mailbox', 'box', 'card', 'book', 'window', "
    "'eval_window', 'visit', 'reception_day', 'deputy_station', 'talk_meeting', 'informant', 'grid', "
    "'building_chief', 'volunteer', 'joint_letter', 'survey', 'media', 'message_board', 'superior', 'from_110', "
    "'other_hotline', 'review', 'cannot_do_window', 'video_iot', 'open311'"
)
_KINDS = "'department', 'grid', 'category', 'rule_set', 'sla_policy', 'calendar'"
_PARTS = ("grids", "catalogue", "sla")


def upgrade() -> None:
    create_messaging_tables(op, SCHEMA)
    create_idempotency_table(op, SCHEMA)
    create_api_key_tables(op, SCHEMA)
    _create_departments()
    _create_grids()
    _create_categories()
    _create_rule_sets()
    _create_policies_and_calendars()
    _create_history()


def downgrade() -> None:
    for name in (
        "registry_stamps",
        "registry_changes",
        "calendars",
        "sla_policies",
        "routing_rules",
        "rule_sets",
        "categories",
        "grids",
        "departments",
    ):
        op.drop_table(name, schema=SCHEMA)
    drop_api_key_tables(op, SCHEMA)
    drop_idempotency_table(op, SCHEMA)
    drop_messaging_tables(op, SCHEMA)


def _create_departments() -> None:
    op.create_table(
        "departments",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parent_code", sa.Text),
        sa.Column("grid_code", sa.Text),
        sa.Column("retired_at", _MOMENT),
        sa.Column("successor_code", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_departments"),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["dispatch.departments.code"], name="fk_departments_parent_code_departments"
        ),
        sa.ForeignKeyConstraint(
            ["successor_code"], ["dispatch.departments.code"], name="fk_departments_successor_code_departments"
        ),
        schema=SCHEMA,
    )


def _create_grids() -> None:
    op.create_table(
        "grids",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("predecessors", ARRAY(sa.Text), nullable=False),
        sa.Column("duty_holders", JSONB, nullable=False),
        sa.Column("geometry", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_grids"),
        sa.CheckConstraint(
            "code ~ '^[0-9]+$' AND length(code) IN (6, 9, 12, 15, 18) AND code !~ '^.{6}(.{3})*000'",
            name=op.f("ck_grids_code_is_known_blocks"),
        ),
        sa.CheckConstraint(
            "valid_from IS NULL OR valid_to IS NULL OR valid_from < valid_to", name=op.f("ck_grids_validity")
        ),
        schema=SCHEMA,
    )


def _create_categories() -> None:
    op.create_table(
        "categories",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("parent_code", sa.Text),
        sa.Column("default_urgency", sa.Text),
        sa.Column("default_mode", sa.Text),
        sa.Column("policy_code", sa.Text),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_categories"),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["dispatch.categories.code"], name="fk_categories_parent_code_categories"
        ),
        sa.CheckConstraint(f"default_urgency IN ({_URGENCIES})", name=op.f("ck_categories_default_urgency")),
        sa.CheckConstraint(f"default_mode IN ({_MODES})", name=op.f("ck_categories_default_mode")),
        schema=SCHEMA,
    )


def _create_rule_sets() -> None:
    op.create_table(
        "rule_sets",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("rule_count", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("published_by", sa.Text),
        sa.Column("published_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_rule_sets"),
        sa.UniqueConstraint("version", name="uq_rule_sets_version"),
        sa.CheckConstraint("status IN ('draft', 'published', 'superseded')", name=op.f("ck_rule_sets_status")),
        sa.CheckConstraint("(status = 'draft') = (published_at IS NULL)", name=op.f("ck_rule_sets_published_at")),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_rule_sets_published",
        "rule_sets",
        ["status"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_table(
        "routing_rules",
        sa.Column("rule_set_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("department_code", sa.Text, nullable=False),
        sa.Column("category_code", sa.Text),
        sa.Column("grid_code", sa.Text),
        sa.Column("type", sa.Text),
        sa.Column("channel", sa.Text),
        sa.Column("urgency", sa.Text),
        sa.Column("special_care", sa.Text),
        sa.Column("time_window", JSONB),
        sa.Column("order", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("rule_set_id", "id", name="pk_routing_rules"),
        sa.ForeignKeyConstraint(
            ["rule_set_id"], ["dispatch.rule_sets.id"], name="fk_routing_rules_rule_set_id_rule_sets"
        ),
        sa.CheckConstraint(f"type IN ({_TYPES})", name=op.f("ck_routing_rules_type")),
        sa.CheckConstraint(f"channel IN ({_CHANNELS})", name=op.f("ck_routing_rules_channel")),
        sa.CheckConstraint(f"urgency IN ({_URGENCIES})", name=op.f("ck_routing_rules_urgency")),
        sa.CheckConstraint(f"special_care IN ({_CARE})", name=op.f("ck_routing_rules_special_care")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_routing_rules_department_code", "routing_rules", ["rule_set_id", "department_code"], schema=SCHEMA
    )


def _create_policies_and_calendars() -> None:
    op.create_table(
        "sla_policies",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name="pk_sla_policies"),
        schema=SCHEMA,
    )
    op.create_table(
        "calendars",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name="pk_calendars"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_calendars_default",
        "calendars",
        ["is_default"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_default"),
    )


def _create_history() -> None:
    op.create_table(
        "registry_changes",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        sa.PrimaryKeyConstraint("id", name="pk_registry_changes"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_registry_changes_kind")),
        sa.CheckConstraint(
            "action IN ('created', 'replaced', 'retired', 'published')", name=op.f("ck_registry_changes_action")
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_registry_changes_kind_code_id", "registry_changes", ["kind", "code", "id"], schema=SCHEMA)
    parts = ", ".join(f"'{part}'" for part in _PARTS)
    stamps = op.create_table(
        "registry_stamps",
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("stamp", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_registry_stamps"),
        sa.CheckConstraint(f"part IN ({parts})", name=op.f("ck_registry_stamps_part")),
        schema=SCHEMA,
    )
    for part in _PARTS:
        op.execute(sa.insert(stamps).values(part=part, stamp=sa.func.gen_random_uuid()))
