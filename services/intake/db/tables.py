"""Tables of schema `intake`: appeals with their own history, the vault, categories, and what citizens are told.

No foreign keys between tables that one statement always writes together: they would cost each appeal several look-ups.
"""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.intake.domain.machine import Move
from services.intake.domain.timeline import EntryCode
from shared.db.schema import service_metadata
from shared.http.idempotency import idempotency_table
from shared.identity.tables import api_key_table
from shared.messaging.tables import messaging_tables
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, Urgency

SCHEMA = "intake"

metadata = service_metadata(SCHEMA)
messaging_tables(metadata)
idempotency_keys = idempotency_table(metadata)
api_keys = api_key_table(metadata)

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def _one_of(column: str, values: type[StrEnum]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


categories = sa.Table(
    "categories",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_zh", sa.Text, nullable=False, server_default=""),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("parent_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.categories.code")),
    sa.Column("urgency", sa.Text),
    sa.Column("mode", sa.Text),
    sa.Column("location_required", sa.Boolean, nullable=False),
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("object_kind", sa.Text, nullable=False, server_default=""),
    sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("successor_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.categories.code")),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", _MOMENT, nullable=False),
    _one_of("urgency", Urgency),
    _one_of("mode", HandlingMode),
    sa.CheckConstraint("successor_code IS NULL OR retired", name="successor_of_retired"),
)

service_area = sa.Table(
    "service_area",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("geojson", JSONB, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)

catalogue_version = sa.Table(
    "catalogue_version",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)

appeals = sa.Table(
    "appeals",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("receipt_number", sa.Text, nullable=False),
    sa.Column("access_hash", sa.LargeBinary, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("category_code", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("mode", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("grid_code", sa.Text),
    sa.Column("longitude", sa.Double),
    sa.Column("latitude", sa.Double),
    sa.Column("anonymous", sa.Boolean, nullable=False),
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("wants_reply", sa.Boolean, nullable=False),
    sa.Column("special_care", ARRAY(sa.Text), nullable=False),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("signatories", sa.Integer, nullable=False),
    sa.Column("on_behalf", sa.Boolean, nullable=False),
    sa.Column("reporter_hint", JSONB),
    sa.Column("external_system", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("attributes", JSONB, nullable=False),
    sa.Column("occurred_at", _MOMENT),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("accepted_at", _MOMENT),
    sa.Column("accept_due_at", _MOMENT),
    sa.Column("accept_overdue_at", _MOMENT),
    sa.Column("channel_details", JSONB, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("first_contact_staff", sa.Text),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("receipt_number"),
    sa.Index(
        "uq_appeals_external_ref",
        "external_system",
        "external_id",
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    ),
    sa.Index("ix_appeals_created_at", "created_at", "id"),
    sa.Index("ix_appeals_category_code", "category_code", "created_at", "id"),
    sa.Index("ix_appeals_accept_due_at", "accept_due_at", postgresql_where=sa.text("status = 'registered'")),
    sa.Index(
        "ix_appeals_accept_unmarked",
        "accept_due_at",
        postgresql_where=sa.text("status = 'registered' AND accept_overdue_at IS NULL"),
    ),
    _one_of("type", AppealType),
    _one_of("channel", Channel),
    _one_of("urgency", Urgency),
    _one_of("mode", HandlingMode),
    _one_of("status", AppealStatus),
    sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="point"),
    sa.CheckConstraint("(external_system IS NULL) = (external_id IS NULL)", name="external_ref"),
    sa.CheckConstraint("occurred_at <= created_at AND received_at <= created_at", name="times"),
    sa.CheckConstraint("type <> 'report' OR confidential", name="report_confidential"),
)

appeal_events = sa.Table(
    "appeal_events",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("sequence", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("move", sa.Text, nullable=False),
    sa.Column("rules", ARRAY(sa.Text), nullable=False),
    sa.Column("from_status", sa.Text, nullable=False),
    sa.Column("to_status", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("details", JSONB, nullable=False),
    _one_of("move", Move),
    comment="What intake itself did, append-only.",
)

pii_vault = sa.Table(
    "pii_vault",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("phone_hash", sa.LargeBinary),
    sa.Column("email_hash", sa.LargeBinary),
    sa.Index("ix_pii_vault_email_hash", "email_hash", postgresql_where=sa.text("email_hash IS NOT NULL")),
    sa.Index("ix_pii_vault_phone_hash", "phone_hash", postgresql_where=sa.text("phone_hash IS NOT NULL")),
)

pii_access_log = sa.Table(
    "pii_access_log",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("principal_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default="reveal"),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Index("ix_pii_access_log_appeal_id", "appeal_id", "at"),
    comment="Who asked for personal data, when and why; append-only.",
)

progress = sa.Table(
    "progress",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("as_of", _MOMENT, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("department_name", sa.Text),
    sa.Column("promised_by", _MOMENT),
    sa.Column("assigned_round", sa.SmallInteger),
    sa.Column("assigned_leg", sa.SmallInteger),
    sa.Column("assigned_at", _MOMENT),
    sa.Column("registered_at", _MOMENT, nullable=False),
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("released_at", _MOMENT),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Index("ix_progress_status", "status", "registered_at", "appeal_id"),
    sa.Index(
        "ix_progress_department_code",
        "department_code",
        "registered_at",
        "appeal_id",
        postgresql_where=sa.text("department_code IS NOT NULL"),
    ),
    _one_of("status", AppealStatus),
)

timeline_entries = sa.Table(
    "timeline_entries",
    metadata,
    sa.Column("appeal_id", _ID, primary_key=True),
    sa.Column("event_id", _ID, primary_key=True),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False),
    sa.Column("text_en", sa.Text, nullable=False),
    sa.Column("text_zh", sa.Text, nullable=False),
    _one_of("code", EntryCode),
    _one_of("status", AppealStatus),
)

APPEND_ONLY = ("appeal_events", "pii_access_log", "shreddings")
