"""What appeals are found by: terms of the text, place and time in one narrow table."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "intake"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
