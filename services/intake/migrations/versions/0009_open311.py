"""What foreign 311 clients need: tokens and service attributes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index(
        "ix_appeals_public",
        "appeals",
        ["received_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("NOT confidential"),
    )
    op.create_table(
        "open311_definitions",
        sa.Column("category_code", sa.Text, nullable=False),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("category_code", name=op.f("pk_open311_definitions")),
        sa.ForeignKeyConstraint(
            ["category_code"],
            [f"{SCHEMA}.categories.code"],
            name=op.f("fk_open311_definitions_category_code_categories"),
        ),
        comment="What a service asks besides place and description.",
        schema=SCHEMA,
    )
    op.create_table(
        "open311_tokens",
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("appeal_id", UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_open311_tokens")),
        comment="What a client holds instead of a number where the city answers with tokens.",
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("open311_tokens", schema=SCHEMA)
    op.drop_table("open311_definitions", schema=SCHEMA)
    op.drop_index("ix_appeals_public", "appeals", schema=SCHEMA)
