"""Tables of the registry: departments, grids, categories, rule sets, SLA policies, calendars, and who changed them."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.dispatch.db.metadata import metadata
from services.dispatch.domain.registry import ChangeAction, RegistryKind, RegistryPart, RuleSetStatus
from shared.vocabulary import AppealType, Channel, HandlingMode, SpecialCare, Urgency


def one_of(column: str, values: type[StrEnum]) -> str:
    """The text of a CHECK that keeps an enum-like column to its words."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


departments = sa.Table(
    "departments",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent_code", sa.Text, sa.ForeignKey("dispatch.departments.code")),
    sa.Column("grid_code", sa.Text),
    sa.Column("retired_at", sa.DateTime(timezone=True)),
    sa.Column("successor_code", sa.Text, sa.ForeignKey("dispatch.departments.code")),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
)

grids = sa.Table(
    "grids",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date),
    sa.Column("predecessors", ARRAY(sa.Text), nullable=False),
    sa.Column("duty_holders", JSONB, nullable=False),
    # WKB of a polygon or multipolygon in WGS-84; null where only the code is known
    sa.Column("geometry", sa.LargeBinary),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(
        "code ~ '^[0-9]+$' AND length(code) IN (6, 9, 12, 15, 18) AND code !~ '^.{6}(.{3})*000'",
        name="code_is_known_blocks",
    ),
    sa.CheckConstraint("valid_from IS NULL OR valid_to IS NULL OR valid_from < valid_to", name="validity"),
)

categories = sa.Table(
    "categories",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("parent_code", sa.Text, sa.ForeignKey("dispatch.categories.code")),
    sa.Column("default_urgency", sa.Text),
    sa.Column("default_mode", sa.Text),
    sa.Column("policy_code", sa.Text),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(one_of("default_urgency", Urgency), name="default_urgency"),
    sa.CheckConstraint(one_of("default_mode", HandlingMode), name="default_mode"),
)

rule_sets = sa.Table(
    "rule_sets",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False, unique=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("rule_count", sa.Integer, nullable=False),
    sa.Column("author_id", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("published_by", sa.Text),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(one_of("status", RuleSetStatus), name="status"),
    sa.CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published_at"),
    sa.Index("uq_rule_sets_published", "status", unique=True, postgresql_where=sa.text("status = 'published'")),
)

routing_rules = sa.Table(
    "routing_rules",
    metadata,
    sa.Column("rule_set_id", sa.Uuid, sa.ForeignKey("dispatch.rule_sets.id"), primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("department_code", sa.Text, nullable=False),
    sa.Column("category_code", sa.Text),
    sa.Column("grid_code", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("special_care", sa.Text),
    sa.Column("time_window", JSONB(none_as_null=True)),
    sa.Column("order", sa.Integer, nullable=False),
    sa.CheckConstraint(one_of("type", AppealType), name="type"),
    sa.CheckConstraint(one_of("channel", Channel), name="channel"),
    sa.CheckConstraint(one_of("urgency", Urgency), name="urgency"),
    sa.CheckConstraint(one_of("special_care", SpecialCare), name="special_care"),
    sa.Index("ix_routing_rules_department_code", "rule_set_id", "department_code"),
)

sla_policies = sa.Table(
    "sla_policies",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)

calendars = sa.Table(
    "calendars",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Index("uq_calendars_default", "is_default", unique=True, postgresql_where=sa.text("is_default")),
)

registry_changes = sa.Table(
    "registry_changes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("before", JSONB(none_as_null=True)),
    sa.Column("after", JSONB(none_as_null=True)),
    sa.CheckConstraint(one_of("kind", RegistryKind), name="kind"),
    sa.CheckConstraint(one_of("action", ChangeAction), name="action"),
    sa.Index("ix_registry_changes_kind_code_id", "kind", "code", "id"),
)

registry_stamps = sa.Table(
    "registry_stamps",
    metadata,
    sa.Column("part", sa.Text, primary_key=True),
    # a fresh id at every write: a stamp that was rolled back never comes again
    sa.Column("stamp", sa.Uuid, nullable=False),
    sa.CheckConstraint(one_of("part", RegistryPart), name="part"),
)
