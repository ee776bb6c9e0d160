"""The `api_keys` table, one in every service's own schema: a service verifies its callers without asking another."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from shared.db.schema import service_metadata

_TABLE = "api_keys"


def api_key_table(metadata: sa.MetaData) -> sa.Table:
    """Declare the table on a service's metadata, or return it when it is declared already."""
    known = metadata.tables.get(f"{metadata.schema}.{_TABLE}" if metadata.schema else _TABLE)
    if known is not None:
        return known
    return sa.Table(
        _TABLE,
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("prefix", sa.Text, nullable=False, unique=True),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("department_code", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("octet_length(secret_sha256) = 32", name="secret_is_a_digest"),
    )


def create_api_key_tables(op: Any, schema: str) -> None:
    """Create the table; called from a service's first migration with Alembic's `op`."""
    metadata = service_metadata(schema)
    api_key_table(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)


def drop_api_key_tables(op: Any, schema: str) -> None:
    """Drop what create_api_key_tables created."""
    op.drop_table(_TABLE, schema=schema)
