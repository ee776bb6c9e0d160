"""Tables of entry: places, service items, informants, campaigns with their sessions, surveys, demand classes."""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.intake.db.tables import SCHEMA, appeals, metadata
from services.intake.domain.campaigns import CampaignKind
from services.intake.domain.entry import DemandClass, EntryPointKind, InformantGroup, ItemKind, Role

_MOMENT = sa.DateTime(timezone=True)
_ID = UUID(as_uuid=True)


def _one_of(column: str, values: type[StrEnum]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _registered() -> tuple[Any, ...]:
    """What every registry has: a code that is never given out twice, and retiring in place of deleting."""
    return (
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("retired_at", _MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.CheckConstraint("retired = (retired_at IS NOT NULL)", name="retired"),
    )


entry_points = sa.Table(
    "entry_points",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("grid_code", sa.Text),
    sa.Column("longitude", sa.Double),
    sa.Column("latitude", sa.Double),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("item_codes", ARRAY(sa.Text), nullable=False),
    sa.Column("opening_hours", JSONB, nullable=False),
    sa.Column("special_days", JSONB, nullable=False),
    sa.Column("calendar", sa.Text),
    *_registered(),
    _one_of("kind", EntryPointKind),
    sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="point"),
)

service_items = sa.Table(
    "service_items",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("department_code", sa.Text),
    sa.Column("category_code", sa.Text),
    sa.Column("minutes_before", sa.Integer),
    sa.Column("minutes_now", sa.Integer),
    *_registered(),
    _one_of("kind", ItemKind),
)

informants = sa.Table(
    "informants",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("id", _ID, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("informant_group", sa.Text),
    sa.Column("team", sa.Text),
    sa.Column("grid_codes", ARRAY(sa.Text), nullable=False),
    sa.Column("households", sa.Integer),
    sa.Column("active_from", sa.Date),
    sa.Column("hint", JSONB, nullable=False),
    *_registered(),
    sa.UniqueConstraint("id"),
    sa.Index("ix_informants_role_team", "role", "team"),
    _one_of("role", Role),
    _one_of("informant_group", InformantGroup),
    comment="Who brings in appeals for others; names and numbers are in the vault under `id`.",
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("starts_at", sa.DateTime(timezone=False), nullable=False, comment="On the city's wall clock."),
    sa.Column("duration_minutes", sa.Integer, nullable=False),
    sa.Column("leader", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("grid_code", sa.Text),
    sa.Column("entry_point_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.entry_points.code")),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("rule_since", _MOMENT, nullable=False),
    *_registered(),
    _one_of("kind", CampaignKind),
)

campaign_sessions = sa.Table(
    "campaign_sessions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.campaigns.code"), nullable=False),
    sa.Column("occurrence_at", _MOMENT, nullable=False),
    sa.Column("held_at", _MOMENT),
    sa.Column("leader", sa.Text, nullable=False),
    sa.Column("deputies", ARRAY(sa.Text), nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("visitors", sa.Integer),
    sa.Column("attendance", sa.Integer),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("cancelled_reason", sa.Text),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("campaign_code", "occurrence_at"),
    sa.CheckConstraint("(held_at IS NULL) = (cancelled_reason IS NOT NULL)", name="held_or_cancelled"),
)

building_reports = sa.Table(
    "building_reports",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("informant_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.informants.code"), nullable=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("grid_code", sa.Text),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("residents", sa.Integer, nullable=False),
    sa.Column("floating_residents", sa.Integer, nullable=False),
    sa.Column("vacant", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("reported_by", sa.Text, nullable=False),
    sa.Column("reported_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("informant_code", "month"),
    sa.Index("ix_building_reports_month", "month", "id"),
)

surveys = sa.Table(
    "surveys",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("fields", JSONB, nullable=False),
    sa.Column("category_code", sa.Text),
    *_registered(),
)

survey_answers = sa.Table(
    "survey_answers",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("survey_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.surveys.code"), nullable=False),
    sa.Column("card_number", sa.Text, nullable=False),
    sa.Column("answers", JSONB, nullable=False),
    sa.Column("appeal_id", _ID),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("entered_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("survey_code", "card_number"),
)

demand_classes = sa.Table(
    "demand_classes",
    metadata,
    sa.Column("category_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.categories.code"), primary_key=True),
    sa.Column("demand_class", sa.Text, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    _one_of("demand_class", DemandClass),
    comment="Which centre a category is for (HZ-01); those below it follow, unless they are listed themselves.",
)

appeal_motions = sa.Table(
    "appeal_motions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("appeal_id", _ID, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("deputy", sa.Text, nullable=False),
    sa.Column("submitted_at", _MOMENT, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("appeal_id", "body", "number"),
)

registry_history = sa.Table(
    "registry_history",
    metadata,
    sa.Column("registry", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    comment="Every version of an entry of the registries above, append-only.",
)

_SESSION = appeals.c.channel_details["session_id"].astext
_INFORMANT = appeals.c.channel_details["informant_id"].astext
sa.Index("ix_appeals_session", _SESSION, postgresql_where=_SESSION.is_not(None))
sa.Index("ix_appeals_informant", _INFORMANT, postgresql_where=_INFORMANT.is_not(None))
