"""Tables for suggested categories: the city's own words, versions of the classifier, what was suggested for whom."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.intake.db.tables import SCHEMA, metadata

_MOMENT = sa.DateTime(timezone=True)

category_synonyms = sa.Table(
    "category_synonyms",
    metadata,
    sa.Column("category_code", sa.Text, sa.ForeignKey(f"{SCHEMA}.categories.code"), primary_key=True),
    sa.Column("words", ARRAY(sa.Text), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", _MOMENT, nullable=False),
    comment="Words a city has put in the place of those that come along.",
)

classifier_versions = sa.Table(
    "classifier_versions",
    metadata,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("examples", sa.Integer, nullable=False),
    sa.Column("labels", ARRAY(sa.Text), nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("report", JSONB, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.CheckConstraint("origin IN ('records', 'file')", name="origin"),
    sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    comment="Trained models; their files lie in the data directory, bound to the digest kept here.",
)

classifier_switches = sa.Table(
    "classifier_switches",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("version", sa.Text, sa.ForeignKey(f"{SCHEMA}.classifier_versions.version")),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    comment="Which version was switched on when, none for off; the last row holds. Append-only.",
)

appeal_suggestions = sa.Table(
    "appeal_suggestions",
    metadata,
    sa.Column("appeal_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("suggestions", JSONB, nullable=False),
    sa.Column("top_code", sa.Text),
    sa.Column("at", _MOMENT, nullable=False),
    sa.CheckConstraint("source IN ('lexicon', 'model')", name="source"),
    comment="What was suggested when an appeal came in without a category; of a report without words.",
)
