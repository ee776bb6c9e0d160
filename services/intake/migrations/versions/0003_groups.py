"""Appeals on one matter: who is attached to whom, signatories as sealed versions, alarms."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "intake"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
