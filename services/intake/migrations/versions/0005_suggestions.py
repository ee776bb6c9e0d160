"""Suggested categories: versions of the classifier and the list for review."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "intake"
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_synonyms()
    _create_versions()
    _create_switches()
    _create_suggestions()


def downgrade() -> None:
    for table in ("appeal_suggestions", "classifier_switches", "classifier_versions", "category_synonyms"):
        op.drop_table(table, schema=SCHEMA)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _create_synonyms() -> None:
    op.create_table(
        "category_synonyms",
        sa.Column("category_code", sa.Text, nullable=False),
        sa.Column("words", ARRAY(sa.Text), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("category_code", name=op.f("pk_category_synonyms")),
        sa.ForeignKeyConstraint(
            ["category_code"],
            [f"{SCHEMA}.categories.code"],
            name=op.f("fk_category_synonyms_category_code_categories"),
        ),
        comment="Words a city has put in the place of those that come along.",
        schema=SCHEMA,
    )


def _create_versions() -> None:
    op.create_table(
        "classifier_versions",
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("examples", sa.Integer, nullable=False),
        sa.Column("labels", ARRAY(sa.Text), nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("report", JSONB, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_classifier_versions")),
        _check("classifier_versions", "origin", "origin IN ('records', 'file')"),
        _check("classifier_versions", "sha256", "octet_length(sha256) = 32"),
        comment="Trained models; their files lie in the data directory, bound to the digest kept here.",
        schema=SCHEMA,
    )


def _create_switches() -> None:
    op.create_table(
        "classifier_switches",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classifier_switches")),
        sa.ForeignKeyConstraint(
            ["version"],
            [f"{SCHEMA}.classifier_versions.version"],
            name=op.f("fk_classifier_switches_version_classifier_versions"),
        ),
        comment="Which version was switched on when, none for off; the last row holds. Append-only.",
        schema=SCHEMA,
    )
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {SCHEMA}.classifier_switches "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
    )


def _create_suggestions() -> None:
    op.create_table(
        "appeal_suggestions",
        sa.Column("appeal_id", UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("suggestions", JSONB, nullable=False),
        sa.Column("top_code", sa.Text),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_suggestions")),
        _check("appeal_suggestions", "source", "source IN ('lexicon', 'model')"),
        comment="What was suggested when an appeal came in without a category; of a report without words.",
        schema=SCHEMA,
    )
