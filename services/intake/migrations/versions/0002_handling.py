"""What the handling modes need: columns of the appeal, progress that intake can hold, and tables of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)
_SERVICES = "'police', 'fire', 'ambulance', 'traffic', 'utility', 'other'"
_GROUNDS = (
    "'emergency', 'in_legal_channel', 'already_handled', 'secret_or_privacy', 'beyond_duty', 'unlawful', "
    "'lawfully_concluded'"
)
_CHANNELS = (
    "'phone', 'web', 'wechat', 'app', 'sms', 'email', 'web_mailbox', 'box', 'card', 'book', 'window', 'eval_window', "
    "'visit', 'reception_day', 'deputy_station', 'talk_meeting', 'informant', 'grid', 'building_chief', 'volunteer', "
    "'joint_letter', 'survey', 'media', 'message_board', 'superior', 'from_110', 'other_hotline', 'review', "
    "'cannot_do_window', 'video_iot', 'open311'"
)
_FIRST_MOVES = "'register', 'accept', 'recategorize'"
_MOVES = (
    f"{_FIRST_MOVES}, 'change_urgency', 'answer', 'refer', 'decline', 'hand_over', 'request_supplement', "
    "'supplement', 'remind_supplement', 'expire_supplement', 'attach', 'detach', 'withdraw', 'urge'"
)


def upgrade() -> None:
    op.add_column("appeals", sa.Column("accept_due_at", _MOMENT), schema=SCHEMA)
    op.add_column(
        "appeals", sa.Column("channel_details", JSONB, nullable=False, server_default=sa.text("'{}'")), schema=SCHEMA
    )
    op.add_column("appeals", sa.Column("first_contact_staff", sa.Text), schema=SCHEMA)
    op.create_index(
        "ix_appeals_accept_due_at",
        "appeals",
        ["accept_due_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'registered'"),
    )
    op.add_column("progress", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()), schema=SCHEMA)
    op.add_column("progress", sa.Column("released_at", _MOMENT), schema=SCHEMA)
    _allow_moves(_MOVES)
    _create_hand_overs()
    _create_refusals_and_urges()
    _create_knowledge()


def downgrade() -> None:
    for table in ("knowledge_versions", "knowledge_articles", "urges", "decline_proposals", "hand_overs", "partners"):
        op.drop_table(table, schema=SCHEMA)
    _allow_moves(_FIRST_MOVES)
    op.drop_column("progress", "released_at", schema=SCHEMA)
    op.drop_column("progress", "held", schema=SCHEMA)
    op.drop_index("ix_appeals_accept_due_at", "appeals", schema=SCHEMA)
    op.drop_column("appeals", "first_contact_staff", schema=SCHEMA)
    op.drop_column("appeals", "channel_details", schema=SCHEMA)
    op.drop_column("appeals", "accept_due_at", schema=SCHEMA)


def _allow_moves(moves: str) -> None:
    name = op.f("ck_appeal_events_move")
    op.drop_constraint(name, "appeal_events", schema=SCHEMA)
    op.create_check_constraint(name, "appeal_events", f"move IN ({moves})", schema=SCHEMA)


def _one_of(table: str, column: str, listed: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))


def _create_hand_overs() -> None:
    op.create_table(
        "partners",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("hours", sa.Text, nullable=False, server_default=""),
        sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_partners")),
        _one_of("partners", "service", _SERVICES),
        comment="Organisations the call centre hands emergencies over to.",
        schema=SCHEMA,
    )
    op.create_table(
        "hand_overs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("partner_code", sa.Text),
        sa.Column("reference", sa.Text, nullable=False, server_default=""),
        sa.Column("handed_over_at", _MOMENT, nullable=False),
        sa.Column("latency_seconds", sa.Integer, nullable=False),
        sa.Column("keep_handling", sa.Boolean, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("result_at", _MOMENT),
        sa.Column("result_actor", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_overs")),
        sa.ForeignKeyConstraint(
            ["partner_code"], [f"{SCHEMA}.partners.code"], name=op.f("fk_hand_overs_partner_code_partners")
        ),
        _one_of("hand_overs", "service", _SERVICES),
        sa.CheckConstraint("(result IS NULL) = (result_at IS NULL)", name=op.f("ck_hand_overs_result_with_time")),
        sa.CheckConstraint("latency_seconds >= 0", name=op.f("ck_hand_overs_latency")),
        comment="What was handed over at once, and what became of it.",
        schema=SCHEMA,
    )
    op.create_index("ix_hand_overs_appeal_id", "hand_overs", ["appeal_id"], schema=SCHEMA)
    op.create_index("ix_hand_overs_handed_over_at", "hand_overs", ["handed_over_at", "id"], schema=SCHEMA)
    op.create_index(
        "ix_hand_overs_open",
        "hand_overs",
        ["handed_over_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("result IS NULL"),
    )


def _create_refusals_and_urges() -> None:
    op.create_table(
        "decline_proposals",
        sa.Column("id", _ID, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decline_proposals")),
        _one_of("decline_proposals", "ground", _GROUNDS),
        _one_of("decline_proposals", "decision", "'confirmed', 'rejected'"),
        sa.CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name=op.f("ck_decline_proposals_decided")),
        comment="Refusals: proposed by one person, decided by another.",
        schema=SCHEMA,
    )
    op.create_index(
        "uq_decline_proposals_pending",
        "decline_proposals",
        ["appeal_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("decision IS NULL"),
    )
    op.create_index("ix_decline_proposals_proposed_at", "decline_proposals", ["proposed_at", "id"], schema=SCHEMA)
    op.create_table(
        "urges",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", "number", name=op.f("pk_urges")),
        _one_of("urges", "channel", _CHANNELS),
        comment="The same person asked again about the same open matter.",
        schema=SCHEMA,
    )


def _create_knowledge() -> None:
    op.create_table(
        "knowledge_articles",
        sa.Column("id", _ID, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_articles")),
        sa.UniqueConstraint("code", name=op.f("uq_knowledge_articles_code")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_knowledge_articles_validity")),
        comment="Articles that answers cite, as they stand now.",
        schema=SCHEMA,
    )
    op.create_table(
        "knowledge_versions",
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("written_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_knowledge_versions")),
        comment="Every version of every article, append-only.",
        schema=SCHEMA,
    )
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {SCHEMA}.knowledge_versions "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
    )
