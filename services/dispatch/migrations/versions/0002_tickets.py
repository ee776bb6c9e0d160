"""Tickets: the ticket, its legs, its history, its routing decisions and its timers."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "dispatch"
_MOMENT = sa.DateTime(timezone=True)
Indexes = tuple[tuple[str, list[str], str | None], ...]
_RUNNING = "status IN ('awaiting_dispatch', 'awaiting_acknowledgement', 'return_review', 'in_progress')"

_TICKETS: tuple[sa.schema.SchemaItem, ...] = (
    sa.Column("id", UUID(as_uuid=True), nullable=False),
    sa.Column("appeal_id", UUID(as_uuid=True), nullable=False),
    sa.Column("receipt_number", sa.Text, nullable=False),
    sa.Column("appeal_type", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("category_code", sa.Text, nullable=False),
    sa.Column("category_name", sa.Text, nullable=False),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("grid_code", sa.Text, nullable=False),
    sa.Column("longitude", sa.Double),
    sa.Column("latitude", sa.Double),
    sa.Column("anonymous", sa.Boolean, nullable=False),
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("wants_reply", sa.Boolean, nullable=False),
    sa.Column("special_care", JSONB, nullable=False),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("signatories", sa.Integer, nullable=False),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("accepted_at", _MOMENT, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("leg", sa.SmallInteger, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("department_name", sa.Text),
    sa.Column("promised_by", _MOMENT),
    sa.Column("resolve_due_at", _MOMENT),
    sa.Column("dispatch_due_at", _MOMENT),
    sa.Column("review_due_at", _MOMENT),
    sa.Column("returnable", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("returned_by", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("needs_consultation", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("pull_pending", sa.Boolean, nullable=False),
    sa.Column("lease_token_hash", sa.Text),
    sa.Column("lease_expires_at", _MOMENT),
    sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("closed_at", _MOMENT),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    sa.UniqueConstraint("appeal_id", name="uq_tickets_appeal_id"),
    sa.CheckConstraint(
        "round >= 1 AND leg >= 0 AND version >= 1",
        name="ck_tickets_counts",
    ),
    sa.CheckConstraint(
        "(lease_token_hash IS NULL) = (lease_expires_at IS NULL)",
        name="ck_tickets_lease",
    ),
    sa.CheckConstraint(
        "NOT pull_pending OR department_code IS NOT NULL",
        name="ck_tickets_offered_to_somebody",
    ),
    sa.CheckConstraint(
        "status IN ('awaiting_dispatch', 'awaiting_acknowledgement', 'return_review', 'in_progress', "
        "'under_review', 'awaiting_callback', 'closed', 'on_ledger')",
        name="ck_tickets_status",
    ),
)
_TICKETS_INDEXES: Indexes = (
    ("ix_tickets_category_code_id", ["category_code", "id"], None),
    ("ix_tickets_department_code_id", ["department_code", "id"], None),
    ("ix_tickets_grid_code_id", ["grid_code", "id"], None),
    ("ix_tickets_leased", ["department_code", "lease_expires_at"], "pull_pending AND lease_expires_at IS NOT NULL"),
    (
        "ix_tickets_on_offer",
        ["department_code", "urgency", "resolve_due_at", "id"],
        "pull_pending AND lease_expires_at IS NULL",
    ),
    ("ix_tickets_receipt_number", ["receipt_number"], None),
    ("ix_tickets_running_department_due", ["department_code", "resolve_due_at", "id"], _RUNNING),
    ("ix_tickets_running_due", ["resolve_due_at", "id"], _RUNNING),
    ("ix_tickets_status_id", ["status", "id"], None),
)

_TICKET_LEGS: tuple[sa.schema.SchemaItem, ...] = (
    sa.Column(
        "ticket_id",
        UUID(as_uuid=True),
        sa.ForeignKey("dispatch.tickets.id", name="fk_ticket_legs_ticket_id_tickets"),
        nullable=False,
    ),
    sa.Column("number", sa.SmallInteger, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("department_code", sa.Text, nullable=False),
    sa.Column("department_name", sa.Text, nullable=False),
    sa.Column("dispatched_at", _MOMENT, nullable=False),
    sa.Column("policy_code", sa.Text, nullable=False),
    sa.Column("policy_version", sa.Integer, nullable=False),
    sa.Column("calendar_code", sa.Text, nullable=False),
    sa.Column("calendar_version", sa.Integer, nullable=False),
    sa.Column("acknowledge_due_at", _MOMENT),
    sa.Column("contact_due_at", _MOMENT),
    sa.Column("return_until", _MOMENT),
    sa.Column("resolve_due_at", _MOMENT, nullable=False),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("acknowledged_at", _MOMENT),
    sa.Column("auto_acknowledged_at", _MOMENT),
    sa.Column("late_sign", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("contacted_at", _MOMENT),
    sa.Column("late_contact", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("return_requested_at", _MOMENT),
    sa.Column("return_reason", sa.Text),
    sa.Column("return_refused_at", _MOMENT),
    sa.Column("resolved_at", _MOMENT),
    sa.Column("late_resolve", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("reply", sa.Text),
    sa.Column("resolved", sa.Boolean),
    sa.Column("public_reply", sa.Text),
    sa.Column("measure", sa.Text),
    sa.Column("cost", sa.BigInteger),
    sa.Column("ended_at", _MOMENT),
    sa.Column("outcome", sa.Text),
    sa.PrimaryKeyConstraint("ticket_id", "number", name="pk_ticket_legs"),
    sa.CheckConstraint(
        "measure IN ('final', 'temporary')",
        name="ck_ticket_legs_measure",
    ),
    sa.CheckConstraint(
        "outcome IN ('accepted', 'returned')",
        name="ck_ticket_legs_outcome",
    ),
    sa.CheckConstraint(
        "(resolved_at IS NULL) = (reply IS NULL)",
        name="ck_ticket_legs_resolution",
    ),
)
_TICKET_LEGS_INDEXES: Indexes = ()

_TICKET_EVENTS: tuple[sa.schema.SchemaItem, ...] = (
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column(
        "transaction_id",
        sa.BigInteger,
        nullable=False,
        server_default=sa.text("CAST(CAST(pg_current_xact_id() AS text) AS bigint)"),
    ),
    sa.Column("ticket_id", UUID(as_uuid=True), nullable=False),
    sa.Column("appeal_id", UUID(as_uuid=True), nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("leg", sa.SmallInteger, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("from_status", sa.Text),
    sa.Column("to_status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", JSONB, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_ticket_events"),
)
_TICKET_EVENTS_INDEXES: Indexes = (
    ("ix_ticket_events_department_feed", ["department_code", "transaction_id", "id"], None),
    ("ix_ticket_events_ticket_id_id", ["ticket_id", "id"], None),
    ("ix_ticket_events_transaction_id_id", ["transaction_id", "id"], None),
)

_ROUTING_DECISIONS: tuple[sa.schema.SchemaItem, ...] = (
    sa.Column(
        "ticket_id",
        UUID(as_uuid=True),
        sa.ForeignKey("dispatch.tickets.id", name="fk_routing_decisions_ticket_id_tickets"),
        nullable=False,
    ),
    sa.Column("number", sa.SmallInteger, nullable=False),
    sa.Column("decided_at", _MOMENT, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("rule_id", sa.Text),
    sa.Column("rule_set_version", sa.Integer),
    sa.Column("grid_path", JSONB, nullable=False),
    sa.Column("considered", JSONB, nullable=False),
    sa.Column("fallback", sa.Boolean, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("ticket_id", "number", name="pk_routing_decisions"),
)
_ROUTING_DECISIONS_INDEXES: Indexes = ()

_TIMERS: tuple[sa.schema.SchemaItem, ...] = (
    sa.Column("ticket_id", UUID(as_uuid=True), nullable=False),
    sa.Column("leg", sa.SmallInteger, nullable=False),
    sa.Column("timer", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("fire_at", _MOMENT, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("fired_at", _MOMENT),
    sa.PrimaryKeyConstraint("ticket_id", "leg", "timer", "level", name="pk_timers"),
    sa.CheckConstraint(
        "(state = 'fired') = (fired_at IS NOT NULL)",
        name="ck_timers_fired",
    ),
    sa.CheckConstraint(
        "level IN ('L0', 'L1', 'L2', 'L3', 'L4', 'L5')",
        name="ck_timers_level",
    ),
    sa.CheckConstraint(
        "state IN ('armed', 'fired', 'cancelled')",
        name="ck_timers_state",
    ),
    sa.CheckConstraint(
        "timer IN ('T_ACCEPT', 'T_DISPATCH', 'T_SIGN', 'T_CONTACT', 'T_RESOLVE', 'T_RETURN', "
        "'T_REVIEW', 'T_CALLBACK', 'T_LEDGER_REVIEW')",
        name="ck_timers_timer",
    ),
)
_TIMERS_INDEXES: Indexes = (("ix_timers_armed", ["fire_at", "ticket_id"], "state = 'armed'"),)


# Rows of these tables are updated many times while they are young, so vacuum must keep up with them.
_BUSY = ("tickets", "ticket_legs", "timers")


def upgrade() -> None:
    _create("tickets", _TICKETS, _TICKETS_INDEXES)
    _create("ticket_legs", _TICKET_LEGS, _TICKET_LEGS_INDEXES)
    _create("ticket_events", _TICKET_EVENTS, _TICKET_EVENTS_INDEXES)
    _create("routing_decisions", _ROUTING_DECISIONS, _ROUTING_DECISIONS_INDEXES)
    _create("timers", _TIMERS, _TIMERS_INDEXES)
    for table in _BUSY:
        op.execute(
            f"ALTER TABLE {SCHEMA}.{table} SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_analyze_scale_factor = 0.02)"
        )


def downgrade() -> None:
    for table in ("timers", "routing_decisions", "ticket_events", "ticket_legs", "tickets"):
        op.drop_table(table, schema=SCHEMA)


def _create(
    table: str,
    parts: Sequence[sa.schema.SchemaItem],
    indexes: Indexes,
) -> None:
    op.create_table(table, *parts, schema=SCHEMA)
    for name, columns, where in indexes:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, schema=SCHEMA, postgresql_where=condition)
