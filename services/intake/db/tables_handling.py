"""Tables of the handling modes: hand-overs with their partners, urges, refusals in the making, knowledge."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.intake.db.tables import metadata
from services.intake.domain.hand_overs import EmergencyService
from services.intake.domain.refusals import Ground
from shared.vocabulary import Channel

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def _one_of(column: str, values: type[StrEnum]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


partners = sa.Table(
    "partners",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("hours", sa.Text, nullable=False, server_default=""),
    sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", _MOMENT, nullable=False),
    _one_of("service", EmergencyService),
    comment="Organisations the call centre hands emergencies over to.",
)

hand_overs = sa.Table(
    "hand_overs",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("partner_code", sa.Text, sa.ForeignKey("intake.partners.code")),
    sa.Column("reference", sa.Text, nullable=False, server_default=""),
    sa.Column("handed_over_at", _MOMENT, nullable=False),
    sa.Column("latency_seconds", sa.Integer, nullable=False),
    sa.Column("keep_handling", sa.Boolean, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("result_at", _MOMENT),
    sa.Column("result_actor", sa.Text),
    sa.Index("ix_hand_overs_appeal_id", "appeal_id"),
    sa.Index("ix_hand_overs_handed_over_at", "handed_over_at", "id"),
    sa.Index("ix_hand_overs_open", "handed_over_at", "id", postgresql_where=sa.text("result IS NULL")),
    _one_of("service", EmergencyService),
    sa.CheckConstraint("(result IS NULL) = (result_at IS NULL)", name="result_with_time"),
    sa.CheckConstraint("latency_seconds >= 0", name="latency"),
    comment="What was handed over at once, and what became of it.",
)

decline_proposals = sa.Table(
    "decline_proposals",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("ground", sa.Text, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
    sa.Column("legal_channel", sa.Text),
    sa.Column("other_receipt_number", sa.Text),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("proposed_at", _MOMENT, nullable=False),
    sa.Column("decision", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", _MOMENT),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index(
        "uq_decline_proposals_pending",
        "appeal_id",
        unique=True,
        postgresql_where=sa.text("decision IS NULL"),
    ),
    sa.Index("ix_decline_proposals_proposed_at", "proposed_at", "id"),
    _one_of("ground", Ground),
    sa.CheckConstraint("decision IN ('confirmed', 'rejected')", name="decision"),
    sa.CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name="decided"),
    comment="Refusals: proposed by one person, decided by another.",
)

urges = sa.Table(
    "urges",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    _one_of("channel", Channel),
    comment="The same person asked again about the same open matter.",
)

knowledge_articles = sa.Table(
    "knowledge_articles",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("category_codes", ARRAY(sa.Text), nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("code"),
    sa.CheckConstraint("valid_to >= valid_from", name="validity"),
    comment="Articles that answers cite, as they stand now.",
)

knowledge_versions = sa.Table(
    "knowledge_versions",
    metadata,
    sa.Column("article_id", _ID, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", _MOMENT, nullable=False),
    comment="Every version of every article, append-only.",
)
