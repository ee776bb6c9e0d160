"""Tables of the message flow, the same in every service's schema: outbox and inbox with a position per stream."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

INBOX_STATES = ("pending", "applied", "dead", "skipped")


def messaging_tables(metadata: sa.MetaData) -> None:
    """Declare the message tables on a service's metadata, so that model and DDL can be compared."""
    _outbox(metadata)
    _outbox_position(metadata)
    _inbox(metadata)
    _inbox_position(metadata)


def create_messaging_tables(op: Any, schema: str) -> None:
    """Create the message tables; called from a service's first migration with Alembic's `op`."""
    from shared.db.schema import service_metadata

    metadata = service_metadata(schema)
    messaging_tables(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)
    # Rows of these tables live for seconds in the state that is searched for, so vacuum must keep up with them.
    for name in ("outbox", "inbox"):
        op.execute(
            f"ALTER TABLE {schema}.{name} SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05)"
        )


def drop_messaging_tables(op: Any, schema: str) -> None:
    """Drop what create_messaging_tables created."""
    for name in ("inbox_position", "inbox", "outbox_position", "outbox"):
        op.drop_table(name, schema=schema)


def _outbox(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("event_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.SmallInteger, nullable=False),
        sa.Column("subject", UUID(as_uuid=True), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sends", sa.Integer, nullable=False, server_default="0"),
        sa.Column("acked_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("consumer", "subject", "sequence"),
        sa.Index("ix_outbox_due", "consumer", "due_at", postgresql_where=sa.text("acked_at IS NULL")),
        sa.Index("ix_outbox_acked", "acked_at", postgresql_where=sa.text("acked_at IS NOT NULL")),
    )


def _outbox_position(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "outbox_position",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("subject", UUID(as_uuid=True), primary_key=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
    )


def _inbox(metadata: sa.MetaData) -> sa.Table:
    states = ", ".join(f"'{state}'" for state in INBOX_STATES)
    return sa.Table(
        "inbox",
        metadata,
        sa.Column("producer", sa.Text, primary_key=True),
        sa.Column("subject", UUID(as_uuid=True), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("event_id", UUID(as_uuid=True), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.SmallInteger, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.Text),
        sa.Column("settled_reason", sa.Text),
        sa.CheckConstraint(f"state IN ({states})", name="state"),
        sa.UniqueConstraint("event_id"),
        sa.Index("ix_inbox_pending", "next_attempt_at", postgresql_where=sa.text("state = 'pending'")),
        sa.Index("ix_inbox_dead", "received_at", "event_id", postgresql_where=sa.text("state = 'dead'")),
        sa.Index("ix_inbox_settled", "settled_at", postgresql_where=sa.text("settled_at IS NOT NULL")),
    )


def _inbox_position(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "inbox_position",
        metadata,
        sa.Column("producer", sa.Text, primary_key=True),
        sa.Column("subject", UUID(as_uuid=True), primary_key=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        # How many events were settled (applied or skipped): equal to last_sequence, or something was applied twice.
        sa.Column("settled_count", sa.BigInteger, nullable=False),
    )
