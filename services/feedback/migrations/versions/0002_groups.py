"""Cases that end at the hotline, groups of appeals on one matter, one special feedback to all of a group."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "feedback"
_CASE_COLUMNS = ("ended_as", "ended_rule", "master_appeal_id", "attached_at", "urges", "group_risk")


def upgrade() -> None:
    _widen_cases()
    op.add_column("rounds", sa.Column("master_appeal_id", sa.Uuid()), schema=SCHEMA)
    _check("callbacks", "status", "status IN ('open', 'decided', 'offered', 'cancelled')", replaces=True)
    decided = "(status IN ('decided', 'cancelled')) = (decided_at IS NOT NULL)"
    _check("callbacks", "decided", decided, replaces=True)
    op.drop_constraint(op.f("uq_callbacks_appeal_id_round"), "callbacks", schema=SCHEMA)
    op.create_index(
        "ix_callbacks_round",
        "callbacks",
        ["appeal_id", "round"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("status <> 'cancelled'"),
    )
    op.create_index("ix_callbacks_appeal_id", "callbacks", ["appeal_id"], schema=SCHEMA)
    _create_group_feedback()


def downgrade() -> None:
    """Refused by the old checks while there are rows in a state the old version does not know."""
    op.drop_table("group_feedback_receivers", schema=SCHEMA)
    op.drop_table("group_feedbacks", schema=SCHEMA)
    op.drop_index("ix_callbacks_appeal_id", "callbacks", schema=SCHEMA)
    op.drop_index("ix_callbacks_round", "callbacks", schema=SCHEMA)
    op.create_unique_constraint(
        op.f("uq_callbacks_appeal_id_round"), "callbacks", ["appeal_id", "round"], schema=SCHEMA
    )
    _check("callbacks", "decided", "(status = 'decided') = (decided_at IS NOT NULL)", replaces=True)
    _check("callbacks", "status", "status IN ('open', 'decided')", replaces=True)
    op.drop_column("rounds", "master_appeal_id", schema=SCHEMA)
    op.drop_index("ix_cases_members", "cases", schema=SCHEMA)
    op.drop_constraint(op.f("ck_cases_ended_as"), "cases", schema=SCHEMA)
    for name in reversed(_CASE_COLUMNS):
        op.drop_column("cases", name, schema=SCHEMA)


def _widen_cases() -> None:
    for column in (
        sa.Column("ended_as", sa.Text()),
        sa.Column("ended_rule", sa.Text()),
        sa.Column("master_appeal_id", sa.Uuid()),
        sa.Column("attached_at", sa.DateTime(timezone=True)),
        sa.Column("urges", sa.Integer(), server_default="0", nullable=False),
        sa.Column("group_risk", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("cases", column, schema=SCHEMA)
    _check("cases", "ended_as", "ended_as IN ('closed', 'referred', 'not_accepted', 'withdrawn')")
    op.create_index(
        "ix_cases_members",
        "cases",
        ["master_appeal_id", "appeal_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("master_appeal_id IS NOT NULL"),
    )


def _create_group_feedback() -> None:
    op.create_table(
        "group_feedbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "mode IN ('face', 'letter', 'phone', 'online', 'appointment')", name=op.f("ck_group_feedbacks_mode")
        ),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["feedback.cases.appeal_id"], name=op.f("fk_group_feedbacks_appeal_id_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_feedbacks")),
        schema=SCHEMA,
    )
    op.create_table(
        "group_feedback_receivers",
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feedback_id"],
            ["feedback.group_feedbacks.id"],
            name=op.f("fk_group_feedback_receivers_feedback_id_group_feedbacks"),
        ),
        sa.PrimaryKeyConstraint("feedback_id", "appeal_id", name=op.f("pk_group_feedback_receivers")),
        schema=SCHEMA,
    )
    op.create_index("ix_group_feedback_receivers_appeal_id", "group_feedback_receivers", ["appeal_id"], schema=SCHEMA)


def _check(table: str, name: str, condition: str, *, replaces: bool = False) -> None:
    full = op.f(f"ck_{table}_{name}")
    if replaces:
        op.drop_constraint(full, table, schema=SCHEMA)
    op.create_check_constraint(full, table, condition, schema=SCHEMA)
