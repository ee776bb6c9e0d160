"""What the handling modes need: the term to accept, the facts of the channel, and progress that intake can hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_FIRST_MOVES = "'register', 'accept', 'recategorize'"
_MOVES = (
    f"{_FIRST_MOVES}, 'change_urgency', 'answer', 'refer', 'decline', 'hand_over', 'request_supplement', "
    "'supplement', 'remind_supplement', 'expire_supplement', 'attach', 'detach', 'withdraw', 'urge'"
)


def upgrade() -> None:
    op.add_column("appeals", sa.Column("accept_due_at", _MOMENT), schema=SCHEMA)
    op.add_column(
        "appeals", sa.Column("channel_details", JSONB, nullable=False, server_default=sa.text("'{}'")), schema=SCHEMA
    )
    op.add_column("appeals", sa.Column("first_contact_staff", sa.Text), schema=SCHEMA)
    op.create_index(
        "ix_appeals_accept_due_at",
        "appeals",
        ["accept_due_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'registered'"),
    )
    op.add_column("progress", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()), schema=SCHEMA)
    op.add_column("progress", sa.Column("released_at", _MOMENT), schema=SCHEMA)
    _allow_moves(_MOVES)


def downgrade() -> None:
    _allow_moves(_FIRST_MOVES)
    op.drop_column("progress", "released_at", schema=SCHEMA)
    op.drop_column("progress", "held", schema=SCHEMA)
    op.drop_index("ix_appeals_accept_due_at", "appeals", schema=SCHEMA)
    op.drop_column("appeals", "first_contact_staff", schema=SCHEMA)
    op.drop_column("appeals", "channel_details", schema=SCHEMA)
    op.drop_column("appeals", "accept_due_at", schema=SCHEMA)


def _allow_moves(moves: str) -> None:
    name = op.f("ck_appeal_events_move")
    op.drop_constraint(name, "appeal_events", schema=SCHEMA)
    op.create_check_constraint(name, "appeal_events", f"move IN ({moves})", schema=SCHEMA)
