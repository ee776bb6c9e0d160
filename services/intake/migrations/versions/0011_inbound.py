"""Appeals from other systems: sources with their mappings, and every delivery."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def upgrade() -> None:
    op.create_table(
        "inbound_sources",
        sa.Column("id", _ID, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("mapping", JSONB, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_sources")),
        sa.UniqueConstraint("code", name=op.f("uq_inbound_sources_code")),
        comment="Who may send appeals by signed webhook; the secrets are sealed.",
        schema=SCHEMA,
    )
    op.create_table(
        "inbound_deliveries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("delivery_id", sa.Text, nullable=False),
        sa.Column("first_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="1"),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("appeal_id", _ID),
        sa.Column("problems", JSONB),
        sa.Column("key_id", sa.Text),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_deliveries")),
        sa.UniqueConstraint("source", "delivery_id", name=op.f("uq_inbound_deliveries_source_delivery_id")),
        _check("outcome", "outcome IN ('registered', 'known', 'urged', 'ignored', 'rejected')"),
        _check("problems", "(outcome = 'rejected') = (problems IS NOT NULL)"),
        _check("key", "(key_id IS NULL) = (wrapped_key IS NULL)"),
        comment="Every delivery once; what could not be read is kept sealed, so that it can be taken up again.",
        schema=SCHEMA,
    )
    op.create_index(
        "ix_inbound_deliveries_last_at",
        "inbound_deliveries",
        ["source", "outcome", "last_at", "id"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("inbound_deliveries", schema=SCHEMA)
    op.drop_table("inbound_sources", schema=SCHEMA)


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_inbound_deliveries_{name}"))
