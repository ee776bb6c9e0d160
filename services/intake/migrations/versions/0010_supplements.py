"""Papers that were asked for, and appeals whose scope was decided too late."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)
_EARLIER_MOVES = (
    "'register', 'accept', 'recategorize', 'change_urgency', 'answer', 'refer', 'decline', 'hand_over', "
    "'request_supplement', 'supplement', 'remind_supplement', 'expire_supplement', 'attach', 'detach', 'withdraw', "
    "'urge'"
)


def upgrade() -> None:
    op.add_column("appeals", sa.Column("accept_overdue_at", _MOMENT), schema=SCHEMA)
    op.create_index(
        "ix_appeals_accept_unmarked",
        "appeals",
        ["accept_due_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'registered' AND accept_overdue_at IS NULL"),
    )
    _allow_moves(f"{_EARLIER_MOVES}, 'overrun_acceptance'")
    _create_requests()
    _create_items()


def downgrade() -> None:
    op.drop_table("supplement_items", schema=SCHEMA)
    op.drop_table("supplement_requests", schema=SCHEMA)
    _allow_moves(_EARLIER_MOVES)
    op.drop_index("ix_appeals_accept_unmarked", "appeals", schema=SCHEMA)
    op.drop_column("appeals", "accept_overdue_at", schema=SCHEMA)


def _allow_moves(moves: str) -> None:
    name = op.f("ck_appeal_events_move")
    op.drop_constraint(name, "appeal_events", schema=SCHEMA)
    op.create_check_constraint(name, "appeal_events", f"move IN ({moves})", schema=SCHEMA)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _create_requests() -> None:
    table = "supplement_requests"
    op.create_table(
        table,
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("asked_again_because", sa.Text),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("remind_at", _MOMENT, nullable=False),
        sa.Column("reminded_at", _MOMENT),
        sa.Column("closed_at", _MOMENT),
        sa.Column("outcome", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _check(table, "term", "requested_at < remind_at AND remind_at < due_at"),
        _check(table, "closed", "(closed_at IS NULL) = (outcome IS NULL)"),
        _check(table, "outcome", "outcome IN ('complete', 'expired', 'dropped')"),
        comment="What citizens were asked for in writing (LZ-11); at most one open list per appeal.",
        schema=SCHEMA,
    )
    _index("uq_supplement_requests_open", ["appeal_id"], "closed_at IS NULL", unique=True)
    _index("ix_supplement_requests_appeal_id", ["appeal_id", "requested_at"], None)
    _index("ix_supplement_requests_remind_at", ["remind_at"], "closed_at IS NULL AND reminded_at IS NULL")
    _index("ix_supplement_requests_due_at", ["due_at"], "closed_at IS NULL AND reminded_at IS NOT NULL")


def _index(name: str, columns: list[str], where: str | None, *, unique: bool = False) -> None:
    condition = sa.text(where) if where is not None else None
    op.create_index(name, "supplement_requests", columns, schema=SCHEMA, unique=unique, postgresql_where=condition)


def _create_items() -> None:
    table = "supplement_items"
    op.create_table(
        table,
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("position", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("delivered_at", _MOMENT),
        sa.Column("delivered_by", sa.Text),
        sa.Column("delivery_note", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("request_id", "position", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            [f"{SCHEMA}.supplement_requests.id"],
            name=op.f("fk_supplement_items_request_id_supplement_requests"),
        ),
        _check(table, "delivered", "(delivered_at IS NULL) = (delivered_by IS NULL)"),
        schema=SCHEMA,
    )
