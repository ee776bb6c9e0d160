"""Appeals on one matter: who is attached to whom, signatories as sealed versions, alarms."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def upgrade() -> None:
    _create_memberships()
    _create_signatory_lists()
    _create_group_alarms()


def downgrade() -> None:
    for table in ("group_alarms", "signatory_lists", "memberships"):
        op.drop_table(table, schema=SCHEMA)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _create_memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("master_id", _ID, nullable=False),
        sa.Column("attached_at", _MOMENT, nullable=False),
        sa.Column("attached_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detached_at", _MOMENT),
        sa.Column("detached_by", sa.Text),
        sa.Column("detach_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        _check("memberships", "not_itself", "appeal_id <> master_id"),
        _check("memberships", "detached", "(detached_at IS NULL) = (detached_by IS NULL)"),
        comment="Which appeal is handled with which; a merge that was undone stays on record.",
        schema=SCHEMA,
    )
    op.create_index(
        "uq_memberships_present",
        "memberships",
        ["appeal_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("detached_at IS NULL"),
    )
    op.create_index("ix_memberships_master_id", "memberships", ["master_id", "attached_at"], schema=SCHEMA)


def _create_signatory_lists() -> None:
    op.create_table(
        "signatory_lists",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("households", sa.Integer, nullable=False),
        sa.Column("persons", sa.Integer, nullable=False),
        sa.Column("representatives", sa.SmallInteger, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", "version", name=op.f("pk_signatory_lists")),
        _check("signatory_lists", "representatives", "representatives BETWEEN 0 AND 5"),
        _check("signatory_lists", "seal", "octet_length(seal) = 32"),
        _check("signatory_lists", "key", "(key_id IS NULL) = (wrapped_key IS NULL)"),
        comment="Every version of who signed, encrypted and chained by hashes; a key that is gone is a list destroyed.",
        schema=SCHEMA,
    )


def _create_group_alarms() -> None:
    op.create_table(
        "group_alarms",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("appeals", sa.Integer, nullable=False),
        sa.Column("persons", sa.Integer, nullable=False),
        sa.Column("households", sa.Integer, nullable=False),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.Column("acknowledged_at", _MOMENT),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_alarms")),
        _check("group_alarms", "reason", "reason IN ('persons', 'appeals')"),
        _check("group_alarms", "acknowledged", "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)"),
        schema=SCHEMA,
    )
    op.create_index("uq_group_alarms_cause", "group_alarms", ["appeal_id", "reason"], unique=True, schema=SCHEMA)
    op.create_index("ix_group_alarms_raised_at", "group_alarms", ["raised_at", "id"], schema=SCHEMA)
