"""Retention, legal holds, reveals by two persons, master keys out of use, and a fuller access log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def upgrade() -> None:
    op.add_column("pii_access_log", sa.Column("kind", sa.Text, nullable=False, server_default="reveal"), schema=SCHEMA)
    op.add_column("pii_vault", sa.Column("email_hash", sa.LargeBinary), schema=SCHEMA)
    op.create_index(
        "ix_pii_vault_email_hash",
        "pii_vault",
        ["email_hash"],
        schema=SCHEMA,
        postgresql_where=sa.text("email_hash IS NOT NULL"),
    )
    _create_keys_and_requests()
    _create_retention()


def downgrade() -> None:
    for table in ("shreddings", "legal_holds", "reveal_requests", "retired_master_keys"):
        op.drop_table(table, schema=SCHEMA)
    op.drop_index("ix_pii_vault_email_hash", "pii_vault", schema=SCHEMA)
    op.drop_column("pii_vault", "email_hash", schema=SCHEMA)
    op.drop_column("pii_access_log", "kind", schema=SCHEMA)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _create_keys_and_requests() -> None:
    op.create_table(
        "retired_master_keys",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("sealed_with", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("retired_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_retired_master_keys")),
        comment="Search keys of master keys that are no longer configured, sealed under one that is.",
        schema=SCHEMA,
    )
    op.create_table(
        "reveal_requests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_principal", sa.Text, nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("approved", sa.Boolean),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_principal", sa.Text),
        sa.Column("decided_at", _MOMENT),
        sa.Column("note", sa.Text),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveal_requests")),
        _check("reveal_requests", "two_persons", "decided_principal <> requested_principal"),
        _check("reveal_requests", "decided", "(approved IS NULL) = (decided_at IS NULL)"),
        comment="One person asks to see who reported, another one allows it.",
        schema=SCHEMA,
    )
    op.create_index("ix_reveal_requests_appeal_id", "reveal_requests", ["appeal_id", "requested_at"], schema=SCHEMA)
    op.create_index(
        "ix_reveal_requests_pending",
        "reveal_requests",
        ["requested_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("approved IS NULL"),
    )


def _create_retention() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("placed_by", sa.Text, nullable=False),
        sa.Column("placed_at", _MOMENT, nullable=False),
        sa.Column("released_by", sa.Text),
        sa.Column("released_at", _MOMENT),
        sa.Column("release_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
        _check("legal_holds", "released", "(released_at IS NULL) = (released_by IS NULL)"),
        comment="While one stands, nothing of the appeal is destroyed.",
        schema=SCHEMA,
    )
    op.create_index("ix_legal_holds_appeal_id", "legal_holds", ["appeal_id"], schema=SCHEMA)
    op.create_table(
        "shreddings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shreddings")),
        _check("shreddings", "what", "what IN ('person', 'recording', 'body')"),
        comment="What was destroyed, when and by which rule; append-only.",
        schema=SCHEMA,
    )
    op.create_index("ix_shreddings_appeal_id", "shreddings", ["appeal_id", "at"], schema=SCHEMA)
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {SCHEMA}.shreddings "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
    )
