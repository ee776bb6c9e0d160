"""Tables of tickets: the ticket, its legs, its history, its explained routing decisions and its timers.

History rows carry the id of the transaction that wrote them, so that a feed can stop short of what is uncommitted.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.dispatch.db.metadata import metadata
from services.dispatch.domain.ticket import TICKET_STATES, LegOutcome
from shared.vocabulary import TimerLevel, TimerName

TIMER_STATES = ("armed", "fired", "cancelled", "paused")
_MOMENT = sa.DateTime(timezone=True)
_RUNNING = "status IN ('awaiting_dispatch', 'awaiting_acknowledgement', 'return_review', 'in_progress')"


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
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
    sa.Column("paused_at", _MOMENT),
    sa.Column("paused_from", sa.Text),
    sa.Column("paused_offer", sa.Boolean),
    sa.Column("resumed_at", _MOMENT),
    sa.Column("master_appeal_id", UUID(as_uuid=True)),
    sa.Column("attached_appeals", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attached_households", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attached_persons", sa.Integer, nullable=False, server_default="0"),
    sa.Column("urges", sa.Integer, nullable=False, server_default="0"),
    sa.Column("group_risk", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("appeal_id"),
    sa.CheckConstraint(_one_of("status", tuple(state.value for state in TICKET_STATES)), name="status"),
    sa.CheckConstraint("round >= 1 AND leg >= 0 AND version >= 1", name="counts"),
    sa.CheckConstraint("(lease_token_hash IS NULL) = (lease_expires_at IS NULL)", name="lease"),
    sa.CheckConstraint("NOT pull_pending OR department_code IS NOT NULL", name="offered_to_somebody"),
    sa.CheckConstraint("(paused_at IS NULL) = (paused_from IS NULL)", name="pause"),
    sa.CheckConstraint("status <> 'attached' OR master_appeal_id IS NOT NULL", name="attached_to_somebody"),
    sa.Index("ix_tickets_receipt_number", "receipt_number"),
    sa.Index("ix_tickets_department_code_id", "department_code", "id"),
    sa.Index("ix_tickets_status_id", "status", "id"),
    sa.Index("ix_tickets_category_code_id", "category_code", "id"),
    sa.Index("ix_tickets_grid_code_id", "grid_code", "id"),
    sa.Index("ix_tickets_running_due", "resolve_due_at", "id", postgresql_where=sa.text(_RUNNING)),
    sa.Index(
        "ix_tickets_running_department_due",
        "department_code",
        "resolve_due_at",
        "id",
        postgresql_where=sa.text(_RUNNING),
    ),
    # What a pull takes first, and what comes back to it: two small indexes that hold only what is on offer.
    sa.Index(
        "ix_tickets_on_offer",
        "department_code",
        "urgency",
        "resolve_due_at",
        "id",
        postgresql_where=sa.text("pull_pending AND lease_expires_at IS NULL"),
    ),
    sa.Index(
        "ix_tickets_leased",
        "department_code",
        "lease_expires_at",
        postgresql_where=sa.text("pull_pending AND lease_expires_at IS NOT NULL"),
    ),
)

# What intake says of appeals besides accepting them: whom they are attached to, and what came before their ticket.
appeal_marks = sa.Table(
    "appeal_marks",
    metadata,
    sa.Column("appeal_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("master_appeal_id", UUID(as_uuid=True)),
    sa.Column("households", sa.Integer, nullable=False, server_default="0"),
    sa.Column("persons", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("closed_reason", sa.Text),
    sa.Column("urges", sa.Integer, nullable=False, server_default="0"),
    sa.Column("group_risk", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(
        "ix_appeal_marks_master_appeal_id",
        "master_appeal_id",
        postgresql_where=sa.text("master_appeal_id IS NOT NULL"),
    ),
)

ticket_legs = sa.Table(
    "ticket_legs",
    metadata,
    sa.Column("ticket_id", UUID(as_uuid=True), sa.ForeignKey(tickets.c.id), primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True),
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
    sa.CheckConstraint(_one_of("outcome", tuple(outcome.value for outcome in LegOutcome)), name="outcome"),
    sa.CheckConstraint("measure IN ('final', 'temporary')", name="measure"),
    sa.CheckConstraint("(resolved_at IS NULL) = (reply IS NULL)", name="resolution"),
)

ticket_events = sa.Table(
    "ticket_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
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
    sa.Index("ix_ticket_events_ticket_id_id", "ticket_id", "id"),
    sa.Index("ix_ticket_events_transaction_id_id", "transaction_id", "id"),
    sa.Index("ix_ticket_events_department_feed", "department_code", "transaction_id", "id"),
)

routing_decisions = sa.Table(
    "routing_decisions",
    metadata,
    sa.Column("ticket_id", UUID(as_uuid=True), sa.ForeignKey(tickets.c.id), primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True),
    sa.Column("decided_at", _MOMENT, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("rule_id", sa.Text),
    sa.Column("rule_set_version", sa.Integer),
    sa.Column("grid_path", JSONB, nullable=False),
    sa.Column("considered", JSONB, nullable=False),
    sa.Column("fallback", sa.Boolean, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("ticket_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("leg", sa.SmallInteger, primary_key=True),
    sa.Column("timer", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    sa.Column("fire_at", _MOMENT, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("fired_at", _MOMENT),
    sa.CheckConstraint(_one_of("state", TIMER_STATES), name="state"),
    sa.CheckConstraint(_one_of("timer", tuple(name.value for name in TimerName)), name="timer"),
    sa.CheckConstraint(_one_of("level", tuple(level.value for level in TimerLevel)), name="level"),
    sa.CheckConstraint("(state = 'fired') = (fired_at IS NOT NULL)", name="fired"),
    sa.Index("ix_timers_armed", "fire_at", "ticket_id", postgresql_where=sa.text("state = 'armed'")),
)
