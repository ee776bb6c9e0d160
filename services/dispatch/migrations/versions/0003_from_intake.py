"""What intake says after acceptance: called back, paused, attached, urged; timers that wait with the ticket."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "dispatch"
_MOMENT = sa.DateTime(timezone=True)
_STATES = (
    "'awaiting_dispatch', 'awaiting_acknowledgement', 'return_review', 'in_progress', 'under_review', "
    "'awaiting_callback', 'closed', 'on_ledger'"
)
_NEW_STATES = f"{_STATES}, 'supplementing', 'attached', 'referred', 'not_accepted', 'withdrawn'"


def upgrade() -> None:
    for name in ("attached_appeals", "attached_households", "attached_persons", "urges"):
        op.add_column("tickets", sa.Column(name, sa.Integer, nullable=False, server_default="0"), schema=SCHEMA)
    for column in (
        sa.Column("group_risk", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("paused_at", _MOMENT),
        sa.Column("paused_from", sa.Text),
        sa.Column("paused_offer", sa.Boolean),
        sa.Column("resumed_at", _MOMENT),
        sa.Column("master_appeal_id", UUID(as_uuid=True)),
    ):
        op.add_column("tickets", column, schema=SCHEMA)
    _check("tickets", "status", f"status IN ({_NEW_STATES})", replaces=True)
    _check("tickets", "pause", "(paused_at IS NULL) = (paused_from IS NULL)")
    _check("tickets", "attached_to_somebody", "status <> 'attached' OR master_appeal_id IS NOT NULL")
    outcomes = "outcome IN ('accepted', 'returned', 'called_back', 'attached')"
    _check("ticket_legs", "outcome", outcomes, replaces=True)
    _check("timers", "state", "state IN ('armed', 'fired', 'cancelled', 'paused')", replaces=True)
    op.create_table(
        "appeal_marks",
        sa.Column("appeal_id", UUID(as_uuid=True), nullable=False),
        sa.Column("master_appeal_id", UUID(as_uuid=True)),
        sa.Column("households", sa.Integer, nullable=False, server_default="0"),
        sa.Column("persons", sa.Integer, nullable=False, server_default="0"),
        sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("closed_reason", sa.Text),
        sa.Column("urges", sa.Integer, nullable=False, server_default="0"),
        sa.Column("group_risk", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("appeal_id", name="pk_appeal_marks"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_appeal_marks_master_appeal_id",
        "appeal_marks",
        ["master_appeal_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("master_appeal_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Refused by the old checks while there are rows in a state the old version does not know."""
    op.drop_table("appeal_marks", schema=SCHEMA)
    _check("timers", "state", "state IN ('armed', 'fired', 'cancelled')", replaces=True)
    _check("ticket_legs", "outcome", "outcome IN ('accepted', 'returned')", replaces=True)
    for name in ("attached_to_somebody", "pause"):
        op.drop_constraint(op.f(f"ck_tickets_{name}"), "tickets", schema=SCHEMA)
    _check("tickets", "status", f"status IN ({_STATES})", replaces=True)
    for name in (
        "master_appeal_id",
        "resumed_at",
        "paused_offer",
        "paused_from",
        "paused_at",
        "group_risk",
        "urges",
        "attached_persons",
        "attached_households",
        "attached_appeals",
    ):
        op.drop_column("tickets", name, schema=SCHEMA)


def _check(table: str, name: str, condition: str, *, replaces: bool = False) -> None:
    full = op.f(f"ck_{table}_{name}")
    if replaces:
        op.drop_constraint(full, table, schema=SCHEMA)
    op.create_check_constraint(full, table, condition, schema=SCHEMA)
