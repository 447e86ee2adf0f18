"""What an API key has spent of its budget is known to all servers."""

import sqlalchemy as sa
from alembic import op

from server.column_types import KEY_TYPE

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("user_key", KEY_TYPE, autoincrement=False, nullable=False),
        sa.Column("api_key_key", KEY_TYPE, autoincrement=False, nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_key", "api_key_key", name=op.f("pk_budget")),
    )


def downgrade() -> None:
    op.drop_table("budget")
