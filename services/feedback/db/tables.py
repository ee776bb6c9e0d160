"""The feedback service's tables: a case per appeal, its rounds and legs, callbacks, attempts, tokens and evaluations.

A case row has two writers' columns side by side: what intake knows and what dispatch knows. Either may come first.
"""

from enum import StrEnum

import sqlalchemy as sa

from services.feedback.domain.attempts import AttemptOutcome, CallbackStatus
from services.feedback.domain.case import CaseState
from services.feedback.domain.evaluation import Source, Verdict
from services.feedback.domain.records import FeedbackMode
from shared.db.schema import service_metadata
from shared.vocabulary import EvaluationOutcome, TimerLevel

SCHEMA = "feedback"

metadata = service_metadata(SCHEMA)


def _one_of(column: str, values: type[StrEnum]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _moment(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _grade() -> sa.CheckConstraint:
    return sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name="satisfaction")


cases = sa.Table(
    "cases",
    metadata,
    sa.Column("appeal_id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False, server_default=CaseState.OPEN.value),
    sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
    # From intake; all null until its event is here, `accepted_at` says whether it is.
    sa.Column("receipt_number", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("category_code", sa.Text),
    sa.Column("category_name", sa.Text),
    sa.Column("title", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("mode", sa.Text),
    sa.Column("grid_code", sa.Text),
    sa.Column("anonymous", sa.Boolean),
    sa.Column("confidential", sa.Boolean),
    sa.Column("wants_reply", sa.Boolean),
    sa.Column("households", sa.Integer),
    _moment("received_at"),
    _moment("accepted_at"),
    # From dispatch.
    sa.Column("ticket_id", sa.Uuid),
    sa.Column("department_code", sa.Text),
    sa.Column("department_name", sa.Text),
    sa.Column("located_grid_code", sa.Text),
    # Our own: set when a resolution was accepted before intake's event was here.
    sa.Column("resolution_waits", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("evaluation", sa.Text),
    sa.Column("resolved", sa.Boolean),
    sa.Column("satisfaction", sa.SmallInteger),
    sa.Column("reason", sa.Text),
    _moment("ended_at"),
    _moment("review_at"),
    # Intake again, about an appeal that was accepted, or that ended without.
    sa.Column("ended_as", sa.Text),
    sa.Column("ended_rule", sa.Text),
    sa.Column("master_appeal_id", sa.Uuid),
    _moment("attached_at"),
    sa.Column("urges", sa.Integer, nullable=False, server_default="0"),
    sa.Column("group_risk", sa.Boolean, nullable=False, server_default=sa.false()),
    _moment("created_at", required=True),
    _moment("updated_at", required=True),
    _one_of("state", CaseState),
    _one_of("evaluation", EvaluationOutcome),
    _grade(),
    sa.CheckConstraint("round >= 1", name="round"),
    sa.CheckConstraint("(state IN ('closed', 'on_ledger')) = (ended_at IS NOT NULL)", name="ended"),
    sa.CheckConstraint("(state = 'on_ledger') = (review_at IS NOT NULL)", name="ledger_review"),
    sa.CheckConstraint("ended_as IN ('closed', 'referred', 'not_accepted', 'withdrawn')", name="ended_as"),
    sa.Index("ix_cases_ledger", "review_at", "appeal_id", postgresql_where=sa.text("state = 'on_ledger'")),
    sa.Index(
        "ix_cases_members",
        "master_appeal_id",
        "appeal_id",
        postgresql_where=sa.text("master_appeal_id IS NOT NULL"),
    ),
)

rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("appeal_id", sa.Uuid, sa.ForeignKey("cases.appeal_id"), primary_key=True),
    sa.Column("round", sa.SmallInteger, primary_key=True),
    sa.Column("leg", sa.SmallInteger),
    sa.Column("department_code", sa.Text, nullable=False),
    sa.Column("department_name", sa.Text, nullable=False),
    _moment("resolved_at"),
    _moment("resolve_due_at"),
    _moment("accepted_at"),
    sa.Column("late", sa.Boolean),
    sa.Column("claimed_resolved", sa.Boolean),
    sa.Column("public_reply", sa.Text, nullable=False, server_default=""),
    # Whose result it is, when this appeal was handled with another.
    sa.Column("master_appeal_id", sa.Uuid),
    # The verdict, written once: round 1 is never overwritten by what a redo brings (trap 16).
    sa.Column("verdict", sa.Text),
    sa.Column("evaluation", sa.Text),
    sa.Column("resolved", sa.Boolean),
    sa.Column("satisfaction", sa.SmallInteger),
    sa.Column("reason", sa.Text),
    _moment("decided_at"),
    _one_of("verdict", Verdict),
    _one_of("evaluation", EvaluationOutcome),
    _grade(),
    sa.CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name="decided"),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("appeal_id", sa.Uuid, primary_key=True),
    sa.Column("round", sa.SmallInteger, primary_key=True),
    sa.Column("leg", sa.SmallInteger, primary_key=True),
    # No foreign key, and only the key is required: an operator may have skipped the event that opened the leg.
    sa.Column("department_code", sa.Text),
    sa.Column("policy_code", sa.Text),
    _moment("dispatched_at"),
    _moment("acknowledge_due_at"),
    _moment("contact_due_at"),
    _moment("resolve_due_at"),
    _moment("acknowledged_at"),
    sa.Column("acknowledged_automatically", sa.Boolean),
    sa.Column("acknowledged_late", sa.Boolean),
    _moment("contacted_at"),
    sa.Column("contacted_late", sa.Boolean),
    _moment("resolved_at"),
    sa.Column("resolved_late", sa.Boolean),
    sa.Column("claimed_resolved", sa.Boolean),
    sa.Column("measure", sa.Text),
    sa.Column("rejections", sa.SmallInteger, nullable=False, server_default="0"),
    _moment("return_requested_at"),
    sa.Column("return_reason_code", sa.Text),
    sa.Column("return_approved", sa.Boolean),
    _moment("return_decided_at"),
    sa.Column("highest_level", sa.Text),
    _one_of("highest_level", TimerLevel),
)

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("appeal_id", sa.Uuid, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default=CallbackStatus.OPEN.value),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("department_code", sa.Text, nullable=False),
    sa.Column("department_name", sa.Text, nullable=False),
    _moment("opened_at", required=True),
    _moment("due_at", required=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("counted_attempts", sa.SmallInteger, nullable=False, server_default="0"),
    _moment("last_counted_at"),
    sa.Column("verdict", sa.Text),
    sa.Column("reason", sa.Text),
    _moment("decided_at"),
    sa.ForeignKeyConstraint(["appeal_id", "round"], ["rounds.appeal_id", "rounds.round"]),
    _one_of("status", CallbackStatus),
    _one_of("verdict", Verdict),
    sa.CheckConstraint("(status IN ('decided', 'cancelled')) = (decided_at IS NOT NULL)", name="decided"),
    # Once per appeal and round; one that was cancelled may be followed by another.
    sa.Index(
        "ix_callbacks_round", "appeal_id", "round", unique=True, postgresql_where=sa.text("status <> 'cancelled'")
    ),
    sa.Index("ix_callbacks_appeal_id", "appeal_id"),
    sa.Index("ix_callbacks_due", "due_at", "id"),
    sa.Index("ix_callbacks_status_due", "status", "due_at", "id"),
)

callback_attempts = sa.Table(
    "callback_attempts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("callback_id", sa.Uuid, sa.ForeignKey("callbacks.id"), nullable=False),
    _moment("at", required=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("counted", sa.Boolean, nullable=False),
    sa.Column("resolved", sa.Boolean),
    sa.Column("satisfaction", sa.SmallInteger),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False),
    _one_of("outcome", AttemptOutcome),
    _grade(),
    sa.Index("ix_callback_attempts_callback", "callback_id", "id"),
)

# One special feedback to all who share a matter, and whom it reached: each appeal once (LZ-16).
group_feedbacks = sa.Table(
    "group_feedbacks",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("appeal_id", sa.Uuid, sa.ForeignKey("cases.appeal_id"), nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    _moment("at", required=True),
    sa.Column("actor", sa.Text, nullable=False),
    _one_of("mode", FeedbackMode),
)

group_feedback_receivers = sa.Table(
    "group_feedback_receivers",
    metadata,
    sa.Column("feedback_id", sa.Uuid, sa.ForeignKey("group_feedbacks.id"), primary_key=True),
    sa.Column("appeal_id", sa.Uuid, primary_key=True),
    sa.Index("ix_group_feedback_receivers_appeal_id", "appeal_id"),
)

evaluation_tokens = sa.Table(
    "evaluation_tokens",
    metadata,
    sa.Column("callback_id", sa.Uuid, sa.ForeignKey("callbacks.id"), primary_key=True),
    _moment("issued_at", required=True),
    _moment("expires_at", required=True),
    _moment("used_at"),
    sa.Column("issued_by", sa.Text, nullable=False),
)

evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("appeal_id", sa.Uuid, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("resolved", sa.Boolean, nullable=False),
    sa.Column("satisfaction", sa.SmallInteger),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False),
    _moment("at", required=True),
    # One evaluation per matter and round, whoever is quicker: agent or citizen (trap 18).
    sa.UniqueConstraint("appeal_id", "round"),
    sa.ForeignKeyConstraint(["appeal_id", "round"], ["rounds.appeal_id", "rounds.round"]),
    _one_of("source", Source),
    _grade(),
)
