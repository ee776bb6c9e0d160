"""What foreign 311 clients need: tokens and service attributes."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "intake"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
