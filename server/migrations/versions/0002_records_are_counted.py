"""Records are counted as they come."""

import sqlalchemy as sa
from alembic import op

from server.column_types import KEY_TYPE
from server.records.tallies import drop_tallies, keep_tallies

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTED = {
    "event": "EVENTS",
    "recording": "RECORDINGS",
    "chat_message": "CHAT_MESSAGES",
    "continuous_rating": "CONTINUOUS_RATINGS",
    "sparse_rating": "SPARSE_RATINGS",
    "sync_metric": "SYNC_METRICS",
    "component": "COMPONENTS",
}


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "data_type",
            sa.String(),
            nullable=False,
            comment="Name of the data type, such as SYNC_METRICS.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column(
            "record_count", sa.BigInteger(), nullable=False, comment="How many records there are."
        ),
        sa.Column(
            "first_timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When the first of them happened.",
        ),
        sa.Column(
            "last_timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When the last of them happened.",
        ),
        sa.PrimaryKeyConstraint("participant_key", "data_type", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.create_index("ix_tally_experiment_key", ["experiment_key", "data_type"])
        batch_op.create_index("ix_tally_room_key", ["room_key", "data_type"])
    for table, data_type in COUNTED.items():
        for statement in keep_tallies(op.get_bind().dialect.name, table, data_type):
            op.execute(statement)


def downgrade() -> None:
    for table in COUNTED:
        for statement in drop_tallies(op.get_bind().dialect.name, table):
            op.execute(statement)
    op.drop_table("tally")
