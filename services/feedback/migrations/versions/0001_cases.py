"""The feedback service's tables, with the message, idempotency and key tables every service has."""

import sqlalchemy as sa
from alembic import op

from shared.http.idempotency import create_idempotency_table, drop_idempotency_table
from shared.identity.tables import create_api_key_tables, drop_api_key_tables
from shared.messaging.tables import create_messaging_tables, drop_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "feedback"
TABLES = ("cases", "legs", "rounds", "callbacks", "evaluations", "callback_attempts", "evaluation_tokens")


def upgrade() -> None:
    create_messaging_tables(op, SCHEMA)
    create_idempotency_table(op, SCHEMA)
    create_api_key_tables(op, SCHEMA)
    _create_cases()
    _create_legs()
    _create_rounds()
    _create_callbacks()
    _create_evaluations()
    _create_callback_attempts()
    _create_evaluation_tokens()
    # Every appeal's case and leg are updated several times in their first days: room on the page keeps that cheap.
    for table in ("cases", "legs"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} SET (fillfactor = 80)")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
    drop_api_key_tables(op, SCHEMA)
    drop_idempotency_table(op, SCHEMA)
    drop_messaging_tables(op, SCHEMA)


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("category_name", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=True),
        sa.Column("confidential", sa.Boolean(), nullable=True),
        sa.Column("wants_reply", sa.Boolean(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("department_code", sa.Text(), nullable=True),
        sa.Column("department_name", sa.Text(), nullable=True),
        sa.Column("located_grid_code", sa.Text(), nullable=True),
        sa.Column("resolution_waits", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("imported", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("evaluation", sa.Text(), nullable=True),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'on_ledger') = (review_at IS NOT NULL)", name=op.f("ck_cases_ledger_review")),
        sa.CheckConstraint("(state IN ('closed', 'on_ledger')) = (ended_at IS NOT NULL)", name=op.f("ck_cases_ended")),
        sa.CheckConstraint("evaluation IN ('evaluated', 'none')", name=op.f("ck_cases_evaluation")),
        sa.CheckConstraint(
            "state IN ('open', 'awaiting_callback', 'closed', 'on_ledger')", name=op.f("ck_cases_state")
        ),
        sa.CheckConstraint("round >= 1", name=op.f("ck_cases_round")),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name=op.f("ck_cases_satisfaction")),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_cases")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_cases_ledger",
        "cases",
        ["review_at", "appeal_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'on_ledger'"),
    )


def _create_legs() -> None:
    op.create_table(
        "legs",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("leg", sa.SmallInteger(), nullable=False),
        sa.Column("department_code", sa.Text(), nullable=True),
        sa.Column("policy_code", sa.Text(), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledge_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolve_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_automatically", sa.Boolean(), nullable=True),
        sa.Column("acknowledged_late", sa.Boolean(), nullable=True),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contacted_late", sa.Boolean(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_late", sa.Boolean(), nullable=True),
        sa.Column("claimed_resolved", sa.Boolean(), nullable=True),
        sa.Column("measure", sa.Text(), nullable=True),
        sa.Column("rejections", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("return_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_reason_code", sa.Text(), nullable=True),
        sa.Column("return_approved", sa.Boolean(), nullable=True),
        sa.Column("return_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("highest_level", sa.Text(), nullable=True),
        sa.CheckConstraint("highest_level IN ('L0', 'L1', 'L2', 'L3', 'L4', 'L5')", name=op.f("ck_legs_highest_level")),
        sa.PrimaryKeyConstraint("appeal_id", "round", "leg", name=op.f("pk_legs")),
        schema=SCHEMA,
    )


def _create_rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("leg", sa.SmallInteger(), nullable=True),
        sa.Column("department_code", sa.Text(), nullable=False),
        sa.Column("department_name", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolve_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=True),
        sa.Column("claimed_resolved", sa.Boolean(), nullable=True),
        sa.Column("public_reply", sa.Text(), server_default="", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("evaluation", sa.Text(), nullable=True),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("evaluation IN ('evaluated', 'none')", name=op.f("ck_rounds_evaluation")),
        sa.CheckConstraint("verdict IN ('closed', 'redo', 'on_ledger')", name=op.f("ck_rounds_verdict")),
        sa.CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name=op.f("ck_rounds_decided")),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name=op.f("ck_rounds_satisfaction")),
        sa.ForeignKeyConstraint(["appeal_id"], ["feedback.cases.appeal_id"], name=op.f("fk_rounds_appeal_id_cases")),
        sa.PrimaryKeyConstraint("appeal_id", "round", name=op.f("pk_rounds")),
        schema=SCHEMA,
    )


def _create_callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("department_code", sa.Text(), nullable=False),
        sa.Column("department_name", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("counted_attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("last_counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'decided') = (decided_at IS NOT NULL)", name=op.f("ck_callbacks_decided")),
        sa.CheckConstraint("status IN ('open', 'decided')", name=op.f("ck_callbacks_status")),
        sa.CheckConstraint("verdict IN ('closed', 'redo', 'on_ledger')", name=op.f("ck_callbacks_verdict")),
        sa.ForeignKeyConstraint(
            ["appeal_id", "round"],
            ["feedback.rounds.appeal_id", "feedback.rounds.round"],
            name=op.f("fk_callbacks_appeal_id_round_rounds"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("appeal_id", "round", name=op.f("uq_callbacks_appeal_id_round")),
        schema=SCHEMA,
    )
    op.create_index("ix_callbacks_due", "callbacks", ["due_at", "id"], schema=SCHEMA)
    op.create_index("ix_callbacks_status_due", "callbacks", ["status", "due_at", "id"], schema=SCHEMA)


def _create_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('callback', 'citizen')", name=op.f("ck_evaluations_source")),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name=op.f("ck_evaluations_satisfaction")),
        sa.ForeignKeyConstraint(
            ["appeal_id", "round"],
            ["feedback.rounds.appeal_id", "feedback.rounds.round"],
            name=op.f("fk_evaluations_appeal_id_round_rounds"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("appeal_id", "round", name=op.f("uq_evaluations_appeal_id_round")),
        schema=SCHEMA,
    )


def _create_callback_attempts() -> None:
    op.create_table(
        "callback_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('reached', 'no_answer', 'refused', 'wrong_number')", name=op.f("ck_callback_attempts_outcome")
        ),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name=op.f("ck_callback_attempts_satisfaction")),
        sa.ForeignKeyConstraint(
            ["callback_id"], ["feedback.callbacks.id"], name=op.f("fk_callback_attempts_callback_id_callbacks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_attempts")),
        schema=SCHEMA,
    )
    op.create_index("ix_callback_attempts_callback", "callback_attempts", ["callback_id", "id"], schema=SCHEMA)


def _create_evaluation_tokens() -> None:
    op.create_table(
        "evaluation_tokens",
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["callback_id"], ["feedback.callbacks.id"], name=op.f("fk_evaluation_tokens_callback_id_callbacks")
        ),
        sa.PrimaryKeyConstraint("callback_id", name=op.f("pk_evaluation_tokens")),
        schema=SCHEMA,
    )
