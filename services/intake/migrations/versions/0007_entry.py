"""Places, service items, informants, campaigns with their sessions, surveys, demand classes; the first person asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)
_PLACES = "'box', 'book', 'card_stand', 'window', 'eval_window', 'complaint_room', 'outlet', 'partner'"
_CAMPAIGNS = (
    "'visit_plan', 'deputy_reception', 'reception_day', 'talk_meeting', 'service_day', 'building_reports', 'duty'"
)
_GROUPS = "'cadre', 'retired_cadre', 'laid_off_member', 'demobilised_soldier', 'graduate'"
_ROLES = "'informant', 'volunteer', 'grid_worker', 'building_chief'"
_FROM_DETAILS = (("ix_appeals_session", "session_id"), ("ix_appeals_informant", "informant_id"))


def upgrade() -> None:
    _create_places()
    _create_informants()
    _create_campaigns()
    _create_surveys()
    _create_records()
    for name, field in _FROM_DETAILS:
        expression = f"(channel_details ->> '{field}')"
        op.create_index(
            name,
            "appeals",
            [sa.text(expression)],
            schema=SCHEMA,
            postgresql_where=sa.text(f"{expression} IS NOT NULL"),
        )
    _fix_first_asked()


def downgrade() -> None:
    op.execute(f"DROP TRIGGER first_asked_is_fixed ON {SCHEMA}.appeals")
    op.execute(f"DROP FUNCTION {SCHEMA}.refuse_other_first_asked()")
    for name, _ in _FROM_DETAILS:
        op.drop_index(name, "appeals", schema=SCHEMA)
    for table in (
        "registry_history",
        "appeal_motions",
        "demand_classes",
        "survey_answers",
        "surveys",
        "building_reports",
        "campaign_sessions",
        "campaigns",
        "informants",
        "service_items",
        "entry_points",
    ):
        op.drop_table(table, schema=SCHEMA)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _registry(table: str, *parts: sa.schema.SchemaItem, comment: str | None = None) -> None:
    """Create a table of things with a code that are retired in place of being deleted."""
    op.create_table(
        table,
        sa.Column("code", sa.Text, nullable=False),
        *parts,
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("retired_at", _MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f(f"pk_{table}")),
        _check(table, "retired", "retired = (retired_at IS NOT NULL)"),
        schema=SCHEMA,
        comment=comment,
    )


def _create_places() -> None:
    _registry(
        "entry_points",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("department_code", sa.Text),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("grid_code", sa.Text),
        sa.Column("longitude", sa.Double),
        sa.Column("latitude", sa.Double),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("item_codes", ARRAY(sa.Text), nullable=False),
        sa.Column("opening_hours", JSONB, nullable=False),
        sa.Column("special_days", JSONB, nullable=False),
        sa.Column("calendar", sa.Text),
        _check("entry_points", "kind", f"kind IN ({_PLACES})"),
        _check("entry_points", "point", "(longitude IS NULL) = (latitude IS NULL)"),
    )
    _registry(
        "service_items",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("department_code", sa.Text),
        sa.Column("category_code", sa.Text),
        sa.Column("minutes_before", sa.Integer),
        sa.Column("minutes_now", sa.Integer),
        _check("service_items", "kind", "kind IN ('permit', 'service')"),
    )


def _create_informants() -> None:
    _registry(
        "informants",
        sa.Column("id", _ID, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("informant_group", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("grid_codes", ARRAY(sa.Text), nullable=False),
        sa.Column("households", sa.Integer),
        sa.Column("active_from", sa.Date),
        sa.Column("hint", JSONB, nullable=False),
        sa.UniqueConstraint("id", name=op.f("uq_informants_id")),
        _check("informants", "role", f"role IN ({_ROLES})"),
        _check("informants", "informant_group", f"informant_group IN ({_GROUPS})"),
        comment="Who brings in appeals for others; names and numbers are in the vault under `id`.",
    )
    op.create_index("ix_informants_role_team", "informants", ["role", "team"], schema=SCHEMA)


def _create_campaigns() -> None:
    _registry(
        "campaigns",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=False), nullable=False, comment="On the city's wall clock."),
        sa.Column("duration_minutes", sa.Integer, nullable=False),
        sa.Column("leader", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("grid_code", sa.Text),
        sa.Column("entry_point_code", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("rule_since", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_point_code"],
            [f"{SCHEMA}.entry_points.code"],
            name=op.f("fk_campaigns_entry_point_code_entry_points"),
        ),
        _check("campaigns", "kind", f"kind IN ({_CAMPAIGNS})"),
    )
    op.create_table(
        "campaign_sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_code", sa.Text, nullable=False),
        sa.Column("occurrence_at", _MOMENT, nullable=False),
        sa.Column("held_at", _MOMENT),
        sa.Column("leader", sa.Text, nullable=False),
        sa.Column("deputies", ARRAY(sa.Text), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("visitors", sa.Integer),
        sa.Column("attendance", sa.Integer),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("cancelled_reason", sa.Text),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_sessions")),
        sa.ForeignKeyConstraint(
            ["campaign_code"], [f"{SCHEMA}.campaigns.code"], name=op.f("fk_campaign_sessions_campaign_code_campaigns")
        ),
        sa.UniqueConstraint(
            "campaign_code", "occurrence_at", name=op.f("uq_campaign_sessions_campaign_code_occurrence_at")
        ),
        _check("campaign_sessions", "held_or_cancelled", "(held_at IS NULL) = (cancelled_reason IS NOT NULL)"),
        schema=SCHEMA,
    )


def _create_surveys() -> None:
    _registry(
        "surveys",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("category_code", sa.Text),
    )
    op.create_table(
        "survey_answers",
        sa.Column("id", _ID, nullable=False),
        sa.Column("survey_code", sa.Text, nullable=False),
        sa.Column("card_number", sa.Text, nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("appeal_id", _ID),
        sa.Column("entered_by", sa.Text, nullable=False),
        sa.Column("entered_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answers")),
        sa.ForeignKeyConstraint(
            ["survey_code"], [f"{SCHEMA}.surveys.code"], name=op.f("fk_survey_answers_survey_code_surveys")
        ),
        sa.UniqueConstraint("survey_code", "card_number", name=op.f("uq_survey_answers_survey_code_card_number")),
        schema=SCHEMA,
    )


def _create_records() -> None:
    op.create_table(
        "building_reports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("informant_code", sa.Text, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("grid_code", sa.Text),
        sa.Column("households", sa.Integer, nullable=False),
        sa.Column("residents", sa.Integer, nullable=False),
        sa.Column("floating_residents", sa.Integer, nullable=False),
        sa.Column("vacant", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("reported_by", sa.Text, nullable=False),
        sa.Column("reported_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building_reports")),
        sa.ForeignKeyConstraint(
            ["informant_code"],
            [f"{SCHEMA}.informants.code"],
            name=op.f("fk_building_reports_informant_code_informants"),
        ),
        sa.UniqueConstraint("informant_code", "month", name=op.f("uq_building_reports_informant_code_month")),
        schema=SCHEMA,
    )
    op.create_index("ix_building_reports_month", "building_reports", ["month", "id"], schema=SCHEMA)
    op.create_table(
        "demand_classes",
        sa.Column("category_code", sa.Text, nullable=False),
        sa.Column("demand_class", sa.Text, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("category_code", name=op.f("pk_demand_classes")),
        sa.ForeignKeyConstraint(
            ["category_code"], [f"{SCHEMA}.categories.code"], name=op.f("fk_demand_classes_category_code_categories")
        ),
        _check("demand_classes", "demand_class", "demand_class IN ('admin', 'interest', 'public_service')"),
        comment="Which centre a category is for (HZ-01); those below it follow, unless they are listed themselves.",
        schema=SCHEMA,
    )
    op.create_table(
        "appeal_motions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("deputy", sa.Text, nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_motions")),
        sa.UniqueConstraint("appeal_id", "body", "number", name=op.f("uq_appeal_motions_appeal_id_body_number")),
        schema=SCHEMA,
    )
    op.create_table(
        "registry_history",
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("registry", "code", "version", name=op.f("pk_registry_history")),
        comment="Every version of an entry of the registries above, append-only.",
        schema=SCHEMA,
    )
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {SCHEMA}.registry_history "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
    )


def _fix_first_asked() -> None:
    """HZ-03: who was asked first stays the first; fires only for statements that name the column."""
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.refuse_other_first_asked() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the first person asked is never changed' USING ERRCODE = '42501'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER first_asked_is_fixed BEFORE UPDATE OF first_contact_staff ON {SCHEMA}.appeals "
        "FOR EACH ROW WHEN (OLD.first_contact_staff IS DISTINCT FROM NEW.first_contact_staff) "
        f"EXECUTE FUNCTION {SCHEMA}.refuse_other_first_asked()"
    )
